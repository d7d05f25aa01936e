/** What stands in processes' memory at a function of a file, beside what stands in the file: whether a site is armed there. */
import { closeSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { resolveTarget } from "../../../src/symbols/resolve.ts";

export interface Code {
  readonly path: string;
  /** Of the function, in the file. */
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A function's code in its file, as long as its symbol says. */
export function codeOf(target: string): Code {
  const [site] = resolveTarget(target, { mode: "entry" }).sites;
  if (site === undefined) throw new Error(`${target} has no site`);
  return { path: site.path, offset: site.functionOffset, bytes: readFileSync(site.path).subarray(site.functionOffset, site.functionOffset + site.size) };
}

/** What a process has where it maps a file executable. */
function bytesOfMappings(pid: number, path: string): { readonly offset: number; readonly copy: Buffer }[] {
  const copies: { offset: number; copy: Buffer }[] = [];
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const found = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ +(.*)$/.exec(line);
      if (found === null || found[4] !== path) continue;
      const [from, to, offset] = [found[1], found[2], found[3]].map((text) => Number.parseInt(text as string, 16)) as [number, number, number];
      const copy = Buffer.alloc(to - from);
      // What is mapped behind the file's end can't be read.
      const length = readSync(memory, copy, 0, copy.length, from);
      copies.push({ offset, copy: copy.subarray(0, length) });
    }
  } finally {
    closeSync(memory);
  }
  return copies;
}

/** The same bytes as each executable mapping of the process has them. */
export function bytesIn(pid: number, code: Code): Buffer[] {
  return bytesOfMappings(pid, realpathSync(code.path))
    .filter(({ offset, copy }) => code.offset >= offset && code.offset + code.bytes.length <= offset + copy.length)
    .map(({ offset, copy }) => copy.subarray(code.offset - offset, code.offset - offset + code.bytes.length));
}

/** For each executable mapping: whether a breakpoint stands in the function. */
export const armedIn = (pid: number, code: Code): boolean[] => bytesIn(pid, code).map((bytes) => !bytes.equals(code.bytes));

/** Whether every executable mapping of a file has, byte by byte, what the file has. */
export function intact(pid: number, path: string): boolean {
  const bytes = readFileSync(path);
  const whole = bytesOfMappings(pid, realpathSync(path));
  if (whole.length === 0) throw new Error(`process ${pid} doesn't map ${path}`);
  return whole.every(({ offset, copy }) => copy.subarray(0, bytes.length - offset).equals(bytes.subarray(offset, offset + copy.length)));
}
