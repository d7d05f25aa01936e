/** Reads a target of static probes as it is written in a script: which file, which of its probes. */
import { SondeError } from "../../errors/error.ts";
import { matchesPieces, patternPieces } from "../target.ts";

export interface UsdtTarget {
  readonly text: string;
  /** A path, or the bare name of a library or program. */
  readonly file: string;
  /** A name, or a pattern with `*`. Undefined: whichever has a probe of the name. */
  readonly provider: string | undefined;
  /** A name, or a pattern with `*`. */
  readonly name: string;
}

/**
 * Splits `file:provider:name` or `file:name`; a `:` of the file's or the provider's own is written `\:`, a `*` of a name `\*`.
 * Throws SONDE_TARGET_EMPTY, _NO_FILE, _NO_PLACE.
 */
export function parseUsdtTarget(written: string): UsdtTarget {
  const text = written.trim();
  if (text === "") throw new SondeError("SONDE_TARGET_EMPTY", "the target is empty", { mend: 'name a file, a provider and a probe: "libc:libc:setjmp"' });
  const colons = colonsOf(text);
  const [first, second] = colons;
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
  if (first === undefined) {
    throw new SondeError("SONDE_TARGET_NO_PLACE", `the target ${shown} doesn't say in which file the probe is`, {
      where: text,
      mend: `Write the library's or program's name or path before it: "bin:${text}"`,
    });
  }
  const file = text.slice(0, first).replace(/\\:/g, ":");
  if (file === "") {
    throw new SondeError("SONDE_TARGET_NO_FILE", `the target ${shown} names no file before the ":"`, {
      where: text,
      mend: 'name a library ("libc"), a program ("python3") or a path ("/usr/bin/python3")',
    });
  }
  const provider = second === undefined ? undefined : text.slice(first + 1, second);
  const name = text.slice((second ?? first) + 1);
  if (name === "" || provider === "") {
    throw new SondeError("SONDE_TARGET_NO_PLACE", `the target ${shown} names no ${name === "" ? "probe" : "provider"} behind the ":"`, {
      where: text,
      mend: `Name a provider and a probe, or patterns: "${file}:provider:probe", "${file}:provider:*", "${file}:*"`,
    });
  }
  return { text, file, provider, name };
}

/** Whether it means more than one name. */
export const isPattern = (text: string): boolean => patternPieces(text).length > 1;

/** Whether a name or pattern, as it is written in a target, means this name. */
export function nameMatcher(written: string | undefined): (name: string) => boolean {
  if (written === undefined) return () => true;
  const pieces = patternPieces(written);
  return (name) => matchesPieces(pieces, name);
}

/** Where the first two colons are that have no backslash before them. */
function colonsOf(text: string): number[] {
  const found: number[] = [];
  for (let i = 0; i < text.length && found.length < 2; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ":") found.push(i);
  }
  return found;
}
