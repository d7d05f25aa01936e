/** Where the memory objects and the spilled registers lie: in the 512 bytes below r10, or in the hit's scratch slot. */
import type { MirFunction } from "../mir/types.ts";

export const FRAME_BYTES = 512;
/** Objects larger than this go to the scratch slot, if there is one. */
export const SMALL_OBJECT = 32;

export type ObjectHome = { readonly in: "frame"; readonly offset: number } | { readonly in: "scratch"; readonly offset: number };
export interface Frame {
  readonly objects: readonly ObjectHome[];
  readonly objectBytes: number;
  readonly scratchBytes: number;
}

/** `slots`: how many registers are spilled. They can't lie anywhere else, for a pointer that is kept in a scratch slot isn't one any more to the kernel. */
export function placeObjects(fn: MirFunction, slots: number): Frame {
  const homes: ObjectHome[] = [];
  const room = FRAME_BYTES - slots * 8;
  let frame = 0;
  let scratch = 0;
  for (const { size, home } of fn.objects) {
    const bytes = Math.ceil(size / 8) * 8;
    if (fn.scratch !== undefined && home !== "frame" && (home === "scratch" || bytes > SMALL_OBJECT || frame + bytes > room)) {
      homes.push({ in: "scratch", offset: scratch });
      scratch += bytes;
    } else {
      frame += bytes;
      homes.push({ in: "frame", offset: -frame });
    }
  }
  return { objects: homes, objectBytes: frame, scratchBytes: scratch };
}
