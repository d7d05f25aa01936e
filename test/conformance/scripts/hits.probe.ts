// Counts hits, in all and by process. `-- at="TARGET …"`
import { count, hash, param, u32, uprobe } from "sonde";

const at = param("at", "", "targets, with blanks between them");
export const hits = count();
export const byProcess = hash(u32, count());
uprobe(at.split(" "), (c) => {
  hits.add();
  byProcess.at(c.pid).add();
});
