/** Values that debug information places: in registers, in memory, or as something to be computed. */
import { type CPlace, type CType, type PlacePiece, type PlaceStep, sizeOf } from "../../schema/ctypes.ts";
import { engineLacks } from "../diagnostics/lowering.ts";
import { unplaced, unreadableType } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import type { Operand } from "../mir/types.ts";
import { hold, type Piece, scattered } from "./held.ts";
import type { Register } from "./input.ts";
import { readBlock, readTyped, readWord } from "./memory.ts";
import type { Program } from "./program.ts";
import { register, vectorHalf } from "./registers.ts";
import { scalar } from "./typed.ts";
import { maybe, type Structs, UNDEFINED, u64, type Value } from "./value.ts";

interface Placed {
  readonly type: CType;
  readonly structs: Structs;
  /** As messages name it: "`c.args.size`". */
  readonly what: string;
  readonly span: Span;
}

/** Steps of one place, and bytes of a value in registers: whoever has more isn't understood. */
const MOST_STEPS = 256;
const MOST_BYTES = 512;
const NOT_UNDERSTOOD = "the debug information that says where it is isn't understood";

export function readPlace(p: Program, place: CPlace, placed: Placed): Value {
  const { type, structs, what, span } = placed;
  if (place.k === "none" && place.elsewhere !== true) return p.fail(unplaced(p.place(span), what, place.why));
  if (type.k === "void") return UNDEFINED;
  switch (place.k) {
    case "none":
      return both(p, 0n, readTyped(p, { ...u64(0n), structs }, type, placed));
    case "memory": {
      const at = compute(p, place.address, placed);
      return both(p, at.present, readTyped(p, { ...u64(at.op), structs }, type, placed));
    }
    case "value": {
      const { op, present } = compute(p, place.steps, placed);
      return both(p, present, fromPieces(p, [{ op, offset: 0, size: 8 }], placed));
    }
    case "registers":
      return fromPieces(
        p,
        place.parts.flatMap((part) => piecesOf(p, part, placed)),
        placed,
      );
    case "pieces":
      return fromPieces(
        p,
        place.parts.flatMap((part) => scatteredPieces(p, part, placed)),
        placed,
        place.parts.filter((part) => part.place.k === "none"),
      );
  }
}

/** Both the address and what is there can be read. */
function both(p: Program, present: Operand, value: Value): Value {
  return value.k === "maybe" ? maybe(p.b.binary("and", present, value.present), value.value) : maybe(present, value);
}

/** The words of a part that is somewhere. */
function scatteredPieces(p: Program, { offset, size, place }: PlacePiece, placed: Placed): Piece[] {
  const refuse = (why: string): never => p.fail(unplaced(p.place(placed.span), placed.what, why));
  if (offset < 0 || size < 1) refuse(NOT_UNDERSTOOD);
  if (offset + size > MOST_BYTES) refuse("it is scattered, and too large to be copied");
  switch (place.k) {
    case "none":
      return [];
    case "registers":
      return place.parts.flatMap((part) => piecesOf(p, { ...part, offset: offset + part.offset }, placed));
    case "value": {
      if (size > 8) refuse(NOT_UNDERSTOOD);
      const { op, present } = compute(p, place.steps, placed);
      return [{ op, offset, size, ...(present !== 1n && { present }) }];
    }
    case "memory": {
      const { op, present: reached } = compute(p, place.address, placed);
      const { base, present: read } = readBlock(p, op, size);
      const present = reached === 1n ? read : p.b.binary("and", reached, read);
      const words = Array.from({ length: Math.ceil(size / 8) }, (_, i) => 8 * i);
      return words.map((at) => ({ op: p.b.load(base, at, 8), offset: offset + at, size: Math.min(8, size - at), present }));
    }
  }
}

type RegisterPart = Extract<CPlace, { k: "registers" }>["parts"][number];

/** The words of a register that have bytes of the value. */
function piecesOf(p: Program, { register: name, offset, size }: RegisterPart, { what, span }: Placed): Piece[] {
  const vector = /^xmm(\d+)$/.exec(name);
  if (offset < 0 || size < 1 || size > (vector ? 16 : 8) || offset + size > MOST_BYTES) return p.fail(unplaced(p.place(span), what, NOT_UNDERSTOOD));
  if (vector === null) return [{ op: register(p, name as Register), offset, size }];
  if (!p.session.request.target.extendedContext) return [{ op: 0n, offset, size, present: "float" }];
  const half = (which: 0 | 1): Operand => vectorHalf(p, Number(vector[1]), which, `${what} (in a float register)`, span);
  const low: Piece = { op: half(0), offset, size: Math.min(size, 8) };
  return size <= 8 ? [low] : [low, { op: half(1), offset: offset + 8, size: size - 8 }];
}

/** A value of the given type: a scalar that lies in one register, or a copy of a structure, array or scattered scalar. */
function fromPieces(p: Program, pieces: readonly Piece[], { type, structs, what, span }: Placed, nowhere?: readonly PlacePiece[]): Value {
  if (type.k === "unknown") return p.fail(unreadableType(p.place(span), what, type.what, "c.regs"));
  if (type.k === "struct" || type.k === "array") return hold(p, pieces, type, structs, nowhere);
  const size = sizeOf(type, structs);
  if (pieces.some(({ present }) => present === "float")) return p.fail(engineLacks(p.place(span), `${what} (in a float register)`, "breakpoint"));
  const whole = pieces.find((piece) => piece.offset === 0 && piece.size >= size);
  if (whole !== undefined) return maybe((whole.present as Operand | undefined) ?? 1n, scalar(p, whole.op, type, structs));
  if (nowhere?.length) return p.fail(unplaced(p.place(span), what, "the compiler has removed a part of it"));
  if (nowhere !== undefined) return scattered(p, pieces, type, structs, what, span);
  return p.fail(unplaced(p.place(span), what, pieces.length === 0 ? "it is in no register" : "only parts of it are in registers"));
}

/** What the steps leave on their stack; absent where something on the way can't be read. */
function compute(p: Program, steps: readonly PlaceStep[], { what, span }: Placed): { readonly op: Operand; readonly present: Operand } {
  const { b } = p;
  const stack: Operand[] = [];
  let present: Operand = 1n;
  const refuse = (why: string): never => p.fail(unplaced(p.place(span), what, why));
  const pop = (): Operand => stack.pop() ?? refuse(NOT_UNDERSTOOD);
  if (steps.length > MOST_STEPS) refuse("the computation that debug information gives for it is too long");
  for (const step of steps) {
    switch (step.op) {
      case "constant":
        stack.push(BigInt.asIntN(64, step.value));
        break;
      case "address":
        stack.push(b.binary("add", loadBias(p, refuse), BigInt.asIntN(64, step.value)));
        break;
      case "register":
        if (step.register.startsWith("xmm")) refuse("it is computed from a float register");
        stack.push(b.binary("add", register(p, step.register as Register), BigInt.asIntN(64, step.plus)));
        break;
      case "read": {
        const word = readWord(p, pop(), step.size);
        present = b.binary("and", present, word.present);
        stack.push(word.op);
        break;
      }
      case "neg":
        stack.push(b.binary("sub", 0n, pop()));
        break;
      case "not":
        stack.push(b.binary("xor", pop(), -1n));
        break;
      default: {
        const right = pop();
        stack.push(b.binary(step.op, pop(), right));
      }
    }
  }
  return { op: pop(), present };
}

/** How far from its addresses as linked the probed file is loaded: the instruction pointer is at the site, whose address as linked is known. */
function loadBias(p: Program, refuse: (why: string) => never): Operand {
  const { address } = p.probe;
  if (address === undefined) return refuse("it has a fixed address in its file, which handlers know only of probes of one place");
  if (p.phase === "leave" || p.phase === "after") return refuse("it has a fixed address in its file, which is known only where the probed instruction is hit");
  return p.b.binary("sub", register(p, "rip"), BigInt.asIntN(64, address));
}
