/**
 * Tells when a watched process executes a program by a thread that isn't its first. That thread takes over the process's
 * id, but the kernel's filter of a link goes on to mean the thread that had it before, and nobody hits any more.
 */
import { add, mov, rsh } from "../../bpf/alu64.ts";
import { callHelper } from "../../bpf/call.ts";
import type { Instruction } from "../../bpf/instruction.ts";
import { exit, jeq } from "../../bpf/jump.ts";
import { loadMap } from "../../bpf/load-imm.ts";
import { ldx, stx } from "../../bpf/memory.ts";
import { r0, r1, r2, r3, r4, r6, r7, r10 } from "../../bpf/register.ts";
import { createMap, mapType, update } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { pageSize } from "../../sys/host.ts";
import { attachRawTracepoint } from "./raw-tracepoint.ts";
import { Ring } from "./ring.ts";

const WATCHED = 0;
const RING = 1;
const RECORD = -16;

/** sched_process_exec(task, old_pid, bprm): old_pid is the thread's id before it took over the process's. Record: u64 pid, u64 time. */
function onExec(): Instruction[] {
  const body = (end: number): Instruction[] => [
    ldx(4, r6, r1, 8),
    callHelper("get_current_pid_tgid"),
    rsh(r0, 32),
    mov(r7, r0),
    jeq(r6, r7, end),
    stx(8, r10, RECORD, r7),
    loadMap(r1, WATCHED),
    mov(r2, r10),
    add(r2, RECORD),
    callHelper("map_lookup_elem"),
    jeq(r0, 0, end),
    callHelper("ktime_get_ns"),
    stx(8, r10, RECORD + 8, r0),
    loadMap(r1, RING),
    mov(r2, r10),
    add(r2, RECORD),
    mov(r3, 16),
    mov(r4, 0),
    callHelper("ringbuf_output"),
    mov(r0, 0),
    exit(),
  ];
  return body(body(0).length - 2);
}

export interface ExecWatch {
  close(): void;
}

/** Calls back with the process and the time (CLOCK_MONOTONIC, ns) of its exec, from Node's event loop. */
export function watchExec(pids: readonly number[], taken: (pid: number, time: bigint) => void): ExecWatch {
  const size = pageSize();
  const fds: number[] = [];
  let ring: Ring | undefined;
  try {
    fds.push(createMap({ name: "sonde_watched", type: mapType.hash, keySize: 4, valueSize: 1, maxEntries: pids.length, flags: 0 }));
    fds.push(createMap({ name: "sonde_execs", type: mapType.ringbuf, keySize: 0, valueSize: 0, maxEntries: size, flags: 0 }));
    for (const pid of pids) update(fds[WATCHED]!, new Uint8Array(Uint32Array.of(pid).buffer), Uint8Array.of(1), "any");
    fds.push(attachRawTracepoint("sched_process_exec", onExec(), fds));
    const reader = new Ring(fds[RING]!, size);
    ring = reader;
    reader.onReadable(() => reader.consume((bytes, at) => taken(Number(bytes.getBigUint64(at, true)), bytes.getBigUint64(at + 8, true))));
  } catch (error) {
    ring?.close();
    closeAll(fds);
    throw error;
  }
  let open = true;
  return {
    close() {
      if (!open) return;
      open = false;
      ring?.close();
      closeAll(fds);
    },
  };
}
