/**
 * What `enter` hands to `leave`.
 *
 * With session links the kernel keeps 8 bytes between entry and return for each call, whatever happens to the stack in
 * between. A value that fits lies in them; for a larger one they hold a number under which it lies in a table that
 * throws out its oldest entry when it is full. A child that was forked during the call has the number too, and reads
 * the same entry; only the thread that made it takes it out.
 *
 * Without sessions the table's key is the thread and its stack pointer at the entry, which recursion can't confuse. In Go
 * it is the goroutine, and how deep in its stack the call is: the goroutine may go on in another thread, and its stack
 * elsewhere in memory. From Go 1.17 on r14 holds the goroutine, whose first two words are its stack's ends.
 */
import * as problem from "../diagnostics/lowering.ts";
import type { Span } from "../hir/types.ts";
import type { Base } from "../mir/types.ts";
import { type Shape, shapeOf } from "./cells.ts";
import { copyStructWords, storeStruct } from "./memory-layout.ts";
import type { Program } from "./program.ts";
import { ownCpu } from "./prologue.ts";
import { registerOffsets } from "./registers.ts";
import { CARRY_CAPACITY } from "./session-layout.ts";
import { copyText } from "./text.ts";
import { bool, heldSize, nameOf, type Value } from "./value.ts";

/** By what the return of a call knows its entry. */
export type Pairing = "session" | "thread" | "goroutine";

/** Where the parts of a carried value lie. */
export interface CarryLayout {
  readonly shape: Shape;
  readonly size: number;
  /** `enter` may decide against `leave`. */
  readonly optional: boolean;
  /** The table, if the value doesn't fit into the session's 8 bytes. */
  readonly map: number | undefined;
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

function widthOf(shape: Extract<Shape, { s: "int" }>): 1 | 2 | 4 | 8 {
  for (const size of [1, 2, 4] as const) {
    const bits = BigInt(size * 8);
    if (shape.min >= 0n ? shape.max < 1n << bits : shape.min >= -(1n << (bits - 1n)) && shape.max < 1n << (bits - 1n)) return size;
  }
  return 8;
}

/** Calls back for each part with its offset; gives where the next would begin. */
function sizeOf(shape: Shape, at: number): number {
  switch (shape.s) {
    case "int": {
      const size = widthOf(shape);
      return roundUp(at, size) + size;
    }
    case "bool":
      return at + 1;
    case "float":
    case "stack":
    case "place":
      return roundUp(at, 8) + 8;
    case "func":
      return roundUp(at, 4) + 4;
    case "maybe":
      return sizeOf(shape.of, at + 1);
    case "string":
      return roundUp(at, 8) + roundUp(shape.cap + 1, 8);
    case "bytes":
      return roundUp(at, 8) + roundUp(shape.cap, 8) + 8;
    case "record":
      return shape.fields.reduce((end, [, of]) => sizeOf(of, end), at);
    case "entry":
      return roundUp(at, 8) + roundUp(shape.schema.size, 8);
    case "held":
      return roundUp(at, 8) + heldSize(shape);
    default:
      return at;
  }
}

/** Puts a value that is there at base+at. */
function write(p: Program, base: Base, offset: number, shape: Shape, v: Value, at: number, span: Span): number {
  const b = p.b;
  switch (shape.s) {
    case "int": {
      const size = widthOf(shape);
      at = roundUp(at, size);
      if (v.k === "int") b.store(base, offset + at, size, typeof v.op === "bigint" ? BigInt.asIntN(size * 8, v.op) : v.op);
      return at + size;
    }
    case "bool":
      if (v.k === "bool") b.store(base, offset + at, 1, v.op);
      return at + 1;
    case "float":
    case "stack":
    case "func":
    case "place": {
      const size = shape.s === "func" ? 4 : 8;
      at = roundUp(at, size);
      b.store(base, offset + at, size, v.k === "place" ? v.address.op : (v as { op: number | bigint }).op);
      return at + size;
    }
    case "maybe": {
      const end = sizeOf(shape, at);
      const there = b.block();
      const absent = b.block();
      const after = b.block();
      const present = v.k === "maybe" ? v.present : v.k === "undefined" ? 0n : 1n;
      b.branch("ne", present, 0n, there, absent);
      b.enter(absent);
      b.store(base, offset + at, 1, 0n);
      b.jump(after);
      b.enter(there);
      if (!b.dead) {
        b.store(base, offset + at, 1, 1n);
        write(p, base, offset, shape.of, v.k === "maybe" ? v.value : v, at + 1, span);
      }
      b.jump(after);
      b.enter(after);
      return end;
    }
    case "string":
      at = roundUp(at, 8);
      if (v.k === "string") copyText(p, v, base, offset + at, shape.cap);
      return at + roundUp(shape.cap + 1, 8);
    case "bytes":
      at = roundUp(at, 8);
      if (v.k === "bytes") {
        copyStructWords(p, v.base, v.offset, base, offset + at, roundUp(v.cap, 8));
        b.store(base, offset + at + roundUp(shape.cap, 8), 8, v.length);
      }
      return at + roundUp(shape.cap, 8) + 8;
    case "record":
      for (const [name, of] of shape.fields) at = write(p, base, offset, of, (v as Extract<Value, { k: "record" }>).fields.get(name) as Value, at, span);
      return at;
    case "entry":
      at = roundUp(at, 8);
      storeStruct(p, base, offset + at, shape.schema, v, span);
      return at + roundUp(shape.schema.size, 8);
    case "held":
      at = roundUp(at, 8);
      if (v.k === "held") copyStructWords(p, v.base, 0, base, offset + at, heldSize(shape));
      return at + heldSize(shape);
    case "text":
    case "undefined":
      return at;
    case "static":
      return at; // known without being carried
  }
}

/** The value back from its bytes, which belong to this hit. */
function readBack(p: Program, base: Base, offset: number, shape: Shape, at: number): { value: Value; at: number } {
  const b = p.b;
  switch (shape.s) {
    case "int": {
      const size = widthOf(shape);
      at = roundUp(at, size);
      const op = b.load(base, offset + at, size, shape.min < 0n);
      return {
        value: { k: "int", op, kind: shape.kind, min: shape.min, max: shape.max, pointee: shape.pointee, structs: shape.structs, names: shape.names },
        at: at + size,
      };
    }
    case "bool":
      return { value: bool(b.load(base, offset + at, 1)), at: at + 1 };
    case "float":
    case "stack":
      at = roundUp(at, 8);
      return { value: { k: shape.s, op: b.load(base, offset + at, 8) }, at: at + 8 };
    case "func":
      at = roundUp(at, 4);
      return { value: { k: "func", op: b.load(base, offset + at, 4) }, at: at + 4 };
    case "place": {
      at = roundUp(at, 8);
      return {
        value: {
          k: "place",
          address: { k: "int", op: b.load(base, offset + at, 8), kind: "u64", min: 0n, max: 2n ** 64n - 1n },
          type: shape.type,
          structs: shape.structs,
        },
        at: at + 8,
      };
    }
    case "maybe": {
      const present = b.load(base, offset + at, 1);
      const inner = readBack(p, base, offset, shape.of, at + 1);
      if (inner.value.k !== "entry") return { value: { k: "maybe", present, value: inner.value }, at: inner.at };
      // An entry's presence is its address.
      const pointer = b.variable();
      const there = b.block();
      const after = b.block();
      b.set(pointer, 0n);
      b.branch("ne", present, 0n, there, after);
      b.enter(there);
      b.set(pointer, inner.value.pointer);
      b.jump(after);
      b.enter(after);
      return { value: { k: "maybe", present, value: { ...inner.value, pointer } }, at: inner.at };
    }
    case "string": {
      at = roundUp(at, 8);
      return {
        value: { k: "string", base, offset: offset + at, cap: shape.cap, cut: b.load(base, offset + at + shape.cap, 1) },
        at: at + roundUp(shape.cap + 1, 8),
      };
    }
    case "bytes": {
      at = roundUp(at, 8);
      return {
        value: { k: "bytes", base, offset: offset + at, cap: shape.cap, length: b.load(base, offset + at + roundUp(shape.cap, 8), 8) },
        at: at + roundUp(shape.cap, 8) + 8,
      };
    }
    case "record": {
      const fields = new Map<string, Value>();
      for (const [name, of] of shape.fields) {
        const got = readBack(p, base, offset, of, at);
        fields.set(name, got.value);
        at = got.at;
      }
      return { value: { k: "record", fields, tuple: shape.tuple, key: undefined }, at };
    }
    case "held": {
      at = roundUp(at, 8);
      const { type, structs, known, offset: inside } = shape;
      return { value: { k: "held", base: { reg: b.address(base, offset + at) }, offset: inside, type, structs, known }, at: at + heldSize(shape) };
    }
    case "entry": {
      at = roundUp(at, 8);
      return {
        value: { k: "entry", pointer: b.address(base, offset + at), offset: 0, schema: shape.schema, carried: true },
        at: at + roundUp(shape.schema.size, 8),
      };
    }
    case "text":
      return { value: { k: "text", text: shape.text }, at };
    case "undefined":
      return { value: { k: "undefined" }, at };
    case "static":
      return { value: shape.value, at };
  }
}

/** What is neither data nor the same for every call. */
function notData(shape: Shape): Value | undefined {
  if (shape.s === "maybe") return notData(shape.of);
  if (shape.s === "record") return shape.fields.map(([, of]) => notData(of)).find((value) => value !== undefined);
  return shape.s === "static" && !["state", "schema", "constant", "unknown"].includes(shape.value.k) ? shape.value : undefined;
}

/** How the value of `enter` travels; undefined if it gives nothing. */
export function carryLayout(p: Program, v: Value, pairing: Pairing, span: Span): CarryLayout {
  const optional = v.k === "maybe";
  const shape = shapeOf(v.k === "maybe" ? v.value : v);
  const refused = notData(shape);
  if (refused) p.fail(problem.notCarriable(p.place(span), nameOf(refused)));
  const size = sizeOf(shape, 0);
  const table = pairing !== "session" || size > 8;
  const map = table ? carryMap(p, pairing, size) : undefined;
  return { shape, size, optional, map };
}

function carryMap(p: Program, pairing: Pairing, size: number): number {
  const valueSize = HEAD + roundUp(size, 8);
  const maxEntries = Math.max(1024, Math.min(CARRY_CAPACITY, Math.floor((8 * 1024 * 1024) / valueSize)));
  return p.session.carryMap(p.probe, {
    name: "carry",
    type: "lru_hash",
    keySize: pairing === "session" ? 8 : 24,
    valueSize,
    maxEntries,
    mmap: false,
    noPrealloc: false,
  });
}

/** Offset of g.stack.hi. */
const STACK_END = 8n;
/** An entry of the table: the thread, whether `leave` is to run, then the value. */
const HEAD = 16;

/** At the entry: keeps the value. `v` is what `enter` gave. */
export function keep(p: Program, layout: CarryLayout, v: Value, pairing: Pairing, span: Span): void {
  const b = p.b;
  const sessions = pairing === "session";
  if (v.k === "unknown") return;
  const there = b.block();
  const absent = b.block();
  const after = b.block();
  b.branch("ne", v.k === "maybe" ? v.present : 1n, 0n, there, absent);
  b.enter(absent);
  if (!b.dead) {
    if (sessions)
      b.set(p.status, 1n); // leave isn't run for this call
    else put(p, layout, callKey(p, pairing, 0n), undefined, span);
  }
  b.jump(after);
  b.enter(there);
  const value = v.k === "maybe" ? v.value : v;
  if (!sessions) put(p, layout, callKey(p, pairing, 0n), value, span);
  else if (layout.map === undefined) {
    if (layout.size > 0) {
      const cookie = b.kfunc("bpf_session_cookie", [p.b.fn.context]);
      const memory = p.zeroed(8);
      write(p, memory, 0, layout.shape, value, 0, span);
      b.store({ reg: cookie }, 0, 8, b.load(memory, 0, 8));
    }
  } else {
    const word = p.session.tokenWord();
    const number = b.fetch("add", { reg: p.cpu }, word, 8, 1n);
    const token = b.binary("or", b.binary("shl", ownCpu(p), 48n), b.binary("add", number, 1n));
    const keyMemory: Base = { object: b.object(8) };
    b.store(keyMemory, 0, 8, token);
    put(p, layout, keyMemory, value, span);
    const cookie = b.kfunc("bpf_session_cookie", [p.b.fn.context]);
    b.store({ reg: cookie }, 0, 8, b.load(keyMemory, 0, 8));
  }
  b.jump(after);
  b.enter(after);
}

/** The table's key: who calls, where rsp was at the function's entry, and the function. `above`: by so much rsp is above that now. */
function callKey(p: Program, pairing: Exclude<Pairing, "session">, above: bigint): Base {
  return pairing === "goroutine" ? goroutineKey(p) : stackKey(p, above);
}

/** At a `ret` that is still to be executed rsp is what it was at the entry. */
function goroutineKey(p: Program): Base {
  const b = p.b;
  const key: Base = { object: b.object(24) };
  const goroutine = b.load({ reg: b.fn.context }, registerOffsets.r14, 8, false, true);
  const end: Base = { object: b.object(8) };
  b.store(end, 0, 8, 0n);
  b.call("probe_read_user", [{ base: end, offset: 0 }, 8n, b.binary("add", goroutine, STACK_END)]);
  b.store(key, 0, 8, goroutine);
  b.store(key, 8, 8, b.binary("sub", b.load(end, 0, 8), b.load({ reg: b.fn.context }, registerOffsets.rsp, 8, false, true)));
  b.store(key, 16, 8, b.call("get_attach_cookie", [b.fn.context], true));
  return key;
}

/** The thread, rsp at the entry, and the function. */
function stackKey(p: Program, above: bigint): Base {
  const b = p.b;
  const key: Base = { object: b.object(24) };
  b.store(key, 0, 8, b.call("get_current_pid_tgid", [], true));
  b.store(key, 8, 8, b.binary("sub", b.load({ reg: b.fn.context }, registerOffsets.rsp, 8, false, true), above));
  b.store(key, 16, 8, b.call("get_attach_cookie", [b.fn.context], true));
  return key;
}

function put(p: Program, layout: CarryLayout, key: Base, value: Value | undefined, span: Span): void {
  const b = p.b;
  const memory: Base = { object: b.object(HEAD + roundUp(layout.size, 8)) };
  for (let i = 0; i < HEAD + roundUp(layout.size, 8); i += 8) b.store(memory, i, 8, 0n);
  b.store(memory, 0, 8, b.call("get_current_pid_tgid", [], true));
  b.store(memory, 8, 8, value === undefined ? 0n : 1n);
  if (value !== undefined) write(p, memory, HEAD, layout.shape, value, 0, span);
  b.call("map_update_elem", [{ map: layout.map as number }, { base: key, offset: 0 }, { base: memory, offset: 0 }, 0n]);
}

/** At the return: the value again; where it is gone or `leave` isn't wanted, the program ends. */
export function takeBack(p: Program, layout: CarryLayout, pairing: Pairing): Value {
  const b = p.b;
  const sessions = pairing === "session";
  if (sessions && layout.map === undefined) {
    if (layout.size === 0) return readBack(p, { object: 0 }, 0, layout.shape, 0).value;
    const cookie = b.kfunc("bpf_session_cookie", [p.b.fn.context]);
    const memory: Base = { object: b.object(8) };
    b.store(memory, 0, 8, b.load({ reg: cookie }, 0, 8));
    return readBack(p, memory, 0, layout.shape, 0).value;
  }
  let key: Base;
  if (sessions) {
    key = { object: b.object(8) };
    b.store(key, 0, 8, b.load({ reg: b.kfunc("bpf_session_cookie", [p.b.fn.context]) }, 0, 8));
  } else key = callKey(p, pairing, 8n);
  const map = { map: layout.map as number };
  const keyArg = { base: key, offset: 0 };
  const pointer = b.call("map_lookup_elem", [map, keyArg]);
  const found = b.block();
  const gone = b.block();
  b.branch("ne", pointer, 0n, found, gone);
  b.enter(gone);
  p.count(p.session.counter({ kind: "unmatched", probe: p.probeIndex }));
  b.jump(p.end);
  b.enter(found);
  // Copied before it is given free: the entry may belong to another call a moment later.
  const size = HEAD + roundUp(layout.size, 8);
  const memory: Base = { object: b.object(size) };
  copyStructWords(p, { reg: pointer }, 0, memory, 0, size);
  const own = b.block();
  const go = b.block();
  // Of a goroutine's call nobody else has the key, whatever thread it is in.
  if (pairing === "goroutine") b.jump(own);
  else b.branch("eq", b.load(memory, 0, 8), b.call("get_current_pid_tgid", [], true), own, go);
  b.enter(own);
  b.call("map_delete_elem", [map, keyArg]);
  b.jump(go);
  b.enter(go);
  if (layout.optional && !sessions) {
    const wanted = b.block();
    b.branch("ne", b.load(memory, 8, 8), 0n, wanted, p.end);
    b.enter(wanted);
  }
  return readBack(p, memory, HEAD, layout.shape, 0).value;
}
