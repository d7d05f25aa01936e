/** The kernel's helpers and functions for programs in WebAssembly, as far as the compiler calls them; the interpreter says what each means. */
import type { CallPlan, CallPlans, Param, Result } from "../../../bpf/wasm/calls.ts";
import { SondeBug } from "../../../errors/error.ts";
import { errno } from "../../../sys/errno.ts";
import type { MapStore, RingStore } from "../../memory/types.ts";
import type { HitEnvironment, Sources } from "./programs.ts";
import { UserReads } from "./user-reads.ts";

export interface ImportsParts {
  readonly memory: WebAssembly.Memory;
  readonly stores: readonly (MapStore | RingStore)[];
  readonly ring: number | undefined;
  readonly environment: HitEnvironment;
  readonly sources: Sources;
  /** Where results of 64 bits are left. */
  readonly wideAt: number;
  /** Memory for pieces of texts. */
  readonly text: { readonly at: number; readonly bytes: number };
}

/** Words of pt_regs, which every context begins with. */
const PT_REGS_WORDS = 21;

/** BPF_F_USER_BUILD_ID. */
const IN_FILES = 2048;

const plan = (result: Result, ...params: readonly Param[]): CallPlan => ({ kind: "import", params, result });

/** All that `makeImports` makes, by the same names. */
export const importPlans = {
  map_lookup_elem: plan("unsigned", "int", "int"),
  map_update_elem: plan("signed", "int", "int", "int", "int"),
  map_delete_elem: plan("signed", "int", "int"),
  ringbuf_reserve: plan("unsigned", "int", "int"),
  ringbuf_submit: plan("none", "int"),
  ringbuf_discard: plan("none", "int"),
  ringbuf_output: plan("signed", "int", "int", "int"),

  ktime_get_ns: plan("wide"),
  get_prandom_u32: plan("unsigned"),
  get_smp_processor_id: plan("unsigned"),
  get_current_uid_gid: plan("wide"),
  get_current_comm: plan("signed", "int", "int"),
  get_current_cgroup_id: plan("wide"),
  get_current_ancestor_cgroup_id: plan("wide", "int"),

  send_signal_thread: plan("signed", "int"),
  get_stack: plan("signed", "int", "int", "int", "int"),
  probe_read_user: plan("signed", "int", "int", "address"),
  copy_from_user: plan("signed", "int", "int", "address"),
  probe_read_user_str: plan("signed", "int", "int", "address"),
  bpf_copy_from_user_str: plan("signed", "int", "int", "address", "int"),
  probe_read_kernel: plan("signed", "int", "int", "address"),
  probe_read_kernel_str: plan("signed", "int", "int", "address"),
} as const satisfies CallPlans;

type Imports = { readonly [N in keyof typeof importPlans]: (...args: number[]) => number | undefined };

/** Flags of the ring's helpers about wake-ups aren't passed on: the session says itself when it wants one. */
export function makeImports({ memory, stores, ring, environment, sources, wideAt, text }: ImportsParts): Imports {
  const bytes = new Uint8Array(memory.buffer);
  const wide = new BigUint64Array(memory.buffer, wideAt, 1);
  const halves = new Uint32Array(memory.buffer, wideAt, 2);
  const user = new UserReads(memory, text, environment);
  const maps = stores as readonly MapStore[];
  const rings = stores as readonly RingStore[];
  const submit = (address: number, discard: boolean): undefined => {
    if (ring === undefined) throw new SondeBug("a record without a ring");
    (rings[ring] as RingStore).submit(address, discard);
  };
  const own = (address: number, length: number): boolean => address + length <= bytes.length;
  return {
    map_lookup_elem: (map, key) => (maps[map as number] as MapStore).lookup(key as number),
    map_update_elem: (map, key, value, flags) => (maps[map as number] as MapStore).update(key as number, value as number, flags as number),
    map_delete_elem: (map, key) => (maps[map as number] as MapStore).delete(key as number),
    ringbuf_reserve: (map, size) => (rings[map as number] as RingStore).reserve(size as number),
    ringbuf_submit: (address) => submit(address as number, false),
    ringbuf_discard: (address) => submit(address as number, true),
    ringbuf_output: (map, address, size) => (rings[map as number] as RingStore).output(address as number, size as number),

    ktime_get_ns: () => {
      wide[0] = sources.timeNs();
      return undefined;
    },
    get_prandom_u32: () => sources.random(),
    get_smp_processor_id: () => environment.cpu(),
    get_current_uid_gid: () => {
      halves[0] = environment.uid();
      halves[1] = environment.gid();
      return undefined;
    },
    get_current_comm: (to, size) => {
      const room = size as number;
      bytes.fill(0, to, (to as number) + room);
      bytes.set(environment.comm().subarray(0, Math.min(15, room - 1)), to);
      return 0;
    },
    get_current_cgroup_id: () => {
      wide[0] = environment.cgroupAt(-1);
      return undefined;
    },
    get_current_ancestor_cgroup_id: (level) => {
      wide[0] = (level as number) < 0 ? 0n : environment.cgroupAt(level as number);
      return undefined;
    },

    send_signal_thread: (signal) => environment.signal(signal as number),
    // Of the user's stack: the compiler refuses the kernel's. With the second flag it is asked in which files the frames are.
    get_stack: (context, to, size, flags) => {
      const registers = new BigUint64Array(memory.buffer, context, PT_REGS_WORDS);
      if (((flags as number) & IN_FILES) !== 0) {
        bytes.fill(0, to, (to as number) + (size as number));
        return environment.stackInFiles(registers, new DataView(memory.buffer, to, size));
      }
      const frames = environment.stack(registers, (size as number) >> 3);
      const room = new BigUint64Array(memory.buffer, to, frames.length);
      for (const [i, pc] of frames.entries()) room[i] = BigInt(pc);
      return 8 * frames.length;
    },
    probe_read_user: (to, size, address) => user.copy(to as number, size as number, address as number),
    copy_from_user: (to, size, address) => user.copy(to as number, size as number, address as number),
    probe_read_user_str: (to, size, address) => user.text(to as number, size as number, address as number),
    bpf_copy_from_user_str: (to, size, address, flags) => user.paddedText(to as number, size as number, address as number, flags as number),
    probe_read_kernel: (to, size, address) => {
      if (!own(address as number, size as number)) {
        bytes.fill(0, to, (to as number) + (size as number));
        return -errno.EFAULT;
      }
      bytes.copyWithin(to as number, address as number, (address as number) + (size as number));
      return 0;
    },
    probe_read_kernel_str: (to, size, address) => {
      const from = address as number;
      const room = size as number;
      if (room === 0) return 0;
      if (!own(from, 1)) {
        bytes.fill(0, to, (to as number) + room);
        return -errno.EFAULT;
      }
      const nul = bytes.subarray(from, from + room).indexOf(0);
      const length = nul < 0 ? Math.min(room, bytes.length - from) - 1 : nul;
      bytes.copyWithin(to as number, from, from + length);
      bytes[(to as number) + length] = 0;
      return length + 1;
    },
  };
}
