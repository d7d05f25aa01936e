/**
 * What the session's process and the arming process tell each other over a socket, framed as with the tracer (breakpoint/wire.ts).
 *
 *     session                                   armer
 *        │ ── prepare (process, sites) ──────────► │   makes the arenas; the process is stopped for a moment of one thread
 *        │ ◄─ prepared (arenas, places) │ failed ─ │
 *        │    builds the code for those places     │
 *        │ ── commit (code, copies) ─────────────► │   writes it; stops all, moves threads, patches, lets go
 *        │ ◄────────────────────── armed │ failed ─│
 *        │ ── disarm ────────────────────────────► │   stops all, restores, lets go; waits until no thread is in an arena
 *        │ ◄──────────────────── disarmed │ failed │
 *
 * A command that is held before its exec: `follow` attaches to it and answers; once it has executed its program and stands at the
 * program's entry, `entered` is told, everything above can be done with it, and `resume` lets it go.
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
  /** Room for code, in the target. */
  readonly code: number;
  readonly codeBytes: number;
  /** Where the session's memory is mapped. */
  readonly shared: number;
  /** Memory of the process alone, zeros but for its first words (inline/memory/layout.ts), and zeros in a forked child. */
  readonly own: number;
}

export interface WireCopy {
  readonly at: number;
  readonly length: number;
  /** Where threads go on: original address, address in the copy, and so on. */
  readonly moves: Float64Array;
  /** The same for a thread that has interrupted the system call at the window's end; it is made anew in the copy. */
  readonly call: { readonly rip: number; readonly at: number } | undefined;
  /** Where threads go on that stand in the copy when it is taken out: address in the copy, original address, what is added to rsp, rcx (0: as it is), and so on. */
  readonly back: Float64Array;
}

interface Request {
  readonly request: number;
  readonly pid: number;
}
export type ToArmer =
  | (Request & {
      readonly kind: "prepare";
      readonly sites: readonly WireInlineSite[];
      /** Of code that all copies of an arena use. */
      readonly commonBytes: number;
      readonly ownBytes: number;
    })
  /** `set`: what `prepared` gave. */
  | (Request & { readonly kind: "commit"; readonly set: number; readonly codes: readonly Uint8Array[]; readonly copies: readonly WireCopy[] })
  | (Request & { readonly kind: "disarm"; readonly set: number })
  | (Request & { readonly kind: "follow" })
  /** `again`: its next exec is awaited as the first was. */
  | (Request & { readonly kind: "resume"; readonly again: boolean })
  /** Probes that were switched off, since nobody seemed to look after them, run again; and who the process's threads are is found out anew. */
  | (Request & { readonly kind: "enable"; readonly set: number });

/** How long all threads stood still (ms), how many there were, how many were moved out of windows or found to return into one. */
export interface StopReport {
  readonly stoppedMs: number;
  readonly threads: number;
  readonly moved: number;
}
export type FromArmer =
  /** `places`: by site, the index of its arena. */
  | { readonly kind: "prepared"; readonly request: number; readonly set: number; readonly arenas: readonly WireArena[]; readonly places: readonly number[] }
  /** `knowsThreads`: where threads keep their ids; to be looked for again by `enable`. */
  | ({ readonly kind: "armed"; readonly request: number; readonly knowsThreads: boolean } & StopReport)
  /** `clean`: no thread is in its arenas any more. */
  | ({ readonly kind: "disarmed"; readonly request: number; readonly restored: number; readonly clean: boolean } & StopReport)
  | { readonly kind: "following"; readonly request: number }
  | { readonly kind: "resumed"; readonly request: number }
  | { readonly kind: "enabled"; readonly request: number }
  | { readonly kind: "failed"; readonly request: number; readonly error: WireFailure }
  /** Nobody has asked: a command stands at its program's entry, or has ended before. */
  | { readonly kind: "entered"; readonly request: 0; readonly pid: number; readonly ended: boolean };
