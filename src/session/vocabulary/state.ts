/** The vocabulary's makers of state: aggregates, maps, arrays, variables, events, with their options checked. */
import { SondeError } from "../../errors/error.ts";
import { bucketCount } from "../../schema/aggregate.ts";
import { tuple } from "../../schema/layout.ts";
import type { AggregateSpec, Schema } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";
import { AggregateState } from "../state/aggregate.ts";
import { EventsState } from "../state/events.ts";
import { AggregateMapState, refuseState, ValueArrayState, ValueMapState } from "../state/map.ts";
import { StacksState } from "../state/stacks.ts";
import { State } from "../state/state.ts";
import { VariableState } from "../state/variable.ts";
import { requireSchema, schemaOf, structSchema } from "./schemas.ts";

/** Entries of a map that says nothing. */
const CAPACITY = 10_240;
/** The kernel takes 2^32 - 1; memory ends long before. */
const MOST_ENTRIES = 1 << 27;
const MOST_BUCKETS = 10_000;

function wrong(what: string, mend?: string): never {
  throw new SondeError("SONDE_OPTION", what, mend === undefined ? {} : { mend });
}

function whole(what: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  return wrong(`${what} is ${typeof value === "object" ? "no number" : String(value)}: it is a whole number from ${least} to ${most}`);
}

function knownOptions(what: string, options: unknown, names: readonly string[]): { readonly [name: string]: unknown } {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) wrong(`${what}: the options are an object`);
  for (const name of Object.keys(options)) if (!names.includes(name)) wrong(`${what}: there is no option ${name}`, `The options are: ${names.join(", ")}.`);
  return options as { readonly [name: string]: unknown };
}

function keySchema(key: unknown): Schema {
  if (Array.isArray(key)) {
    if (key.length === 0) wrong("hash(): a tuple key has at least one part");
    return tuple(key.map((part, i) => requireSchema(part, `hash(): part ${i} of the key`)));
  }
  return requireSchema(key, "hash(): the key");
}

function cellOf(value: unknown, what: string): Schema | AggregateSpec {
  if (value instanceof AggregateState) return value.spec.aggregate;
  if (value instanceof StacksState) wrong(`${what} can't be stacks(), which stands alone`, "Make the stack a part of the key: hash([comm, stack], count()).");
  if (value instanceof State) refuseState(value, what);
  if (typeof value === "function" && schemaOf(value) === undefined) wrong(`${what} is a function`, "Call it: count(), hist(), cstring(64).");
  return requireSchema(value, what);
}

function lhist(min: unknown, max: unknown, step: unknown): AggregateSpec {
  const limit = Number.MAX_SAFE_INTEGER;
  const low = whole("lhist(): min", min, -limit, limit);
  const high = whole("lhist(): max", max, -limit, limit);
  const by = whole("lhist(): step", step, 1, limit);
  if (high <= low) wrong(`lhist(${low}, ${high}, ${by}): max must be greater than min`);
  const spec = { kind: "lhist", min: BigInt(low), max: BigInt(high), step: BigInt(by) } as const;
  if (bucketCount(spec) > MOST_BUCKETS)
    wrong(`lhist(${low}, ${high}, ${by}) has ${bucketCount(spec)} buckets: at most ${MOST_BUCKETS}`, "Make the steps larger, or use hist({ bits: 3 }).");
  return spec;
}

export function stateVocabulary(scope: Scope) {
  const aggregate = (spec: AggregateSpec) => new AggregateState(scope, spec);
  const simple = (kind: "count" | "sum" | "avg" | "min" | "max" | "stats") => () => aggregate({ kind });
  return {
    count: simple("count"),
    sum: simple("sum"),
    avg: simple("avg"),
    min: simple("min"),
    max: simple("max"),
    stats: simple("stats"),
    hist(options?: unknown) {
      const { bits = 0 } = knownOptions("hist()", options, ["bits"]);
      return aggregate({ kind: "hist", bits: whole("hist(): bits", bits, 0, 5) });
    },
    lhist: (min: unknown, max: unknown, step: unknown) => aggregate(lhist(min, max, step)),
    stacks: () => new StacksState(scope),
    hash(key: unknown, value: unknown, options?: unknown) {
      const { capacity = CAPACITY, full = "drop" } = knownOptions("hash()", options, ["capacity", "full"]);
      if (full !== "drop" && full !== "evict")
        wrong(
          `hash(): full is ${JSON.stringify(full) ?? String(full)}`,
          'Write "drop" (a new key in a full map is dropped and counted) or "evict" (the oldest goes).',
        );
      const cell = cellOf(value, "hash(): the value");
      const spec = { kind: "hash", key: keySchema(key), value: cell, capacity: whole("hash(): capacity", capacity, 1, MOST_ENTRIES), full } as const;
      return "size" in cell ? new ValueMapState(scope, spec) : new AggregateMapState(scope, spec);
    },
    array(length: unknown, value: unknown) {
      const cell = cellOf(value, "array(): the value");
      const spec = { kind: "array", length: whole("array(): the length", length, 1, MOST_ENTRIES), value: cell } as const;
      return "size" in cell ? new ValueArrayState(scope, spec) : new AggregateMapState(scope, spec);
    },
    variable: (type: unknown, initial: unknown) => new VariableState(scope, requireSchema(type, "variable(): the type"), initial),
    events: (fields: unknown) => new EventsState(scope, structSchema(fields, "events()")),
  };
}
