/** Reads a target as it is written in a script: which file, which place in it. */
import { SondeError } from "../errors/error.ts";

/** What a target names inside the file. */
export type Place =
  /** A function by its exact name, `delta` bytes behind its start. */
  | { readonly kind: "function"; readonly name: string; readonly delta: number }
  /** All functions that the pattern matches. */
  | { readonly kind: "pattern"; readonly pattern: string }
  /** A virtual address as linked. */
  | { readonly kind: "address"; readonly address: bigint }
  /** A source line: `file` is what the file's path ends with. Lines and columns count from 1. */
  | { readonly kind: "line"; readonly file: string; readonly line: number; readonly column: number | undefined };

export interface Target {
  readonly text: string;
  /** A path, or the bare name of a library or program. */
  readonly file: string;
  readonly place: Place;
}

/**
 * Splits `file:place`. The first `:` counts that isn't part of `::`; a path that has one writes `\:`.
 * Throws SONDE_TARGET_EMPTY, _NO_FILE, _NO_PLACE, _LINE, _OFFSET, _ADDRESS.
 */
export function parseTarget(text: string): Target {
  const trimmed = text.trim();
  if (trimmed === "") {
    throw new SondeError("SONDE_TARGET_EMPTY", "the target is empty", { mend: 'name a file and a function: "libc:malloc"' });
  }
  const colon = splitAt(trimmed);
  if (colon < 0) {
    throw new SondeError("SONDE_TARGET_NO_PLACE", `the target ${quoted(trimmed)} doesn't say in which file the function is`, {
      where: trimmed,
      mend: `Write the library's or program's name or path before it: "libc:${trimmed}"`,
    });
  }
  if (LINE_ALONE.test(trimmed)) throw lineAlone(trimmed);
  const file = trimmed.slice(0, colon).replaceAll("\\:", ":");
  const rest = trimmed.slice(colon + 1);
  if (file === "") {
    throw new SondeError("SONDE_TARGET_NO_FILE", `the target ${quoted(trimmed)} names no file before the ":"`, {
      where: trimmed,
      mend: 'name a library ("libc"), a program ("bash") or a path ("/usr/bin/bash")',
    });
  }
  if (rest === "") {
    throw new SondeError("SONDE_TARGET_NO_PLACE", `the target ${quoted(trimmed)} names no function behind the ":"`, {
      where: trimmed,
      mend: `Name a function, a pattern, a source line or an address: "${file}:main", "${file}:*", "${file}:file.c:120", "${file}:0x4011d6"`,
    });
  }
  return { text: trimmed, file, place: parsePlace(rest, trimmed) };
}

function parsePlace(rest: string, text: string): Place {
  const line = SOURCE_LINE.exec(rest);
  if (line !== null) return sourceLine(line, text);
  if (/^(?:0[xX]|\d)/.test(rest)) {
    if (!/^(?:0[xX][0-9a-fA-F]{1,16}|\d{1,19})$/.test(rest)) {
      throw new SondeError("SONDE_TARGET_ADDRESS", `${quoted(rest)} in the target ${quoted(text)} is not an address`, {
        where: text,
        mend: 'write the virtual address as linked, in hexadecimal: "bin:0x4011d6"',
      });
    }
    return { kind: "address", address: BigInt(rest) };
  }
  const plus = /^(.*[^+])\+([^+()<> ]*)$/s.exec(rest);
  if (plus !== null && !/operator\+?$/.test(`${plus[1]}`) && !isPattern(plus[1] as string)) {
    const digits = plus[2] as string;
    if (!/^(?:0[xX][0-9a-fA-F]{1,8}|\d{1,10})$/.test(digits)) {
      throw new SondeError("SONDE_TARGET_OFFSET", `${quoted(digits)} in the target ${quoted(text)} is not an offset`, {
        where: text,
        mend: 'write bytes from the function\'s start: "bin:function+0x1c"',
      });
    }
    return { kind: "function", name: withoutEscapes(plus[1] as string), delta: Number(digits) };
  }
  if (isPattern(rest)) return { kind: "pattern", pattern: rest };
  return { kind: "function", name: withoutEscapes(rest), delta: 0 };
}

/** `file.c:120`, `src/file.c:120:7`: the last single colons are followed by numbers. */
const SOURCE_LINE = /^((?:\\.|::|[^:\\])+):(\d+)(?::(\d+))?$/s;
/** A line without the program that it is in. */
const LINE_ALONE = /^[^:]*\.(?:c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|rs|go|s|S|d|zig|adb|f90|pas):\d+(?::\d+)?$/;
const LAST_LINE = 0xffff_ffff;

function sourceLine([, file = "", lineText, columnText]: RegExpExecArray, text: string): Place {
  const line = Number(lineText);
  const column = columnText === undefined ? undefined : Number(columnText);
  if (line < 1 || line > LAST_LINE || (column !== undefined && (column < 1 || column > LAST_LINE))) {
    throw new SondeError("SONDE_TARGET_LINE", `${quoted(text)} names no line that there could be`, {
      where: text,
      why: "lines and columns count from 1",
      mend: 'Write for instance "bin:file.c:120" or "bin:file.c:120:7".',
    });
  }
  return { kind: "line", file: withoutEscapes(file), line, column };
}

function lineAlone(text: string): SondeError {
  return new SondeError("SONDE_TARGET_LINE", `the target ${quoted(text)} names a source line, but not the program that it is in`, {
    where: text,
    mend: `Write the program's or library's name or path before it: "/usr/bin/program:${text}"`,
  });
}

function splitAt(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ":") {
      if (text[i + 1] !== ":") return i;
      i++;
    }
  }
  return -1;
}

/**
 * The pattern's pieces: literal texts, with a wildcard between each two. A `*` is literal behind a backslash, inside
 * `(…)` and `<…>`, and as part of an operator's name (`operator*`, `operator->*`), unless `anyOperator`.
 */
export function patternPieces(pattern: string, anyOperator = false): string[] {
  const pieces: string[] = [];
  let piece = "";
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    const operator = /(?:^|[^A-Za-z0-9_$])operator[^A-Za-z0-9_$(*]*$/.test(piece);
    const multiplies = operator && !anyOperator && /operator(?:->)?$/.test(piece);
    if (c === "\\" && i + 1 < pattern.length) piece += pattern[++i];
    else if (c === "*" && depth === 0 && !multiplies) {
      pieces.push(piece);
      piece = "";
    } else {
      if (!operator && (c === "(" || c === "<")) depth++;
      if (!operator && (c === ")" || c === ">") && depth > 0) depth--;
      piece += c;
    }
  }
  pieces.push(piece);
  return pieces;
}

function isPattern(text: string): boolean {
  return text.includes("*") && patternPieces(text).length > 1;
}

/** Whether a name is matched by a pattern's pieces: linear, whatever the pattern. */
export function matchesPieces(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] as string;
  const last = pieces[pieces.length - 1] as string;
  if (pieces.length === 1) return name === first;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (let i = 1; i < pieces.length - 1; i++) {
    const found = name.indexOf(pieces[i] as string, at);
    if (found < 0) return false;
    at = found + (pieces[i] as string).length;
  }
  return at <= name.length - last.length;
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(.)/gs, "$1");
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
