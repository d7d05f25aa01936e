/**
 * Which part of a value each piece of a location is, in Go's debug information. Its compiler writes a piece for each scalar, and either
 * nothing for the gaps between them or pieces of other sizes than the gaps have (cmd/compile/internal/ssa/debug.go, seen with 1.19):
 * where a structure has gaps, what a piece says of its own offset is wrong behind the first one.
 */
import { abiTypeOf } from "./abi-layout.ts";
import type { Entry } from "./entry.ts";
import type { Piece } from "./expression-places.ts";
import { Unreadable } from "./expression-value.ts";
import { StructTable } from "./types.ts";

/** With pieces for the gaps, as DWARF has it. Throws Unreadable where it can't be told which piece is which. */
export function goPieces(pieces: readonly Piece[], type: Entry | undefined): readonly Piece[] {
  const { leaves, size } = abiTypeOf(type, new StructTable(), 1);
  if (leaves === undefined || leaves.reduce((sum, leaf) => sum + leaf.size, 0) === size) return pieces;
  const fits = (list: readonly Piece[]): boolean => list.length === leaves.length && list.every((piece, i) => piece.size === leaves[i]!.size);
  const scalars = [pieces, pieces.filter(({ of }) => of.k !== "lost")].find(fits);
  if (scalars === undefined) throw new Unreadable("Go's debug information doesn't tell which of its parts is where");
  const placed: Piece[] = [];
  let end = 0;
  for (const [i, leaf] of leaves.entries()) {
    if (leaf.offset > end) placed.push({ of: { k: "lost" }, size: leaf.offset - end });
    placed.push(scalars[i]!);
    end = leaf.offset + leaf.size;
  }
  return placed;
}
