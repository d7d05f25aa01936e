/** `stacks()`: how often, or with what weight, each stack came. */
import type { View } from "../../output/view.ts";
import { stack } from "../../schema/layout.ts";
import type { Stack } from "../../schema/stack.ts";
import type { StateSpec } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";
import { AggregateMapState } from "./map.ts";
import { handlerOnly, type Placement, State } from "./state.ts";

export interface StackCount {
  readonly stack: Stack;
  readonly count: bigint;
}

export class StacksState extends State {
  readonly spec: StateSpec & { readonly kind: "aggregate" } = { kind: "aggregate", aggregate: { kind: "stacks" } };
  /** The engine keeps it as a map of sums. */
  readonly #sums: AggregateMapState;

  constructor(scope: Scope) {
    super(scope);
    this.#sums = new AggregateMapState(scope, { kind: "hash", key: stack, value: { kind: "sum" }, capacity: Number.POSITIVE_INFINITY, full: "drop" });
  }
  add(): never {
    return handlerOnly("add()", "read() gives the stacks that handlers have added.");
  }
  /** The most frequent first. */
  read(): StackCount[] {
    const entries = this.#sums.entries() as [Stack, bigint][];
    return entries.map(([one, count]) => ({ stack: one, count })).sort((a, b) => (a.count > b.count ? -1 : a.count < b.count ? 1 : 0));
  }
  clear(): void {
    this.#sums.clear();
  }
  attach(placement: Placement): void {
    this.#sums.attach(placement);
  }
  detach(): void {
    this.#sums.detach();
  }
  view(name: string): View {
    return this.#sums.view(name);
  }
}
