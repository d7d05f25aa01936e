/** Values into the bytes of a schema and back: keys, map values, event fields, carried values. */
import { bytesCountOffset } from "../../schema/layout.ts";
import type { Schema, StructSchema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import { wholeStructure } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import type { Base } from "../mir/types.ts";
import { integer } from "./arithmetic.ts";
import { truth } from "./condition.ts";
import type { Program } from "./program.ts";
import { copyText, textBytes, textToMemory } from "./text.ts";
import { fieldsOfStructure } from "./typed.ts";
import { bool, type EntryValue, i64, nameOf, ofWidth, type Value } from "./value.ts";

/** Is any part of it, as far as the schema takes it, possibly absent? Those parts' presences. */
export function presences(v: Value, out: (number | bigint)[] = []): (number | bigint)[] {
  if (v.k === "undefined") out.push(0n);
  else if (v.k === "maybe") {
    out.push(v.present);
    presences(v.value, out);
  } else if (v.k === "record") for (const field of v.fields.values()) presences(field, out);
  return out;
}

/** Stores a value that is there (maybes were tested before) as the schema lays it out. */
export function storeField(p: Program, base: Base, offset: number, schema: Schema, v: Value, span: Span): void {
  const b = p.b;
  if (v.k === "maybe") {
    storeField(p, base, offset, schema, v.value, span);
    return;
  }
  if (v.k === "undefined") {
    for (let i = 0; i < schema.size; ) {
      const n = ([8, 4, 2, 1] as const).find((k) => k <= schema.size - i && k <= schema.align) ?? 1;
      b.store(base, offset + i, n, 0n);
      i += n;
    }
    return;
  }
  if (v.k === "held" || (v.k === "place" && v.type.k === "struct")) p.fail(wholeStructure(p.place(span), "stored", fieldsOfStructure(v)));
  switch (schema.kind) {
    case "int": {
      const n = v.k === "bool" ? i64(v.op, 0n, 1n) : v.k === "int" ? v : v.k === "place" ? v.address : integer(p, v, span);
      b.store(base, offset, schema.size, typeof n.op === "bigint" ? BigInt.asIntN(schema.size * 8, n.op) : n.op);
      return;
    }
    case "bool": {
      if (v.k === "bool") {
        b.store(base, offset, 1, v.op);
        return;
      }
      const yes = b.block();
      const no = b.block();
      const after = b.block();
      const flag = b.variable();
      truth(p, v, span, yes, no);
      b.enter(yes);
      b.set(flag, 1n);
      b.jump(after);
      b.enter(no);
      b.set(flag, 0n);
      b.jump(after);
      b.enter(after);
      b.store(base, offset, 1, flag);
      return;
    }
    case "f64":
      if (v.k !== "float") p.fail(problem.wrongValue(p.place(span), "a float", nameOf(v)));
      b.store(base, offset, 8, v.op);
      return;
    case "func":
      if (v.k !== "func") p.fail(problem.wrongValue(p.place(span), "a function's name", nameOf(v)));
      b.store(base, offset, 4, v.op);
      return;
    case "cstring": {
      if (v.k === "text") {
        const length = textBytes(v.text).length;
        if (length > schema.length) p.warn(problem.alwaysCut(p.place(span), length, schema.length));
        textToMemory(p, v.text, base, offset, schema.length);
        return;
      }
      const text = v.k === "func" ? functionText(p, v.op) : v;
      if (text.k !== "string") p.fail(problem.wrongValue(p.place(span), "text", nameOf(v)));
      copyText(p, text, base, offset, schema.length);
      return;
    }
    case "bytes": {
      if (v.k !== "bytes") p.fail(problem.wrongValue(p.place(span), "bytes", nameOf(v)));
      storeBytes(p, v, base, offset, schema);
      return;
    }
    case "struct": {
      storeStruct(p, base, offset, schema, v, span);
      return;
    }
    case "stack":
      if (v.k !== "stack") p.fail(problem.wrongValue(p.place(span), "a stack (c.ustack() or c.kstack())", nameOf(v)));
      b.store(base, offset, 8, v.op);
  }
}

function storeBytes(p: Program, v: Extract<Value, { k: "bytes" }>, base: Base, offset: number, schema: Extract<Schema, { kind: "bytes" }>): void {
  const b = p.b;
  // Words as long as both have bytes in them, zeros behind; what is then too much is cleared below.
  for (let i = 0; i < schema.size; i += 8) b.store(base, offset + i, 8, i < Math.min(v.cap, schema.length) ? b.load(v.base, v.offset + i, 8) : 0n);
  const count = b.variable();
  b.set(count, v.length);
  if (v.cap > schema.length) {
    const over = b.block();
    const after = b.block();
    b.branch("ugt", count, BigInt(schema.length), over, after);
    b.enter(over);
    b.set(count, BigInt(schema.length));
    b.jump(after);
    b.enter(after);
    for (let i = schema.length; i % 8 !== 0; i++) b.store(base, offset + i, 1, 0n);
  }
  b.store(base, offset + bytesCountOffset(schema), 4, count);
}

export function storeStruct(p: Program, base: Base, offset: number, schema: StructSchema, v: Value, span: Span): void {
  if (v.k === "entry") {
    if (v.schema.size === schema.size && JSON.stringify(v.schema.fields) === JSON.stringify(schema.fields)) {
      copyStruct(p, { reg: v.pointer as number }, v.offset, base, offset, schema.size, schema.align);
      return;
    }
  } else if (v.k !== "record") p.fail(problem.wrongValue(p.place(span), schema.tuple ? "a tuple" : "an object", nameOf(v)));
  zeroPadding(p, base, offset, schema);
  for (const field of schema.fields) {
    const value = v.k === "entry" ? loadField(p, v, field.name) : v.fields.get(field.name);
    if (value === undefined) p.fail(problem.missingField(p.place(span), field.name));
    storeField(p, base, offset + field.offset, field.schema, value, span);
  }
  if (v.k === "record")
    for (const name of v.fields.keys()) {
      if (!schema.fields.some((f) => f.name === name))
        p.fail(
          problem.noMember(
            p.place(span),
            schema.tuple ? "the key" : "the structure",
            name,
            schema.fields.map((f) => f.name),
          ),
        );
    }
}

/** Copies a multiple of 8 bytes. */
export function copyStructWords(p: Program, from: Base, fromOffset: number, to: Base, toOffset: number, size: number): void {
  copyStruct(p, from, fromOffset, to, toOffset, size, 8);
}

function copyStruct(p: Program, from: Base, fromOffset: number, to: Base, toOffset: number, size: number, align: number): void {
  const b = p.b;
  if (size > 256) {
    b.call("probe_read_kernel", [{ base: to, offset: toOffset }, BigInt(size), { base: from, offset: fromOffset }]);
    return;
  }
  let i = 0;
  while (i < size) {
    const n = ([8, 4, 2, 1] as const).find((k) => k <= size - i && k <= align) ?? 1;
    b.store(to, toOffset + i, n, b.load(from, fromOffset + i, n));
    i += n;
  }
}

/** The bytes between fields: keys are compared whole. */
function zeroPadding(p: Program, base: Base, offset: number, schema: StructSchema): void {
  let at = 0;
  const zero = (from: number, to: number): void => {
    for (let i = from; i < to; ) {
      const n = ([8, 4, 2, 1] as const).find((k) => k <= to - i && (offset + i) % k === 0) ?? 1;
      p.b.store(base, offset + i, n, 0n);
      i += n;
    }
  };
  for (const field of schema.fields) {
    zero(at, field.offset);
    at = field.offset + field.schema.size;
  }
  zero(at, schema.size);
}

/** A field of an entry, or of any memory laid out by a schema. */
export function loadField(p: Program, entry: EntryValue, name: string): Value | undefined {
  const field = entry.schema.fields.find((f) => f.name === name);
  if (!field) return undefined;
  const value = loadSchema(p, entry.pointer, entry.offset + field.offset, field.schema);
  return value.k === "entry" && entry.carried === true ? { ...value, carried: true } : value;
}

/** What lies at an address, as a handler sees it. */
export function loadSchema(p: Program, pointer: number | bigint, offset: number, schema: Schema): Value {
  return loadAt(p, { reg: pointer as number }, offset, schema);
}

export function loadAt(p: Program, base: Base, offset: number, schema: Schema): Value {
  const b = p.b;
  switch (schema.kind) {
    case "int":
      return ofWidth(b.load(base, offset, schema.size, schema.signed), schema.size, schema.signed);
    case "bool":
      return bool(b.load(base, offset, 1));
    case "f64":
      return { k: "float", op: b.load(base, offset, 8) };
    case "func":
      return { k: "func", op: b.load(base, offset, 4) };
    case "cstring":
      return { k: "string", base, offset, cap: schema.length, cut: b.load(base, offset + schema.length, 1) };
    case "bytes":
      return { k: "bytes", base, offset, cap: schema.length, length: b.load(base, offset + bytesCountOffset(schema), 4) };
    case "struct":
      return { k: "entry", pointer: "reg" in base ? base.reg : b.address(base, 0), offset, schema };
    case "stack":
      return { k: "stack", op: b.load(base, offset, 8) };
  }
}

/** The text behind an index of the table of functions. */
export function functionText(p: Program, index: number | bigint): Value {
  const b = p.b;
  const schema = { kind: "cstring", length: 63, size: 64, align: 8 } as const;
  const map = p.session.functionNames(p.encode, schema);
  const count = Math.max(1, p.session.request.functions.length);
  // The index comes from the cookie; the kernel wants to see that it is within.
  const inside = b.variable();
  const ok = b.block();
  const after = b.block();
  b.set(inside, 0n);
  const copy = b.copy(index);
  b.branch("ult", copy, BigInt(count), ok, after);
  b.enter(ok);
  b.set(inside, copy);
  b.jump(after);
  b.enter(after);
  const bounded = b.variable();
  b.set(bounded, inside);
  const good = b.block();
  const end = b.block();
  const pointer = b.variable();
  b.set(pointer, b.mapValue(map, 0));
  b.branch("ult", bounded, BigInt(count), good, end);
  b.enter(good);
  b.set(pointer, b.binary("add", b.mapValue(map, 0), b.binary("mul", bounded, 64n)));
  b.jump(end);
  b.enter(end);
  return { k: "string", base: { reg: pointer }, offset: 0, cap: 63, cut: b.load({ reg: pointer }, 63, 1) };
}
