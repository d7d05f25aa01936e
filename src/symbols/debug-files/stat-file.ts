/** Whether a path, which a file may have made up, leads to a regular file. */
import { type Stats, statSync } from "node:fs";

/** Undefined: it doesn't, or can't be told (no rights, a loop of links, a name too long). */
export function statFile(path: string): Stats | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat : undefined;
  } catch {
    return undefined;
  }
}
