/** What is shown of a map, an aggregate or a variable: its name, its kind and a copy of its contents. */
import type { AggregateValue } from "../schema/aggregate-value.ts";
import type { AggregateSpec, Schema } from "../schema/types.ts";

export type Cell = { readonly of: "aggregate"; readonly spec: AggregateSpec } | { readonly of: "value"; readonly schema: Schema };

export type View =
  | { readonly kind: "aggregate"; readonly name: string; readonly spec: AggregateSpec; readonly value: AggregateValue }
  | {
      readonly kind: "hash" | "array";
      readonly name: string;
      readonly key: Schema;
      readonly cell: Cell;
      readonly entries: readonly (readonly [key: unknown, value: unknown])[];
    }
  | { readonly kind: "variable"; readonly name: string; readonly schema: Schema; readonly value: unknown };
