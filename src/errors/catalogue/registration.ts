/** How handlers are registered and modules are imported, and what handlers may take from outside: mistakes, each in a script. */
import type { ScriptEntries } from "./entry.ts";

export const registration: ScriptEntries = {
  SONDE_C_CAPTURE: {
    script: 'const limits = JSON.parse("[1.5]");\nconst n = count();\nuprobe("libc:malloc", (c) => c.arg0 > limits[0] && n.add());',
    cause:
      "A handler can use integers, booleans, texts, plain objects and arrays of these, maps and functions. What the name holds is something else, as the script finds when it runs: a fraction, a Map, an object of a class.",
    mend: "Take what the handler needs of it into a constant, or use `variable()` for what changes.",
  },
  SONDE_C_CAPTURED_ASSIGNMENT: { script: 'let calls = 0;\nuprobe("libc:malloc", () => {\n  calls++;\n});' },
  SONDE_C_CAPTURED_CLASS: { script: 'class Call {}\nuprobe("libc:malloc", () => {\n  const kind = Call;\n});' },
  SONDE_C_CAPTURED_ENUM: { script: 'declare enum Size { Small, Large }\nconst h = hist();\nuprobe("libc:malloc", () => h.add(Size.Large));' },
  SONDE_C_CAPTURED_INSTANCE: { script: 'const names = new Map([["sh", 1]]);\nuprobe("libc:malloc", (c) => {\n  names.get(c.comm);\n});' },
  SONDE_C_CAPTURED_LET: { script: 'const n = count();\nlet limit = 1;\nlimit = 4096;\nuprobe("libc:malloc", (c) => c.arg0 > limit && n.add());' },
  SONDE_C_CAPTURED_NAMESPACE: { script: 'import * as sonde from "sonde";\nsonde.uprobe("libc:malloc", () => {\n  const all = sonde;\n});' },
  SONDE_C_CAPTURE_HIDDEN: {
    script:
      'const n = count();\nfunction watch(limit: number) {\n  const over = (x: number) => x > limit;\n  for (const limit of ["libc:malloc"]) uprobe(limit, (c) => over(c.arg0) && n.add());\n}\nwatch(4096);',
  },
  SONDE_C_EMPTY_HANDLERS: { script: 'uprobe("libc:malloc", {});' },
  SONDE_C_ENTER_ALONE: { script: 'uprobe("libc:malloc", { enter: (c) => c.time });' },
  SONDE_C_HANDLER_METHOD: { script: "const sizes = hash(u32, u64);\nsizes.get(1);" },
  SONDE_C_HANDLER_SHAPE: { script: 'uprobe("libc:malloc", (c) => ({ size: c.arg0 }));' },
  SONDE_C_HIDDEN_HANDLER: { script: 'function watch(handler: () => void) {\n  uprobe("libc:malloc", handler);\n}' },
  SONDE_C_HOST_CALL: {
    script: 'import { uprobe } from "sonde";\nimport { readFileSync } from "node:fs";\nuprobe("libc:malloc", () => {\n  readFileSync("/etc/hostname");\n});',
  },
  SONDE_C_HOST_GLOBAL: { script: 'uprobe("libc:malloc", (c) => {\n  console.log(c.pid);\n});' },
  SONDE_C_HOST_METHOD: { script: 'const n = count();\nuprobe("libc:malloc", () => {\n  if (n.read() > 5) exit();\n});' },
  SONDE_C_HOST_VOCABULARY: { script: 'uprobe("libc:malloc", () => {\n  const calls = count();\n});' },
  SONDE_C_LEAVE_ALONE: { script: 'uprobe("libc:malloc", { leave: () => {} } as any);' },
  SONDE_C_LEAVE_FIRST: { script: 'const h = hist();\nuprobe("libc:malloc", {\n  leave: (c, at) => h.add(c.time - at),\n  enter: (c) => c.time,\n});' },
  SONDE_C_MAP_ITERATION: { script: 'const sizes = hash(u32, count()), n = count();\nuprobe("libc:malloc", () => {\n  for (const one of sizes) n.add();\n});' },
  SONDE_C_MIXED_HANDLERS: { script: 'uprobe("libc:malloc", { enter: (c) => c.time, leave: (c, at) => {}, before: () => {} });' },
  SONDE_C_MODULE: { script: 'import { uprobe } from "sonde";\nimport { limit } from "./nothing.ts";\nuprobe("libc:malloc", () => {});' },
  SONDE_C_NOT_ERASABLE: { script: "enum Size { Small, Large }" },
  SONDE_C_NO_EXPORT: { script: 'import { uprob } from "sonde";' },
  SONDE_C_NO_HANDLER: { script: 'uprobe("libc:malloc");' },
  SONDE_C_ONLY_FUNCTION: { script: 'uretprobe("libc:malloc", { enter: () => {}, leave: () => {} } as any);' },
  SONDE_C_REGISTRATION_VALUE: { script: "const registers = [uprobe];" },
  SONDE_C_SPREAD_REGISTRATION: { script: 'const both = ["libc:malloc", () => {}] as const;\nuprobe(...(both as any));' },
  SONDE_C_UNKNOWN_HANDLER: { script: 'uprobe("libc:malloc", { exit: () => {} } as any);' },
};
