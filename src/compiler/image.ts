/** What the compiler gives for one session: a deterministic value, that an engine loads. */
import type { Instruction, LineEntry } from "../bpf/instruction.ts";
import type { Schema, StateSpec, StructSchema } from "../schema/types.ts";

/** A map to create. `region` maps are arrays of one value, mapped into the host's memory. */
export interface MapImage {
  /** At most 15 characters of [A-Za-z0-9_.]. */
  readonly name: string;
  readonly type: "hash" | "lru_hash" | "percpu_hash" | "lru_percpu_hash" | "array" | "percpu_array" | "ringbuf";
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_MMAPABLE: the host reads and writes it through memory. Only "array". */
  readonly mmap: boolean;
  /** BPF_F_NO_PREALLOC: entries are allocated when made. */
  readonly noPrealloc: boolean;
  readonly keySchema?: Schema;
  readonly valueSchema?: Schema;
  /** What fills the first entry of an array before anything is armed. */
  readonly initial?: Uint8Array;
}

/** Where the state of a script lives. `state` is the index into the session's list of states. */
export type StatePlace =
  /** An aggregate alone: words at `offset` of each CPU's part of the per-CPU region. */
  | { readonly in: "cpuRegion"; readonly offset: number }
  /** A variable: bytes at `offset` of the shared region. */
  | { readonly in: "sharedRegion"; readonly offset: number }
  /** A map of its own. */
  | { readonly in: "map"; readonly map: number }
  /** Events: records in the ring with this format. */
  | { readonly in: "ring"; readonly format: number };

interface HitCounter {
  readonly kind: "hits";
  readonly probe: number;
  /** Which of the ways in which the probe's handler is compiled: an index into what was asked of the compiler. */
  readonly part: number;
}

/** A 64-bit counter in the per-CPU region, summed over the CPUs by the reader. */
export type Counter = { readonly offset: number } & (
  | HitCounter
  /** A record didn't fit into the ring: what was lost. */
  | { readonly kind: "lost"; readonly probe: number }
  /** A new key in a full map was dropped. */
  | { readonly kind: "full"; readonly state: number }
  /** A sink was given `undefined`, or an index was out of range. */
  | { readonly kind: "miss"; readonly file: number; readonly line: number }
  /** The table of stacks was full: the stack is counted as one that isn't known. */
  | { readonly kind: "stacks"; readonly probe: number }
  /** A leave without its enter (thrown out of the table, or never seen). */
  | { readonly kind: "unmatched"; readonly probe: number }
  /** A hit that wasn't handled because every scratch slot of its CPU was in use. */
  | { readonly kind: "scratch"; readonly probe: number }
);

/** How a value in a print is shown. */
export type PrintPart =
  | { readonly kind: "text"; readonly text: string }
  /** A value of the record's payload. `as` is the helper it went through; `optional`: field `name + "?"` (bool) says whether it was readable. */
  | {
      readonly kind: "value";
      readonly field: string;
      readonly as: "plain" | "hex" | "duration" | "sym";
      readonly optional: boolean;
      /** It is an enumerator: the name of each value, by the value in decimal digits. What has none is shown as the number. */
      readonly names?: { readonly [value: string]: string };
    };

/** What a record of the ring is: the u32 at its start is the index here; the payload (`schema`) begins at byte 8. */
export type RecordFormat =
  | { readonly kind: "print"; readonly schema: StructSchema; readonly parts: readonly PrintPart[] }
  | { readonly kind: "event"; readonly schema: StructSchema; readonly state: number }
  | { readonly kind: "show"; readonly state: number; readonly top: number | undefined }
  | { readonly kind: "clear"; readonly states: readonly number[] }
  /** payload: i64 field "status" */
  | { readonly kind: "exit"; readonly schema: StructSchema }
  | { readonly kind: "detach"; readonly probe: number }
  /** A stack of this process (u32 field "pid") was seen for the first time: its mappings are to be looked at while it is there. */
  | { readonly kind: "stack"; readonly schema: StructSchema }
  /** A copy of a stack that a handler has no rules for; the payload is `COPY` (schema/stack-walk.ts), not of the schema. */
  | { readonly kind: "walk"; readonly schema: StructSchema };

/** One eBPF program. `index`es in `attach` refer to the session's probes. */
export interface ProgramImage {
  /** At most 15 characters of [A-Za-z0-9_.]. */
  readonly name: string;
  /** The probe it belongs to. */
  readonly probe: number;
  /** It is attached to a tracepoint, whose record is its context, or to a timer; undefined: to places in files. */
  readonly on?: "tracepoint" | "timer";
  /** When it runs: at the entry, at the return, (a session program) at both, after the probed instruction, or when that faults. */
  readonly runs: "entry" | "return" | "session" | "after" | "fault";
  /** It reads memory of the target that may not be resident (kernel ≥ 6.0). */
  readonly sleepable: boolean;
  /** It reads xmm0 to xmm15 in the extended context: whoever runs it has to fetch them. */
  readonly readsFloats: boolean;
  /** It sets registers in its context: whoever runs it has to hand them on to the thread. */
  readonly writesRegisters: boolean;
  readonly instructions: readonly Instruction[];
  /** Local functions: where each starts; the first is the program itself, at 0. */
  readonly functions: readonly { readonly index: number; readonly name: string }[];
  readonly lines: readonly LineEntry[];
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface SessionImage {
  readonly maps: readonly MapImage[];
  readonly programs: readonly ProgramImage[];
  readonly files: readonly SourceFile[];
  readonly states: readonly { readonly name: string; readonly spec: StateSpec; readonly place: StatePlace }[];
  readonly formats: readonly RecordFormat[];
  readonly counters: readonly Counter[];
  /** The per-CPU region: an array map of one value, `cpus` (a power of two) parts of `stride` bytes. */
  readonly cpuRegion: { readonly map: number; readonly stride: number; readonly cpus: number };
  /** The shared region; byte 0: u64 "stopped" (not zero: hits are not handled any more). */
  readonly sharedRegion: { readonly map: number; readonly size: number };
  /** The ring, if anything is written to it. */
  readonly ring: number | undefined;
  /** The hash map of process ids (u32 → u8) that are let through, where the filter is "set". */
  readonly pidSet: number | undefined;
  /** Which hits the programs let through, all unless said; those of the kernel's own events, where that differs. */
  readonly filter?: HitFilter | undefined;
  readonly eventFilter?: HitFilter | undefined;
  /** The table of captured stacks (schema/stack.ts), if any are. */
  readonly stacks?: number | undefined;
  /** Stacks are unwound in the handler (schema/stack-walk.ts): the map of rules, and the word of each CPU's part of the region that counts copies. */
  readonly walks?: { readonly rules: number; readonly copies: number } | undefined;
}

/** Which hits are let through, decided in the program. */
export type HitFilter =
  | { readonly kind: "all" }
  /** These process ids (thread groups, as the root namespace counts). */
  | { readonly kind: "pids"; readonly pids: readonly number[] }
  /** Those in the map `pidSet`, which the engine keeps. */
  | { readonly kind: "set" }
  /** A cgroup (v2) by id and its depth below the root, descendants too. */
  | { readonly kind: "cgroup"; readonly id: bigint; readonly level: number };
