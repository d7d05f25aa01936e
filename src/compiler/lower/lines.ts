/** From an offset in a file to its line and column, both from 1. */
import type { Position } from "../mir/types.ts";

export function lineTable(texts: readonly string[]): (position: Position) => { file: number; line: number; column: number } {
  const starts = texts.map((text) => {
    const out = [0];
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) out.push(i + 1);
    return out;
  });
  return ({ file, offset }) => {
    const lines = starts[file] ?? [0];
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lines[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: offset - (lines[low] as number) + 1 };
  };
}
