// Counts calls and their returns, in all and by process; what leave is given is what enter gave.
import { count, hash, param, u32, uprobe, uretprobe } from "sonde";

const at = param("at", "", "targets, with blanks between them");
export const enters = count();
export const leaves = count();
export const wrong = count();
export const leavesByProcess = hash(u32, count());
export const returns = count();
uprobe(at.split(" "), {
  enter: (c) => {
    enters.add();
    return c.tid;
  },
  leave: (c, tid) => {
    leaves.add();
    leavesByProcess.at(c.pid).add();
    if (tid !== c.tid) wrong.add();
  },
});
uretprobe(at.split(" "), () => returns.add());
