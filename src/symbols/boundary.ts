/** Checks that a place inside a function is the start of an instruction: a breakpoint in the middle of one would change it. */
import { codeSegment, type ElfImage } from "../elf/image.ts";
import { unwindRange } from "../elf/unwind-table.ts";
import { SondeError } from "../errors/error.ts";
import { instructionBoundaries } from "../x86/full-decoder.ts";
import type { FunctionEntry, SymbolIndex } from "./symbol-index.ts";

/** Throws SONDE_OFFSET_BEHIND_END, SONDE_OFFSET_NOT_BOUNDARY, SONDE_OFFSET_UNDECODABLE. */
export function checkBoundary(image: ElfImage, index: SymbolIndex, entry: FunctionEntry, delta: number, target: string): void {
  const end = functionEnd(image, index, entry);
  if (delta >= end - entry.address) {
    throw new SondeError("SONDE_OFFSET_BEHIND_END", `+0x${delta.toString(16)} is behind the end of ${entry.name}`, {
      where: target,
      why: `the function is ${end - entry.address} bytes long (up to +0x${(end - entry.address).toString(16)})`,
      mend: "Write an offset inside the function.",
    });
  }
  const code = image.source.read(entry.offset, Math.min(end - entry.address, delta + 64));
  const boundaries = instructionBoundaries(code);
  if (boundaries.includes(delta)) return;
  const last = boundaries.at(-1) ?? 0;
  const before = boundaries.filter((boundary) => boundary < delta).at(-1) ?? 0;
  const behind = boundaries.find((boundary) => boundary > delta);
  if (behind === undefined && last < delta) {
    throw new SondeError("SONDE_OFFSET_UNDECODABLE", `the code of ${entry.name} doesn't decode as far as +0x${delta.toString(16)}`, {
      where: target,
      why: `the last instruction that does is at +0x${last.toString(16)}: there may be data in the code`,
      mend: "Write an offset in front of it.",
    });
  }
  const near = [before, behind].filter((boundary) => boundary !== undefined).map((boundary) => `+0x${boundary.toString(16)}`);
  throw new SondeError("SONDE_OFFSET_NOT_BOUNDARY", `+0x${delta.toString(16)} is in the middle of an instruction of ${entry.name}`, {
    where: target,
    why: `instructions near it begin at ${near.join(" and ")}`,
    mend: `Write ${entry.name}${near[0]}${near[1] === undefined ? "" : ` or ${entry.name}${near[1]}`}`,
  });
}

/** Where a function ends: by its symbol, by the unwind table, or at the latest where the next one or the segment's end is. */
function functionEnd(image: ElfImage, index: SymbolIndex, entry: FunctionEntry): number {
  if (entry.size > 0) return entry.address + entry.size;
  const range = unwindRange(image, entry.address);
  if (range !== undefined && range.address === entry.address) return range.address + range.size;
  const segment = codeSegment(image, entry.address);
  const limit = segment === undefined ? entry.address : segment.address + segment.fileSize;
  return Math.min(limit, index.nextStart(entry.address) ?? limit);
}
