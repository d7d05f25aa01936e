/** What a session's probes cost: foretold for each hit, and added up while it runs. */

import type { SessionImage } from "../../compiler/image.ts";
import type { ArmProbe } from "../../engines/engine.ts";
import { type CostModel, foretell } from "./model.ts";
import { probeWork } from "./work.ts";

/** Nanoseconds that a hit takes, for each of what is armed: of its dearest place, where its places weren't kept apart by cost. */
export function hitCosts(model: CostModel, image: SessionImage, probes: readonly ArmProbe[]): number[] {
  return probes.map(({ programs, sites, pids, intercept }) => {
    const at = sites.some(({ cost }) => cost === "stepped") ? "stepped" : sites.length > 0 ? "emulated" : "event";
    if (intercept !== undefined) return model.host * (Number(intercept.enter) + Number(intercept.leave));
    const runs = programs.map((program) => image.programs[program]!.runs);
    return foretell(model, { at, leaves: runs.includes("session") || runs.includes("return"), work: probeWork(image, programs, pids?.[0]) });
  });
}

/** What a session takes of the CPUs, as a share of one. */
export interface Spent {
  readonly share: number;
  readonly hitsPerSecond: number;
  /** Of a hit, on average. */
  readonly ns: number;
}

/** Watches hits, each kind of which has its cost. */
export class CostWatch {
  readonly #costs: readonly number[];
  readonly #hits: (kind: number) => bigint;
  #before: readonly bigint[];
  #at: number;

  constructor(costs: readonly number[], hits: (kind: number) => bigint) {
    this.#costs = costs;
    this.#hits = hits;
    this.#before = costs.map((_, kind) => hits(kind));
    this.#at = performance.now();
  }
  /** Since it was asked last. */
  spent(): Spent {
    const now = performance.now();
    const seconds = Math.max(1e-3, (now - this.#at) / 1000);
    this.#at = now;
    const counts = this.#costs.map((_, kind) => this.#hits(kind));
    const fresh = counts.map((count, kind) => Number(count - this.#before[kind]!));
    this.#before = counts;
    const hits = fresh.reduce((sum, count) => sum + count, 0);
    const ns = fresh.reduce((sum, count, kind) => sum + count * this.#costs[kind]!, 0);
    return { share: ns / 1e9 / seconds, hitsPerSecond: hits / seconds, ns: hits === 0 ? 0 : ns / hits };
  }
}

/** The share of a CPU that a session may take, and what each kind of hit costs in nanoseconds. */
export interface Budget {
  readonly share: number;
  readonly costs: readonly number[];
}

/** So often it is looked what was spent, and so many times in a row it may be too much. */
const LOOK_MS = 200;
const LOOKS = 2;

/** Calls back once, when a budget is exceeded. */
export function watchBudget({ share, costs }: Budget, hits: (kind: number) => bigint, exceeded: (spent: Spent) => void): NodeJS.Timeout {
  const watch = new CostWatch(costs, hits);
  let beyond = 0;
  return setInterval(() => {
    const spent = watch.spent();
    beyond = spent.share > share ? beyond + 1 : 0;
    if (beyond === LOOKS) exceeded(spent);
  }, LOOK_MS);
}

export function exceededText({ share, hitsPerSecond, ns }: Spent, may: number): string {
  const hits = `${Math.round(hitsPerSecond).toLocaleString("en")} hits a second of ${Math.round(ns).toLocaleString("en")} ns`;
  return `the probes took ${percent(share)} of a CPU (${hits}), and may take ${percent(may)}: they were taken out, and what was gathered until then is shown`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
