/** Signals of this thread that wait while something is done that a pending one would interrupt. */
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const SIG_SETMASK = 2;
const SET_BYTES = 8;

/** Runs at once. What comes meanwhile is delivered afterwards. */
export function withSignalsHeld<T>(run: () => T): T {
  const before = new Uint8Array(SET_BYTES);
  const held = syscall(nr.rt_sigprocmask, SIG_SETMASK, new Uint8Array(SET_BYTES).fill(0xff), before, SET_BYTES) === 0;
  try {
    return run();
  } finally {
    if (held) syscall(nr.rt_sigprocmask, SIG_SETMASK, before, null, SET_BYTES);
  }
}
