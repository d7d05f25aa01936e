/**
 * What the session's process and the arming process tell each other over a socket, framed as with the tracer (breakpoint/wire.ts).
 *
 *     session                                   armer
 *        │ ── prepare (process, sites) ──────────► │   makes the arenas; the process is stopped for a moment of one thread
 *        │ ◄─ prepared (arenas, places) │ failed ─ │
 *        │    builds the copies for those places   │
 *        │ ── commit (copies) ───────────────────► │   writes them; stops all, moves threads, patches, lets go
 *        │ ◄────────────────────── armed │ failed ─│
 *        │ ── disarm ────────────────────────────► │   stops all, restores, lets go
 *        │ ◄──────────────────── disarmed │ failed │
 */
import type { WireFailure } from "../../breakpoint/protocol.ts";

export interface WireInlineSite {
  /** Of the window's first byte. */
  readonly address: number;
  /** For messages. */
  readonly name: string;
  /** The window's bytes, as they must stand there. */
  readonly original: Uint8Array;
  /** Bytes that its copy may take. */
  readonly most: number;
}

export interface WireArena {
  /** Where its data lies in the target, and how much there is. */
  readonly data: number;
  readonly dataBytes: number;
  /** A word in the target that isn't 0 while probes are to run; 0 in a forked child. */
  readonly enabled: number;
  /** The data as a file of the host's, to be mapped shared from `fileOffset` on; it can be opened as long as the arming process lives. */
  readonly path: string;
  readonly fileOffset: number;
}

export interface WirePlace {
  /** Index of its arena. */
  readonly arena: number;
  /** Where a copy of at most the bytes that were asked for may stand. */
  readonly fresh: number;
  /** The copy that it had before: if it would be the same, it serves again. */
  readonly kept: { readonly at: number; readonly code: Uint8Array } | undefined;
}

export interface WireCopy {
  readonly at: number;
  /** Undefined: it is there already. */
  readonly code: Uint8Array | undefined;
  /** Where threads go on: original address, address in the copy, and so on. */
  readonly moves: Float64Array;
  /** The same for a thread that has interrupted the system call at the window's end; it is made anew in the copy. */
  readonly call: { readonly rip: number; readonly at: number } | undefined;
}

interface Request {
  readonly request: number;
  readonly pid: number;
}
export type ToArmer =
  | (Request & { readonly kind: "prepare"; readonly sites: readonly WireInlineSite[]; readonly dataBytes: number })
  | (Request & { readonly kind: "commit"; readonly copies: readonly WireCopy[] })
  | (Request & { readonly kind: "disarm" });

/** How long all threads stood still (ms), how many there were, how many were moved out of windows or found to return into one. */
export interface StopReport {
  readonly stoppedMs: number;
  readonly threads: number;
  readonly moved: number;
}
export type FromArmer =
  | { readonly kind: "prepared"; readonly request: number; readonly arenas: readonly WireArena[]; readonly places: readonly WirePlace[] }
  | ({ readonly kind: "armed"; readonly request: number } & StopReport)
  | ({ readonly kind: "disarmed"; readonly request: number; readonly restored: number } & StopReport)
  | { readonly kind: "failed"; readonly request: number; readonly error: WireFailure };
