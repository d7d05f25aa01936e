/** Types as values: what a map's key, a map's value, an event's field is, and how its bytes are laid out. */

/** An integer; called through the vocabulary it converts. */
export interface IntSchema {
  readonly kind: "int";
  readonly name: "u8" | "u16" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64";
  readonly signed: boolean;
  readonly size: 1 | 2 | 4 | 8;
  readonly align: 1 | 2 | 4 | 8;
}
/** A double, carried but never computed with. */
export interface FloatSchema {
  readonly kind: "f64";
  readonly size: 8;
  readonly align: 8;
}
/** One byte, 0 or 1. */
export interface BoolSchema {
  readonly kind: "bool";
  readonly size: 1;
  readonly align: 1;
}
/**
 * Text of at most `length` bytes. Layout: `length` bytes of text, padded with NULs; then one byte that is 1 if the
 * text was cut; padded with NULs to a multiple of 8. Equal texts have equal bytes, so it can be a key.
 * `comm` is `cstring(15)`: 16 bytes.
 */
export interface CStringSchema {
  readonly kind: "cstring";
  readonly length: number;
  readonly size: number;
  readonly align: 8;
}
/** At most `length` bytes. Layout: the bytes, zero-padded to a multiple of 4; then a u32 count of them; zero-padded to 8. */
export interface BytesSchema {
  readonly kind: "bytes";
  readonly length: number;
  readonly size: number;
  readonly align: 8;
}
/** A probed function, held as its index in the session's table of functions (u32). */
export interface FuncSchema {
  readonly kind: "func";
  readonly size: 4;
  readonly align: 4;
}
/** A captured stack, by its number (u64): see stack.ts. */
export interface StackSchema {
  readonly kind: "stack";
  readonly size: 8;
  readonly align: 8;
}
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly offset: number;
}
/** Fields by natural alignment in the order written; size is a multiple of the alignment; padding is zero. A tuple key is a struct with `tuple: true` and the names "0", "1", … */
export interface StructSchema {
  readonly kind: "struct";
  readonly fields: readonly Field[];
  readonly tuple: boolean;
  readonly size: number;
  readonly align: number;
}
export type Schema = IntSchema | FloatSchema | BoolSchema | CStringSchema | BytesSchema | FuncSchema | StackSchema | StructSchema;

/** How results are gathered. One slot per CPU, of `aggregateWords()` 64-bit words; a slot of zeros is empty. See aggregate.ts. */
export type AggregateSpec =
  | { readonly kind: "count" | "sum" | "avg" | "min" | "max" | "stats" }
  | { readonly kind: "hist"; readonly bits: number }
  | { readonly kind: "lhist"; readonly min: bigint; readonly max: bigint; readonly step: bigint }
  | { readonly kind: "stacks" };

export function isAggregate(value: Schema | AggregateSpec): value is AggregateSpec {
  return !("size" in value);
}

/** What a handler captures and the session shares with it. `name` is filled in when the session arms. */
export type StateSpec =
  | { readonly kind: "aggregate"; readonly aggregate: AggregateSpec }
  | { readonly kind: "hash"; readonly key: Schema; readonly value: Schema | AggregateSpec; readonly capacity: number; readonly full: "drop" | "evict" }
  | { readonly kind: "array"; readonly length: number; readonly value: Schema | AggregateSpec }
  | { readonly kind: "variable"; readonly schema: Schema; readonly initial: unknown }
  | { readonly kind: "events"; readonly schema: StructSchema };
