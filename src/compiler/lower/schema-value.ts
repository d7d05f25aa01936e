/** Types as values inside a handler: `read(p, u32)`, `read(p, struct({ … }))`. */
import { bool, bytes, comm, cstring, f64, func, ints, stack, struct } from "../../schema/layout.ts";
import type { Schema } from "../../schema/types.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Expr, Span } from "../hir/types.ts";
import { evaluate } from "./expression.ts";
import type { Program } from "./program.ts";
import { isConstant, nameOf, numberOf, type Value } from "./value.ts";

export const schemaNames: { readonly [name: string]: Schema } = { ...ints, bool, f64, func, stack, comm };

/** The schema that a value is; undefined if it is none. */
export function schemaOf(v: Value): Schema | undefined {
  if (v.k === "schema") return v.schema;
  return v.k === "builtin" ? schemaNames[v.name] : undefined;
}

export function wantSchema(p: Program, e: Expr): Schema {
  const v = evaluate(p, e);
  const schema = schemaOf(v);
  if (!schema) return p.fail(problem.wrongValue(p.place(e.span), "a type (`u32`, `struct({ … })`)", nameOf(v)));
  return schema;
}

/** `cstring(16)`, `bytes(64)`, `struct({ … })` called in a handler. */
export function schemaCall(p: Program, name: string, args: readonly Expr[], span: Span): Value {
  const first = args[0];
  if (!first) return p.fail(problem.wrongValue(p.place(span), "an argument", "nothing"));
  if (name === "struct") {
    const v = evaluate(p, first);
    if (v.k !== "record") return p.fail(problem.wrongValue(p.place(first.span), "an object of types", nameOf(v)));
    const fields = [...v.fields].map(([field, of]): readonly [string, Schema] => {
      const schema = schemaOf(of);
      return [field, schema ?? p.fail(problem.wrongValue(p.place(first.span), `a type for \`${field}\``, nameOf(of)))];
    });
    return { k: "schema", schema: struct(fields) };
  }
  const length = constantLength(p, evaluate(p, first), first.span, `the length of ${name}`);
  return { k: "schema", schema: name === "cstring" ? cstring(length) : bytes(length) };
}

/** A constant from 1 to 4096. */
export function constantLength(p: Program, v: Value, span: Span, what: string): number {
  if (!isConstant(v)) return p.fail(problem.notConstant(p.place(span), what));
  const n = Number(numberOf(v));
  if (n < 1 || n > 4096) p.fail(problem.outOfLimits(p.place(span), what, 1, 4096));
  return n;
}
