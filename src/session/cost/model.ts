/**
 * What a hit costs on this machine: the way to the handler, and what the handler does. Weights are nanoseconds, measured on a
 * program of our own (calibrate.ts), for each engine.
 */
import type { CostClass } from "../../symbols/site.ts";

export interface CostModel {
  /** A hit at an instruction of a class, with a handler that does nothing. */
  readonly entry: { readonly [C in CostClass]: number };
  /** What a return adds that is awaited besides the entry. */
  readonly leave: number;
  /** A tracepoint's or a timer's hit. */
  readonly event: number;
  /** A function of the host that the thread waits for (`intercept()`). */
  readonly host: number;
  readonly instruction: number;
  /** By what helpers are for. */
  readonly calls: { readonly [K in CallKind]: number };
}

/** Other helpers take no longer than some instructions. */
export type CallKind = "map" | "read" | "text" | "record" | "comm" | "stack";

/** What one hit does: instructions, and calls by kind. */
export interface Work {
  readonly instructions: number;
  readonly calls: { readonly [K in CallKind]: number };
}

const KINDS: { readonly [helper: string]: CallKind } = {
  map_lookup_elem: "map",
  map_update_elem: "map",
  map_delete_elem: "map",
  map_lookup_percpu_elem: "map",
  probe_read: "read",
  probe_read_user: "read",
  probe_read_kernel: "read",
  copy_from_user: "read",
  probe_read_str: "text",
  probe_read_user_str: "text",
  bpf_copy_from_user_str: "text",
  ringbuf_reserve: "record",
  ringbuf_output: "record",
  get_current_comm: "comm",
  get_stack: "stack",
};
/** A helper that isn't one of a kind, as so many instructions. */
const OTHER = 15;

export const NO_CALLS: Work["calls"] = { map: 0, read: 0, text: 0, record: 0, comm: 0, stack: 0 };

export function workOf(instructions: number, calls: ReadonlyMap<string, number>): Work {
  const counted: { -readonly [K in CallKind]: number } = { ...NO_CALLS };
  let all = instructions;
  for (const [name, count] of calls) {
    const kind = KINDS[name];
    if (kind === undefined) all += OTHER * count;
    else counted[kind] += count;
  }
  return { instructions: all, calls: counted };
}

/** Of the handler alone. */
export function workCost(model: Pick<CostModel, "instruction" | "calls">, { instructions, calls }: Work): number {
  let ns = instructions * model.instruction;
  for (const [kind, count] of Object.entries(calls)) ns += count * model.calls[kind as CallKind];
  return ns;
}

export interface HitKind {
  /** The site's class; "event": a tracepoint or a timer. */
  readonly at: CostClass | "event";
  /** The return is awaited too; "only": without a program at the entry. */
  readonly leaves: boolean;
  readonly work: Work;
}

/** Nanoseconds that a hit (a call, where its return is awaited) takes of the thread that it happens to. */
export function foretell(model: CostModel, { at, leaves, work }: HitKind): number {
  return (at === "event" ? model.event : model.entry[at]) + (leaves ? model.leave : 0) + workCost(model, work);
}
