/** What a session's probes cost: foretold for each hit, and added up while it runs. */

import type { SessionImage } from "../../compiler/image.ts";
import type { ArmProbe } from "../../engines/engine.ts";
import { type CostModel, foretell } from "./model.ts";
import { probeWork } from "./work.ts";

/** Nanoseconds that a hit of a probe takes: of its dearest site. */
export function hitCosts(model: CostModel, image: SessionImage, probes: readonly ArmProbe[]): ReadonlyMap<number, number> {
  const costs = new Map<number, number>();
  for (const { probe, programs, sites, events, pids } of probes) {
    const at = sites.some(({ cost }) => cost === "stepped") ? "stepped" : sites.length > 0 ? "emulated" : (events?.length ?? 0) > 0 ? "event" : undefined;
    if (at === undefined) continue;
    const runs = programs.map((program) => image.programs[program]!.runs);
    const leaves = runs.includes("session") || runs.includes("return");
    costs.set(probe, Math.max(costs.get(probe) ?? 0, foretell(model, { at, leaves, work: probeWork(image, programs, pids?.[0]) })));
  }
  return costs;
}

/** What a session takes of the CPUs, as a share of one. */
export interface Spent {
  readonly share: number;
  readonly hitsPerSecond: number;
  /** Of a hit, on average. */
  readonly ns: number;
}

/** Watches the probes' hits. */
export class CostWatch {
  readonly #costs: ReadonlyMap<number, number>;
  readonly #hits: (probe: number) => bigint;
  readonly #before = new Map<number, bigint>();
  #at: number;

  constructor(costs: ReadonlyMap<number, number>, hits: (probe: number) => bigint) {
    this.#costs = costs;
    this.#hits = hits;
    this.#at = performance.now();
  }
  /** Since it was asked last. */
  spent(): Spent {
    const now = performance.now();
    const seconds = Math.max(1e-3, (now - this.#at) / 1000);
    this.#at = now;
    let [ns, hits] = [0, 0];
    for (const [probe, cost] of this.#costs) {
      const count = this.#hits(probe);
      const fresh = Number(count - (this.#before.get(probe) ?? 0n));
      this.#before.set(probe, count);
      hits += fresh;
      ns += fresh * cost;
    }
    return { share: ns / 1e9 / seconds, hitsPerSecond: hits / seconds, ns: hits === 0 ? 0 : ns / hits };
  }
}

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
