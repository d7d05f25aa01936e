/** Go programs: whether a file is one, and where its functions return. */
import { readElf } from "../../../elf/image.ts";
import { FileSource } from "../../../symbols/file-source.ts";
import { instructionBoundaries } from "../../../x86/full-decoder.ts";
import type { Space } from "./space.ts";

const GO_SECTIONS = new Set([".gopclntab", ".go.buildinfo", ".data.rel.ro.gopclntab"]);
const RET = 0xc3;

const known = new Map<string, boolean>();

export function isGo(path: string): boolean {
  let go = known.get(path);
  if (go === undefined) {
    go = false;
    try {
      const source = new FileSource(path);
      try {
        go = readElf(source).sections.some(({ name }) => GO_SECTIONS.has(name));
      } finally {
        source.close();
      }
    } catch {
      // Deleted since, or nothing that we can read: then it can't be told.
    }
    known.set(path, go);
  }
  return go;
}

/** The addresses of a function's `ret` instructions. */
export function returnInstructions(space: Space, start: number, size: number): number[] {
  const code = space.memory.bytes(start, size);
  if (code === undefined || size === 0) return [];
  const armed = space.armed;
  // Breakpoints of ours hide what they displaced.
  for (let at = 0; at < size; at++) {
    const one = code[at] === 0xcc ? armed.get(start + at) : undefined;
    if (one !== undefined) code[at] = one.original;
  }
  return instructionBoundaries(code)
    .filter((at) => code[at] === RET)
    .map((at) => start + at);
}
