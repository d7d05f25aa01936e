/** A target for tests of what doesn't depend on the engine: a kernel of today, whatever this machine's can do. */
import type { Target } from "./target.ts";

export const someKernel: Target = {
  sessions: true,
  sleepable: true,
  isa: 4,
  cpus: 2,
  extendedContext: false,
  writesRegisters: true,
  filter: { kind: "all" },
  ringBytes: 1 << 20,
  kfuncs: new Set(),
};
