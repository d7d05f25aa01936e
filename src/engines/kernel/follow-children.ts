/** Keeps a set of processes in the kernel: whatever a member forks becomes one before it runs, and one that has ended leaves. */
import { add, mov, rsh } from "../../bpf/alu64.ts";
import { atomicAdd } from "../../bpf/atomic.ts";
import { callHelper } from "../../bpf/call.ts";
import type { Instruction } from "../../bpf/instruction.ts";
import { exit, jeq, jne } from "../../bpf/jump.ts";
import { loadMap, loadMapValue } from "../../bpf/load-imm.ts";
import { ldx, st, stx } from "../../bpf/memory.ts";
import { r0, r1, r2, r3, r4, r6, r7, r10 } from "../../bpf/register.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { createMap, mapFlag, mapType, update } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { pageSize } from "../../sys/host.ts";
import { mapWhileHeld } from "../../sys/memory.ts";
import { kernelTypes } from "./kernel-types.ts";
import { familyOf, inRootPidNamespace } from "./process-tree.ts";
import { attachRawTracepoint } from "./raw-tracepoint.ts";

const SET = 0;
const DROPPED = 1;
const CHILD = -8;
const PARENT = -16;
const VALUE = -24;

/** `*(u32 *)(fp + slot) = *(u32 *)(task + offset)`, task in r7. */
const readTask = (slot: number, offset: number): Instruction[] => [
  mov(r1, r10),
  add(r1, slot),
  mov(r2, 4),
  mov(r3, r7),
  add(r3, offset),
  callHelper("probe_read_kernel"),
];

/** sched_process_fork(parent, child), run by the parent when the child can't run yet. */
function onFork(tgid: number): Instruction[] {
  const read = readTask(CHILD, tgid);
  const body = (end: number): Instruction[] => [
    st(8, r10, CHILD, 0),
    ldx(8, r7, r1, 8),
    ...read,
    callHelper("get_current_pid_tgid"),
    rsh(r0, 32),
    stx(4, r10, PARENT, r0),
    ldx(4, r6, r10, CHILD),
    // A new thread of the same process.
    jeq(r0, r6, end),
    loadMap(r1, SET),
    mov(r2, r10),
    add(r2, PARENT),
    callHelper("map_lookup_elem"),
    jeq(r0, 0, end),
    st(8, r10, VALUE, 1),
    loadMap(r1, SET),
    mov(r2, r10),
    add(r2, CHILD),
    mov(r3, r10),
    add(r3, VALUE),
    mov(r4, 0),
    callHelper("map_update_elem"),
    jeq(r0, 0, end),
    loadMapValue(r1, DROPPED, 0),
    mov(r2, 1),
    atomicAdd(8, r1, 0, r2),
    mov(r0, 0),
    exit(),
  ];
  return body(body(0).length - 2);
}

/** sched_process_free(task): the last of a process is its first thread. */
function onFree(tgid: number, pid: number): Instruction[] {
  const body = (end: number): Instruction[] => [
    st(8, r10, CHILD, 0),
    st(8, r10, PARENT, 0),
    ldx(8, r7, r1, 0),
    ...readTask(CHILD, tgid),
    ...readTask(PARENT, pid),
    ldx(4, r1, r10, CHILD),
    ldx(4, r2, r10, PARENT),
    jne(r1, r2, end),
    loadMap(r1, SET),
    mov(r2, r10),
    add(r2, CHILD),
    callHelper("map_delete_elem"),
    mov(r0, 0),
    exit(),
  ];
  return body(body(0).length - 2);
}

export interface Following {
  /** Children that didn't fit into the set. */
  dropped(): bigint;
  close(): void;
}

/** Fills `set` (a hash map u32 → u8) with these processes and their descendants, and keeps it from then on. */
export function followChildren(set: number, roots: readonly number[]): Following {
  const { members } = kernelTypes();
  const tgid = members["task_struct.tgid"];
  const pid = members["task_struct.pid"];
  if (tgid === undefined || pid === undefined) {
    throw new SondeError("SONDE_KERNEL_BTF", "following children at many sites needs the kernel's type information (/sys/kernel/btf/vmlinux)", {
      mend: "Probe fewer functions, or use a kernel with CONFIG_DEBUG_INFO_BTF.",
    });
  }
  if (!inRootPidNamespace()) {
    throw new SondeError("SONDE_KERNEL_NAMESPACE", "inside a pid namespace the kernel's process ids aren't known", {
      exit: ExitStatus.fault,
      mend: "Run sonde outside the container, or probe without --children.",
    });
  }
  const fds = [createMap({ name: "sonde_dropped", type: mapType.array, keySize: 4, valueSize: 8, maxEntries: 1, flags: mapFlag.mmapable })];
  const dropped = new BigUint64Array(mapWhileHeld(fds[0]!, pageSize()), 0, 1);
  try {
    const maps = [set, fds[0]!];
    fds.push(attachRawTracepoint("sched_process_free", onFree(tgid, pid), maps));
    fds.push(attachRawTracepoint("sched_process_fork", onFork(tgid), maps));
    // The tree is read when forks of members are seen already: a child is found by one or the other.
    const inSet = new Set<number>();
    for (let grown = true; grown; ) {
      grown = false;
      for (const member of familyOf(roots)) {
        if (inSet.has(member)) continue;
        inSet.add(member);
        update(set, new Uint8Array(Uint32Array.of(member).buffer), Uint8Array.of(1), "any");
        grown = true;
      }
    }
  } catch (error) {
    closeAll(fds);
    throw error;
  }
  let open = true;
  return {
    dropped: () => dropped[0]!,
    close() {
      if (open) closeAll(fds);
      open = false;
    },
  };
}
