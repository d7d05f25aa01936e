/** Places of what DWARF expressions give: a register, memory, a word, or pieces of them. DWARF 5 §2.6.1. */
import type { CPlace, PlacePiece, PlaceRegister, SinglePlace } from "../schema/ctypes.ts";
import { binary, constant, read, register, stepsOf, Unreadable, type Word, widen } from "./expression-value.ts";
import { big64 } from "./leb.ts";

export type Simple =
  | { readonly k: "register"; readonly register: PlaceRegister }
  | { readonly k: "memory"; readonly word: Word }
  | { readonly k: "value"; readonly word: Word }
  | { readonly k: "bytes"; readonly bytes: Uint8Array }
  | { readonly k: "lost" };
export interface Piece {
  readonly of: Simple;
  readonly size: number;
}

/** Of a constant, in bytes. */
const MOST_CONSTANT = 512;

/** Why a variable without a location, or with an empty one, can't be read. */
export const REMOVED = "the compiler has removed it, or it has no value here";
export const none = (why: string): SinglePlace => ({ k: "none", why });
export const isVector = (name: PlaceRegister): boolean => name.startsWith("xmm");

export const readSize = (size: number): 1 | 2 | 4 | 8 => {
  if (size === 1 || size === 2 || size === 4 || size === 8) return size;
  throw new Unreadable(`its expression reads ${size} bytes at once`);
};

function littleEndian(bytes: Uint8Array): bigint {
  const padded = new Uint8Array(8);
  padded.set(bytes.subarray(0, 8));
  return big64(padded, 0);
}

export const wholePlace = (of: Simple, size: number | undefined): CPlace => (of.k === "bytes" ? constantPlace(of.bytes) : simplePlace(of, size));

function simplePlace(of: Exclude<Simple, { readonly k: "bytes" }>, size: number | undefined): SinglePlace {
  switch (of.k) {
    case "memory":
      return { k: "memory", address: stepsOf(of.word) };
    case "value":
      return (size ?? 8) > 8 ? none("it is computed, and larger than 8 bytes") : { k: "value", steps: stepsOf(of.word) };
    case "lost":
      return none(REMOVED);
    case "register": {
      const most = isVector(of.register) ? 16 : 8;
      const bytes = size ?? 8;
      if (bytes > most) return none(`it takes more than the ${most} bytes of ${of.register}`);
      return { k: "registers", parts: [{ register: of.register, offset: 0, size: bytes }] };
    }
  }
}

/** A value that the debug information itself has. */
export function constantPlace(bytes: Uint8Array): CPlace {
  if (bytes.length <= 8) return constantWord(bytes);
  if (bytes.length > MOST_CONSTANT) return none(`it is a constant of more than ${MOST_CONSTANT} bytes`);
  return inPieces([{ of: { k: "bytes", bytes }, size: bytes.length }]);
}

const constantWord = (bytes: Uint8Array): SinglePlace => ({ k: "value", steps: [{ op: "constant", value: BigInt.asIntN(64, littleEndian(bytes)) }] });

/** What pieces make in all: registers, memory in a row, a word put together, or parts of their own. */
export function composite(pieces: readonly Piece[], size: number | undefined): CPlace {
  const total = pieces.reduce((sum, piece) => sum + piece.size, 0);
  // What no piece is of is nowhere: clang leaves out those at the end.
  if (size !== undefined && total < size) return composite([...pieces, { of: { k: "lost" }, size: size - total }], size);
  if (pieces.every((piece) => piece.of.k === "lost")) return none(REMOVED);
  if (pieces.length === 1) return wholePlace(pieces[0]!.of, size ?? total);
  return inRegisters(pieces) ?? inMemory(pieces) ?? inWord(pieces, total) ?? inPieces(pieces);
}

function inRegisters(pieces: readonly Piece[]): CPlace | undefined {
  const parts: { register: PlaceRegister; offset: number; size: number }[] = [];
  let offset = 0;
  for (const { of, size } of pieces) {
    if (of.k !== "register") return undefined;
    if (size > (isVector(of.register) ? 16 : 8)) return none(`it takes more than the bytes of ${of.register}`);
    parts.push({ register: of.register, offset, size });
    offset += size;
  }
  return { k: "registers", parts };
}

/** Only where each piece follows the one before it. */
function inMemory(pieces: readonly Piece[]): CPlace | undefined {
  const first = pieces[0]!.of;
  if (first.k !== "memory") return undefined;
  let offset = 0;
  for (const { of, size } of pieces) {
    if (of.k !== "memory") return undefined;
    const expected = JSON.stringify(stepsOf(binary("add", first.word, constant(offset))), withBigints);
    if (JSON.stringify(stepsOf(of.word), withBigints) !== expected) return undefined;
    offset += size;
  }
  return { k: "memory", address: stepsOf(first.word) };
}
const withBigints = (_: string, value: unknown): unknown => (typeof value === "bigint" ? value.toString() : value);

/** Only where a word has room for it, and a word is read of each. */
function inWord(pieces: readonly Piece[], total: number): CPlace | undefined {
  if (total > 8 || !pieces.every(isOfWord)) return undefined;
  let whole: Word = constant(0);
  let offset = 0;
  for (const { of, size } of pieces) {
    const part = widen(pieceWord(of, size), size, false);
    whole = offset === 0 ? part : binary("or", whole, binary("shl", part, constant(offset * 8)));
    offset += size;
  }
  return { k: "value", steps: stepsOf(whole) };
}

const isOfWord = ({ of, size }: Piece): boolean =>
  of.k === "register" ? !isVector(of.register) : of.k === "memory" ? [1, 2, 4, 8].includes(size) : of.k !== "lost";

/** Of a piece that is of a word. */
function pieceWord(of: Simple, size: number): Word {
  switch (of.k) {
    case "register":
      return register(of.register, 0n);
    case "memory":
      return read(of.word, readSize(size));
    case "value":
      return of.word;
    case "bytes":
      return constant(littleEndian(of.bytes));
    case "lost":
      throw new Unreadable(REMOVED);
  }
}

/** Each piece where it is, by itself. */
function inPieces(pieces: readonly Piece[]): CPlace {
  const parts: PlacePiece[] = [];
  let offset = 0;
  for (const { of, size } of pieces) {
    if (of.k === "bytes") {
      // A word of them at a time.
      for (let at = 0; at < Math.min(size, of.bytes.length, MOST_CONSTANT); at += 8) {
        const n = Math.min(8, size - at, of.bytes.length - at);
        parts.push({ offset: offset + at, size: n, place: constantWord(of.bytes.subarray(at, at + n)) });
      }
    } else if (size > 0) {
      parts.push({ offset, size, place: simplePlace(of, size) });
    }
    const there = of.k === "bytes" ? Math.min(of.bytes.length, MOST_CONSTANT) : size;
    if (there < size) parts.push({ offset: offset + there, size: size - there, place: none(REMOVED) });
    offset += size;
  }
  return { k: "pieces", parts };
}
