// Three probes on one site; at the second target the middle one is removed.
import { count, events, param, u32, u64, uprobe } from "sonde";

const at = param("at", "", "the target, and the one that removes");
const [site = "", remover = ""] = at.split(" ");
export const seen = events({ probe: u32, arg: u64 });
export const first = count();
export const second = count();
export const third = count();
uprobe(site, (c) => {
  first.add();
  seen.emit({ probe: 1, arg: c.arg0 });
});
const middle = uprobe(site, (c) => {
  second.add();
  seen.emit({ probe: 2, arg: c.arg0 });
});
uprobe(site, (c) => {
  third.add();
  seen.emit({ probe: 3, arg: c.arg0 });
});
uprobe(remover, () => {
  middle.detach();
  seen.emit({ probe: 0, arg: 0 });
});
