/** Where a function's own branches lead. */
import { measure } from "./length-decoder.ts";

/** Targets as offsets from the function's start. */
export interface Branches {
  /** Of jumps, and of calls, which are often no more than a jump to hand-written code. */
  readonly targets: ReadonlySet<number>;
  /** It jumps to addresses from tables or registers. */
  readonly indirect: boolean;
}

/** Walks through a whole function; undefined if its code can't be measured to the end (data in the code, rare opcodes). */
export function functionBranches(code: Uint8Array): Branches | undefined {
  const targets = new Set<number>();
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  let indirect = false;
  for (let at = 0; at < code.length; ) {
    const instruction = measure(code, at);
    if (instruction === undefined) return undefined;
    const end = at + instruction.length;
    const p = instruction.opcode;
    const opcode = code[p] as number;
    const second = code[p + 1] as number;
    if ((opcode & 0xf0) === 0x70 || opcode === 0xeb || (opcode & 0xfc) === 0xe0) targets.add(end + view.getInt8(end - 1));
    else if (opcode === 0xe8 || opcode === 0xe9 || (opcode === 0x0f && (second & 0xf0) === 0x80)) targets.add(end + view.getInt32(end - 4, true));
    // xbegin names the place where an aborted transaction goes on.
    else if (opcode === 0xc7 && second === 0xf8 && instruction.length - (p - at) === 6) targets.add(end + view.getInt32(end - 4, true));
    // Through a fixed place (rip-relative), a jump goes to another function.
    else if (opcode === 0xff && ((second >> 3) & 6) === 4 && (second & 0xc7) !== 5) indirect = true;
    at = end;
  }
  return { targets, indirect };
}

/** Instead of a length: the second byte decides. */
export const MAYBE = 255;

/** By an instruction's first byte the length of the direct branch that it is: jcc, loop, jrcxz, jmp, call; 0 for none. `undecided`: first bytes that are `MAYBE` besides. */
export function branchLengths(...undecided: readonly number[]): Uint8Array {
  const lengths = new Uint8Array(256);
  lengths.fill(2, 0x70, 0x80);
  lengths.fill(2, 0xe0, 0xe4);
  lengths[0xeb] = 2;
  lengths[0xe8] = 5;
  lengths[0xe9] = 5;
  // 0f 80 … 8f: jcc; c7 f8: xbegin
  for (const byte of [0x0f, 0xc7, ...undecided]) lengths[byte] = MAYBE;
  return lengths;
}
