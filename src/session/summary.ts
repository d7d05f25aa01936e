/** What happened in a session, and what was lost: everything that isn't zero is shown at its end. */
import type { ArmedBy } from "../engines/engine.ts";

export interface Summary {
  readonly engine: ArmedBy;
  /** Hits that were let through by the filter and handled. */
  readonly hits: bigint;
  /** Records that didn't fit into the ring. */
  readonly lost: bigint;
  /** Sinks that were given `undefined`: memory that couldn't be read, an index out of range. */
  readonly unreadable: bigint;
  readonly unreadableAt: readonly { readonly file: string; readonly line: number; readonly count: bigint }[];
  /** New keys dropped from full maps, by the map's name. */
  readonly fullMaps: { readonly [map: string]: bigint };
  /** Returns without their entry. */
  readonly unmatched: bigint;
  /** Hits that the engine did not run a handler for: one was running on that thread already. */
  readonly skipped: bigint;
  /** Returns that the engine couldn't follow: calls nested too deep. */
  readonly depth: bigint;
  /** Hits that weren't handled because every scratch slot was in use. */
  readonly scratch: bigint;
  /** Times that a function given to `intercept()` threw. */
  readonly threw: number;
  /** How it was armed, for people. */
  readonly method: string;
  readonly sites: number;
  /** What the script gave to exit(), else the command's exit status where there was one, else 0. */
  readonly status: number;
  /** What the probes cost when the session ended for it: the share of a CPU, hits a second, and nanoseconds a hit. */
  readonly overBudget?: { readonly share: number; readonly hitsPerSecond: number; readonly ns: number };
  /** Why the session ended. */
  readonly ended: EndReason;
}

export type EndReason = "exit" | "command" | "target" | "time" | "closed" | "aborted" | "budget" | "failed";

const many = (count: bigint, one: string, more = `${one}s`): string => `${count} ${count === 1n ? one : more}`;

/** A line for each kind of loss, in plain words. */
export function lossLines(summary: Summary): string[] {
  const lines: string[] = [];
  if (summary.lost > 0n) lines.push(`${many(summary.lost, "print or event was", "prints and events were")} lost: the ring buffer was full`);
  for (const [name, count] of Object.entries(summary.fullMaps))
    lines.push(`${many(count, "new key was", "new keys were")} dropped: the map ${name} is full (give it more capacity, or full: "evict")`);
  for (const { file, line, count } of summary.unreadableAt)
    lines.push(`${file}:${line}: ${many(count, "value")} couldn't be read, or had no place, and ${count === 1n ? "was" : "were"} left out`);
  const host = summary.unreadable - summary.unreadableAt.reduce((sum, { count }) => sum + count, 0n);
  if (host > 0n) lines.push(`${many(host, "value")} that the script set had an undefined part or an index out of range`);
  if (summary.unmatched > 0n) lines.push(`${many(summary.unmatched, "return")} came without the entry: the call began before, or was pushed out of the table`);
  const isKernel = summary.engine === "kernel";
  if (summary.skipped > 0n)
    lines.push(`${many(summary.skipped, "hit was", "hits were")} skipped${isKernel ? " by the kernel" : ""}: a handler was running there already`);
  if (summary.depth > 0n)
    lines.push(`${many(summary.depth, "return")} couldn't be followed: ${isKernel ? "more than 64 nested calls" : "too many nested calls"}`);
  if (summary.scratch > 0n) lines.push(`${many(summary.scratch, "hit was", "hits were")} not handled: too many at once on one CPU`);
  if (summary.threw > 0)
    lines.push(`functions given to intercept() threw ${summary.threw === 1 ? "once" : `${summary.threw} times`}: those calls went on unchanged`);
  return lines;
}
