/** `c.args.name` of a tracepoint: fields of the record that is the program's context. */
import { type RecordField, sizeOf } from "../../schema/ctypes.ts";
import * as problem from "../diagnostics/lowering.ts";
import { unreadableType } from "../diagnostics/typed.ts";
import type { Span } from "../hir/types.ts";
import { hold, loadBytes } from "./held.ts";
import { readString } from "./memory.ts";
import type { Program } from "./program.ts";
import { scalar } from "./typed.ts";
import { type Structs, u64, type Value } from "./value.ts";

/** Text whose length only the record tells is copied up to here. */
const LONGEST_TEXT = 256;
/** A field's bytes that are copied at most. */
const LARGEST_FIELD = 512;

export function recordArgument(p: Program, name: string, span: Span): Value {
  const { signature } = p.probe;
  const field = signature?.record?.find((one) => one.name === name);
  if (signature?.record === undefined || field === undefined) {
    const known = signature?.record?.map((one) => one.name);
    return p.fail(problem.noParameter(p.place(span), name, known, known === undefined ? p.probe.untyped?.() : undefined));
  }
  return recordField(p, field, signature.structs, span);
}

function recordField(p: Program, { name, offset, size, type, elsewhere }: RecordField, structs: Structs, span: Span): Value {
  const context = { reg: p.b.fn.context };
  const what = `\`c.args.${name}\``;
  if (elsewhere !== undefined) {
    const { b } = p;
    const from = b.binary("and", b.load(context, offset, 4, false, true), 0xffffn);
    const at = b.binary("add", b.address(context, elsewhere === "end" ? offset + 4 : 0), from);
    if (type === "text") return present(readString(p, at, LONGEST_TEXT, LONGEST_TEXT + 2));
    return { ...u64(at), pointee: type.k === "pointer" ? type.to : undefined, structs };
  }
  if (type === "text") {
    const max = Math.min(size, LONGEST_TEXT);
    return present(readString(p, { base: context, offset }, max, Math.min(size + 1, max + 2)));
  }
  const bytes = type.k === "struct" || type.k === "array" ? size : sizeOf(type, structs);
  if (type.k === "unknown" || bytes > LARGEST_FIELD)
    return p.fail(unreadableType(p.place(span), what, type.k === "unknown" ? type.what : "too large", "c.args"));
  const words = Array.from({ length: Math.ceil(bytes / 8) }, (_, i) => ({
    op: loadBytes(p, context, offset + 8 * i, Math.min(8, bytes - 8 * i)),
    offset: 8 * i,
    size: Math.min(8, bytes - 8 * i),
  }));
  return type.k === "struct" || type.k === "array" ? hold(p, words, type, structs) : scalar(p, words[0]!.op, type, structs);
}

/** The record is there: what the kernel says of reading it is of no interest. */
const present = (text: Value): Value => (text.k === "maybe" ? text.value : text);
