/**
 * What the session's process and the tracer tell each other over a socket: each message is its length (u32) and a value
 * as node:v8 serialises it. Maps, rings and regions aren't in messages: they lie in memory that both have mapped.
 *
 *     session                                   tracer
 *        │ ── arm (image, probes, filter) ───────► │   attaches, maps areas, writes breakpoints
 *        │ ◄──────────────── armed │ failed ────── │
 *        │ ── detach (probe) ────────────────────► │   its handlers don't run any more
 *        │ ◄────────────────────────── done ────── │
 *        │ ◄── wake ────────────────────────────── │   there are records, and the session said that it waits
 *        │ ◄── call (registers) ────────────────── │   an intercepted call waits
 *        │ ── verdict ───────────────────────────► │
 *        │ ── disarm ────────────────────────────► │   all breakpoints out, all threads let go
 *        │ ◄────────────────────────── done ────── │
 */
import type { SessionImage } from "../../compiler/image.ts";

/** A place in a file, to be armed wherever the file is mapped. */
export interface WireSite {
  readonly path: string;
  readonly display: string;
  readonly device: bigint;
  readonly inode: bigint;
  /** In bytes from the file's start: of the breakpoint, and of the function. */
  readonly offset: number;
  readonly functionOffset: number;
  /** Of the function, 0 if unknown. */
  readonly size: number;
  readonly name: string;
  readonly cookie: number;
  /** rsp at the site minus rsp at the function's entry. */
  readonly stackDelta: number;
  /** A static probe's semaphore: its address minus the site's. */
  readonly semaphore: number | undefined;
}

export interface WireProbe {
  readonly probe: number;
  readonly programs: readonly number[];
  readonly sites: readonly WireSite[];
  readonly pids: readonly number[] | undefined;
  readonly intercept: { readonly enter: boolean; readonly leave: boolean } | undefined;
}

export interface WireFailure {
  readonly code: string;
  readonly message: string;
  readonly where?: string;
  readonly why?: string;
  readonly mend?: string;
  readonly exit: number;
}

export type ToTracer =
  | {
      readonly kind: "arm";
      readonly image: SessionImage;
      readonly probes: readonly WireProbe[];
      readonly pids: readonly number[];
      /** Those of them that the user named: that one of the others has ended is no error. */
      readonly named: readonly number[];
      readonly children: boolean;
      /** Of pids: a process that is held before its exec: what it executes is what is meant. */
      readonly held: number | undefined;
    }
  | { readonly kind: "detach"; readonly probe: number; readonly request: number }
  | { readonly kind: "disarm"; readonly request: number }
  | {
      readonly kind: "verdict";
      readonly call: number;
      readonly phase: "enter" | "leave";
      readonly tid: number;
      readonly verdict: "continue" | "skip";
      readonly regs: Uint8Array;
    };

export type FromTracer =
  | { readonly kind: "armed"; readonly sites: number; readonly notes: readonly string[] }
  | { readonly kind: "failed"; readonly error: WireFailure }
  | { readonly kind: "done"; readonly request: number }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "wake" }
  | {
      readonly kind: "call";
      readonly probe: number;
      readonly call: number;
      readonly phase: "enter" | "leave";
      readonly pid: number;
      readonly tid: number;
      readonly comm: string;
      readonly cookie: number;
      readonly regs: Uint8Array;
    };
