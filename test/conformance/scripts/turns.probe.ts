// Counts calls and returns of several targets, for programs under load.
import { count, param, uprobe } from "sonde";

const at = param("at", "", "targets, with blanks between them");
export const enters = count();
export const leaves = count();
uprobe(at.split(" "), {
  enter: () => enters.add(),
  leave: () => leaves.add(),
});
