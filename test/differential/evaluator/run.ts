/** One hit, and everything that a handler may touch or leave behind. */
import type { Kind } from "./kind.ts";
import type { State } from "./state.ts";
import type { Value } from "./value.ts";

export interface UserMemory {
  read(address: bigint, length: number): Uint8Array | undefined;
}

/** What the target does: registers as signed numbers. */
export interface Hit {
  readonly probe: number;
  readonly at: "entry" | "return";
  readonly args: readonly bigint[];
  readonly ret: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly uid: number;
  readonly gid: number;
  readonly cpu: number;
  readonly comm: string;
  readonly time: bigint;
  readonly cgroup: bigint;
  /** The function that was hit, by its name. */
  readonly func: string;
}

export type Output =
  | { readonly o: "print"; readonly texts: readonly string[]; readonly values: readonly Value[]; readonly kinds: readonly Kind[] }
  | { readonly o: "event"; readonly state: string; readonly bytes: string }
  | { readonly o: "show"; readonly state: string; readonly top: number | undefined }
  | { readonly o: "clear"; readonly states: readonly string[] }
  | { readonly o: "exit"; readonly status: bigint }
  | { readonly o: "detach"; readonly probe: number };

export interface Run {
  readonly states: ReadonlyMap<string, State>;
  readonly outputs: Output[];
  readonly memory: UserMemory;
  readonly functions: readonly string[];
  /** Sinks that were given `undefined`. */
  misses: number;
  stopped: boolean;
}
