/** What programs may do that sonde runs itself, in the tracer or in the interpreter, rather than the kernel. */
import type { Target } from "../compiler/target.ts";

export const OWN_TARGET = {
  // 8 bytes are kept with each call that is awaited.
  sessions: true,
  sleepable: true,
  kfuncs: new Set(["bpf_session_is_return", "bpf_session_cookie", "bpf_copy_from_user_str"]),
  isa: 4,
  extendedContext: true,
  writesRegisters: true,
  // Only processes that are meant are traced.
  filter: { kind: "all" },
  ringBytes: 1 << 22,
} as const satisfies Partial<Target>;
