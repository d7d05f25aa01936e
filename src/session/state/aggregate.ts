/** An aggregate that stands alone: `count()`, `hist()`: a slot of words in each CPU's part of the per-CPU region. */
import { SondeBug } from "../../errors/error.ts";
import type { View } from "../../output/view.ts";
import { aggregateWords } from "../../schema/aggregate.ts";
import { type AggregateValue, aggregateValue, mergeSlot } from "../../schema/aggregate-value.ts";
import type { AggregateSpec, StateSpec } from "../../schema/types.ts";
import type { Scope } from "../scope.ts";
import { handlerOnly, type Placement, State } from "./state.ts";

export class AggregateState extends State {
  readonly spec: StateSpec & { readonly kind: "aggregate" };
  #slots: readonly BigUint64Array[];

  constructor(scope: Scope, aggregate: AggregateSpec) {
    super(scope);
    this.spec = { kind: "aggregate", aggregate };
    this.#slots = [];
  }
  add(): never {
    return handlerOnly("add()", "read() gives what handlers have added.");
  }
  #merged(): BigUint64Array {
    const merged = new BigUint64Array(aggregateWords(this.spec.aggregate));
    const slot = new BigUint64Array(merged.length);
    for (const words of this.#slots) {
      for (let i = 0; i < slot.length; i++) slot[i] = Atomics.load(words, i);
      mergeSlot(this.spec.aggregate, merged, slot);
    }
    return merged;
  }
  read(): AggregateValue {
    return aggregateValue(this.spec.aggregate, this.#merged());
  }
  /** Each word is exchanged for zero at once, so a hit on another CPU is counted either before or after. */
  clear(): void {
    for (const words of this.#slots) for (let i = 0; i < words.length; i++) Atomics.exchange(words, i, 0n);
  }
  attach({ armed, image, place }: Placement): void {
    if (place.in !== "cpuRegion") throw new SondeBug(`an aggregate was placed in ${place.in}`);
    const { stride, cpus } = image.cpuRegion;
    const words = aggregateWords(this.spec.aggregate);
    this.#slots = Array.from({ length: cpus }, (_, cpu) => new BigUint64Array(armed.cpuRegion, cpu * stride + place.offset, words));
  }
  detach(): void {
    this.#slots = [this.#merged()];
  }
  view(name: string): View {
    return { kind: "aggregate", name, spec: this.spec.aggregate, value: this.read() };
  }
}
