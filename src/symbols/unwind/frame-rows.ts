/** The rows of frame tables that were asked for: stacks pass the same calls again and again. */
import type { FrameAt, Frames } from "../../dwarf/frames.ts";

/** A row with its rules takes some hundred bytes. */
const MOST_ROWS = 1 << 14;

export function rememberedFrames(frames: Frames): Frames {
  const rows = new Map<number, FrameAt | undefined>();
  return {
    tables: frames.tables,
    at(address) {
      const known = rows.get(address);
      if (known !== undefined || rows.has(address)) return known;
      const row = frames.at(address);
      if (rows.size >= MOST_ROWS) rows.clear();
      rows.set(address, row);
      return row;
    },
  };
}
