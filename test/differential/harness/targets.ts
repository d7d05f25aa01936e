/** The kinds of targets that the compiler makes other code for. */
import type { Target } from "../../../src/compiler/target.ts";

const newest: Target = {
  sessions: true,
  extendedContext: false,
  writesRegisters: false,
  sleepable: true,
  isa: 4,
  cpus: 2,
  filter: { kind: "all" },
  ringBytes: 1 << 20,
  kfuncs: new Set(["bpf_session_is_return", "bpf_session_cookie", "bpf_copy_from_user_str", "bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy"]),
};

export const targets: { readonly [name: string]: Target } = {
  "kernel 6.18": newest,
  "kernel 6.1": { ...newest, sessions: false, kfuncs: new Set(), isa: 3 },
  "kernel 5.15": { ...newest, sessions: false, sleepable: false, kfuncs: new Set(), isa: 3 },
};

/** Our own breakpoints: one thread runs all programs, translated to WebAssembly. */
export const breakpoint: Target = {
  ...newest,
  extendedContext: true,
  writesRegisters: true,
  cpus: 1,
  kfuncs: new Set(["bpf_session_is_return", "bpf_session_cookie", "bpf_copy_from_user_str"]),
};
