/** What an image is compiled for: the one thing that the compiler knows of engines. */
import type { HitFilter } from "./image.ts";

/** What the compiler has to know of the engine before it makes an image. */
export interface Target {
  /** Entry and return in one program with an 8-byte cookie between them (kernel ≥ 6.13, uprobe_multi). */
  readonly sessions: boolean;
  /** Programs may fault pages in: bpf_copy_from_user (kernel ≥ 6.0). */
  readonly sleepable: boolean;
  /** kfuncs of this kernel that the compiler may call, e.g. "bpf_copy_from_user_str". */
  readonly kfuncs: ReadonlySet<string>;
  /** Instruction set version: 3 or 4. */
  readonly isa: 3 | 4;
  /** Number of possible CPUs. */
  readonly cpus: number;
  readonly filter: HitFilter;
  /** Bytes of the ring's data, a power of two and a multiple of the page size. */
  readonly ringBytes: number;
}
