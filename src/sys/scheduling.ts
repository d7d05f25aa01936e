/** The calling thread before all others for a moment, where that is permitted (root or CAP_SYS_NICE): sched_setscheduler(2). */
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const LOWEST = 1;

/** struct sched_param; in a buffer that doesn't move. */
const parameter = new Int32Array(32);
const bytes = new Uint8Array(parameter.buffer);

function schedule(policy: number, priority: number): boolean {
  parameter[0] = priority;
  return syscall(nr.sched_setscheduler, 0, policy, bytes) === 0;
}

/** While it works, no ordinary thread takes the processor from it. It must not wait for any by looking again and again. */
export function first<T>(work: () => T): T {
  const raised = schedule(SCHED_FIFO, LOWEST);
  try {
    return work();
  } finally {
    if (raised) schedule(SCHED_OTHER, 0);
  }
}
