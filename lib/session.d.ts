/// <reference lib="esnext.disposable" />
// biome-ignore-all lint/suspicious/noExplicitAny: "any type" is what these declarations have to say of a script's maps and events.
/**
 * Scripts run from any program: `open()`, the session that it gives, and what a run comes to.
 * @module
 */
import type { EventSource, Events, Readable, ReadableMap } from "./sonde.js";

/** How a probe is armed and run. `auto` takes `kernel` where it is permitted and has what the script uses, else `breakpoint`. */
export type Engine = "auto" | "kernel" | "breakpoint" | "inline";
/** How a script is run from a program. */
export interface OpenOptions {
  /** `auto` unless said. */
  readonly engine?: Engine;
  /** Only these processes. */
  readonly pid?: number | readonly number[];
  /** A command that is started once the probes are armed; only its process is probed, and its end ends the session. */
  readonly command?: readonly string[];
  /** Where the command's streams go: to this program's own (the default), or nowhere. */
  readonly stdio?: "inherit" | "ignore";
  /** The descendants of `pid` or `command` too. */
  readonly children?: boolean;
  /** Only processes in this cgroup (version 2): the path of its folder. */
  readonly cgroup?: string;
  /** Probes stand exactly where they were asked for, never on a cheaper instruction near it. */
  readonly exact?: boolean;
  /** Permits changes to the target. */
  readonly unsafe?: boolean;
  /**
   * How `c.ustack()` finds callers on the engine `kernel`: by frame pointers (the default), or by the tables that programs have for
   * exceptions, which all have. The engine `breakpoint` always goes by tables.
   */
  readonly unwind?: "pointers" | "tables";
  /**
   * The share of a CPU that the probes may take, as 0.05: what takes more for 0.4 s is taken out, and the session ends (`ended` is
   * "budget"), with what it has gathered. What a hit costs is measured once on a machine, in about two seconds.
   */
  readonly budget?: number;
  /** The script's parameters, by the names that it gives to `param`. */
  readonly params?: { readonly [name: string]: string | number | boolean };
  /** Closes the session when it is aborted. */
  readonly signal?: { readonly aborted: boolean; addEventListener(type: "abort", listener: () => void): void };
}
/** The host's halves of a module's exported maps, aggregates and variables, by name. */
type MapsOf<M> = {
  readonly [N in keyof M as M[N] extends ReadableMap | Readable<any> ? N : never]: M[N] extends ReadableMap<infer I, infer K, infer H>
    ? ReadableMap<I, K, H>
    : M[N] extends Readable<infer H>
      ? Readable<H>
      : never;
};
type EventsOf<M> = { readonly [N in keyof M as M[N] extends Events<any> ? N : never]: M[N] extends Events<infer F> ? EventSource<F> : never };
/** Why a session ended: the script called `exit`, the command or the processes ended, the time was over, the probes took more than their budget, `close` or the signal asked for it. */
export type EndReason = "exit" | "command" | "target" | "time" | "closed" | "aborted" | "budget" | "failed";
/** What a run comes to: how much it saw, and everything that was lost. */
export interface Summary {
  /** The engine that it ran on; of `simulate()` of `sonde/testing`, "simulation". */
  readonly engine: Exclude<Engine, "auto"> | "simulation";
  /** How the engine armed the probes, for people. */
  readonly method: string;
  /** Places that were probed. */
  readonly sites: number;
  /** Hits of all probes. */
  readonly hits: bigint;
  /** Prints and events that found the ring full. */
  readonly lost: bigint;
  /** Sinks that were given `undefined`, mostly because memory couldn't be read. */
  readonly unreadable: bigint;
  /** The same by the script's lines; only those that have any. */
  readonly unreadableAt: readonly { readonly file: string; readonly line: number; readonly count: bigint }[];
  /** New keys that full maps dropped, by the map's name. */
  readonly fullMaps: { readonly [map: string]: bigint };
  /** Returns without their entry: the call began before the probe was there, or was pushed out of the table. */
  readonly unmatched: bigint;
  /** Hits that the engine ran no handler for: one was running on that thread already. */
  readonly skipped: bigint;
  /** Returns that the engine couldn't follow: calls nested too deep (`kernel`: more than 64). */
  readonly depth: bigint;
  /** Hits that weren't handled: too many at once on one CPU. */
  readonly scratch: bigint;
  /** Calls of `intercept`'s functions that threw: the target went on unchanged. */
  readonly threw: number;
  /** What the script gave to `exit`, else the command's exit status if there was a command, else 0. */
  readonly status: number;
  /** What the probes took when the session ended for its `budget`: the share of a CPU, hits a second, and nanoseconds that a hit was foretold to take. */
  readonly overBudget?: { readonly share: number; readonly hitsPerSecond: number; readonly ns: number };
  /** Why it ended. */
  readonly ended: EndReason;
}
/** The one error that sonde throws. [host] */
export class SondeError extends Error {
  /** `SONDE_…`, stable across releases. */
  readonly code: string;
  /** A file and line, a target, a system call. */
  readonly where: string | undefined;
  /** Why it happened, where the message alone doesn't say. */
  readonly why: string | undefined;
  /** What to do about it. */
  readonly mend: string | undefined;
  /** The status that the command line exits with: 1 the script's or the target's fault, 2 usage, 3 rights, 70 a bug in sonde. */
  readonly exit: number;
  constructor(
    code: `SONDE_${string}`,
    message: string,
    parts?: { readonly where?: string; readonly why?: string; readonly mend?: string; readonly cause?: unknown },
  );
}
/** A running script. [host] */
export interface Session<M = { readonly [name: string]: any }> extends AsyncDisposable {
  /** Its maps, aggregates and variables by name: exported ones are typed, at run time every top-level one is there. */
  readonly maps: MapsOf<M>;
  /** Its events by name. */
  readonly events: EventsOf<M>;
  /** The engine that it runs on. */
  readonly engine: Exclude<Engine, "auto">;
  /** What it prints, a line each. */
  readonly lines: AsyncIterable<string>;
  /** Resolved when the run has ended, by itself or by `close`. */
  readonly done: Promise<Summary>;
  /** Disarms every probe, and gives what the run came to. */
  close(): Promise<Summary>;
}
/**
 * Runs a script from a program, with `params` and filters; the promise is resolved when its probes are armed.
 * Rejected with a `SondeError`, which has `code`, `where`, `why` and `mend`: a script with errors (`SONDE_SCRIPT_ERRORS`), a
 * target that isn't found, missing rights. Nothing stays armed then. [host]
 */
export function open<M = { readonly [name: string]: any }>(script: string | { readonly href: string }, options?: OpenOptions): Promise<Session<M>>;
