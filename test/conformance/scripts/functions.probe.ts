// Counts hits by function, for patterns with many of them.
import { count, func, hash, param, uprobe } from "sonde";

const at = param("at", "", "targets, with blanks between them");
export const hits = count();
export const byFunction = hash(func, count(), { capacity: 1000 });
uprobe(at.split(" "), (c) => {
  hits.add();
  byFunction.at(c.func).add();
});
