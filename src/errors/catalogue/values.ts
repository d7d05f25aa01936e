/** Values in handlers: kinds, widths, bounds, what may be undefined. Mistakes, each in a script. */
import type { ScriptEntries } from "./entry.ts";

export const values: ScriptEntries = {
  SONDE_C_ALWAYS: { script: 'const n = count();\nuprobe("libc:malloc", (c) => c.uid < 0 && n.add());' },
  SONDE_C_ALWAYS_CUT: { script: 'const n = hash(cstring(4), count());\nuprobe("libc:malloc", () => n.at("too long").add());' },
  SONDE_C_ALWAYS_TRUE: { script: 'const n = count();\nuprobe("libc:malloc", (c) => {\n  const both = [c.arg0, c.arg1];\n  if (both) n.add();\n});' },
  SONDE_C_ARGUMENT_AT_RETURN: { script: 'const h = hist();\nuretprobe("libc:malloc", (c) => h.add(c.arg0));' },
  SONDE_C_ARGUMENT_DIFFERS: {
    script: 'uprobe(["libc:malloc", "libc:realloc"], (c) => {\n  const { size } = c.args as { size: number };\n  print`${size}`;\n});',
  },
  SONDE_C_ASSIGN: { script: 'uprobe("libc:malloc", (c) => {\n  const at = c.arg0 > 1 ? { size: 1 } : { size: 2 };\n  at.size = 5;\n  print`${at.size}`;\n});' },
  SONDE_C_BIGINT_HOST: { script: "const n = count();\nend(() => {\n  const total: number = n.read();\n});" },
  SONDE_C_CALL: { script: 'uprobe("libc:malloc", (c) => {\n  const call = c.arg0 as never as () => void;\n  call();\n});' },
  SONDE_C_CARRIED: { script: 'uprobe("libc:malloc", {\n  enter: (c) => ({ stack: c.ustack }) as any as { stack: () => void },\n  leave: () => {},\n});' },
  SONDE_C_CARRIED_ENTRY: {
    script:
      'const totals = hash(u32, struct({ bytes: u64 }));\nuprobe("libc:malloc", {\n  enter: (c) => totals.get(c.pid),\n  leave: (c, entry) => { entry.bytes++; },\n});',
  },
  SONDE_C_CARRY: { script: 'uprobe("libc:malloc", {\n  enter: (c) => c as never as number,\n  leave: (c, at) => print`${at}`,\n});' },
  SONDE_C_COMPARE: {
    script: 'const pairs = hash(u32, struct({ a: u64 })), n = count();\nuprobe("libc:malloc", () => {\n  if (pairs.get(1) === pairs.get(2)) n.add();\n});',
  },
  SONDE_C_CONTEXT_ASSIGNED: { script: 'uprobe("libc:malloc", (c) => {\n  (c as { arg0: number }).arg0 = 5;\n});' },
  SONDE_C_COUNT_AMOUNT: { script: 'const bytes = count();\nuprobe("libc:malloc", (c) => bytes.add(c.arg0));' },
  SONDE_C_ENGINE: { script: 'uprobe("libm:sin", (c) => print`${c.farg0} ${c.kstack()}`);' },
  SONDE_C_FLOAT_VALUE: { script: 'const h = hist();\nuprobe("libm:sin", (c) => h.add(c.farg0 * 1000));' },
  SONDE_C_FLOOR: { script: 'const h = hist();\nuprobe("libc:malloc", (c) => h.add(Math.floor(c.arg0 / 2)));' },
  SONDE_C_ITERATE: { script: 'uprobe("libc:malloc", (c) => {\n  for (const letter of c.comm) print`${letter}`;\n});' },
  SONDE_C_LIMITS: { script: 'uprobe("libc:puts", (c) => print`${str(c.arg0, 5000)}`);' },
  SONDE_C_LOOP_TOO_LONG: { script: 'const n = count();\nuprobe("libc:malloc", () => {\n  for (let i = 0; i < 10_000; i++) n.add();\n});' },
  SONDE_C_LOST_UPDATE: { script: 'const calls = hash(u32, u64);\nuprobe("libc:malloc", (c) => calls.set(c.pid, (calls.get(c.pid) ?? 0) + 1));' },
  SONDE_C_MAP_TRUTH: { script: 'const seen = hash(u32, u64), n = count();\nuprobe("libc:malloc", () => {\n  if (seen) n.add();\n});' },
  SONDE_C_MAYBE_UNDEFINED: { script: 'const from = hash(u32, u64), h = hist();\nuretprobe("libc:malloc", (c) => h.add(c.time - from.get(c.tid)));' },
  SONDE_C_MISSING_FIELD: { script: 'const calls = events({ pid: u32, size: u64 });\nuprobe("libc:malloc", (c) => calls.emit({ pid: c.pid } as never));' },
  SONDE_C_MIXED_KINDS: { script: 'uprobe("libc:malloc", (c) => {\n  let x = c.arg0;\n  x = c.time;\n  print`${x}`;\n});' },
  SONDE_C_MIXED_SIGNS: { script: 'uprobe("libc:malloc", (c) => print`${c.time / c.arg0}`);' },
  SONDE_C_NEVER_EQUAL: { script: 'const n = count();\nuprobe("libc:malloc", (c) => c.comm === "longer than fifteen" && n.add());' },
  SONDE_C_NOT_CONSTANT: { script: 'uprobe("libc:write", (c) => print`${str(c.arg1, c.arg2)}`);' },
  SONDE_C_NOT_INTEGER: { script: 'const total = sum();\nuprobe("libc:malloc", (c) => total.add(c.comm as never));' },
  SONDE_C_NO_ARGUMENT: {
    script: 'import { hist, uprobe } from "sonde";\nimport "sonde/types/libc";\nconst h = hist();\nuprobe("libc:malloc", (c) => h.add(c.args.length));',
  },
  SONDE_C_NO_CARRIED: {
    script: 'const h = hist();\nuprobe("libc:malloc", {\n  enter: (c) => ({ from: c.time }),\n  leave: (c, at) => h.add(c.time - at.start),\n});',
  },
  SONDE_C_NO_ENUMERATOR: {
    script:
      'import { count, uprobe } from "sonde";\ndeclare module "sonde" {\n  interface Functions { "app:handle": { args: { mode: "MODE_FAST" | "MODE_SLOW" }; ret: void } }\n}\nconst n = count();\nuprobe("app:handle", (c) => c.args.mode === "FAST" && n.add());',
  },
  SONDE_C_NO_JOIN: { script: 'uprobe("libc:malloc", (c) => print`${c.arg0 > 1 ? c.comm : 5}`);' },
  SONDE_C_NO_MEMBER: { script: 'const n = hash(comm, count());\nuprobe("libc:malloc", (c) => n.at(c.name).add());' },
  SONDE_C_PERIOD: { script: 'interval("1 second", () => {});' },
  SONDE_C_POWER: { script: 'const h = hist();\nuprobe("libc:malloc", (c) => h.add(2 ** c.arg0));' },
  SONDE_C_POWER_RANGE: { script: 'const limit = 9;\nconst h = hist();\nuprobe("libc:malloc", () => h.add(2 ** limit ** 2));' },
  SONDE_C_RATE: { script: 'profile("99", () => {});' },
  SONDE_C_READ_ONLY: { script: 'uprobe("libc:malloc", (c) => {\n  c.arg0 = 0;\n});' },
  SONDE_C_RESULT_AT_ENTRY: { script: 'const h = hist();\nuprobe("libc:malloc", (c) => h.add(c.ret));' },
  SONDE_C_TOO_LARGE: {
    script: `uprobe("libc:malloc", (c) => {\n${Array.from({ length: 9 }, (_, i) => `  const s${i} = str(c.arg0 + ${i}, 4000);`).join("\n")}\n  print\`${Array.from({ length: 9 }, (_, i) => `\${s${i}}`).join(" ")}\`;\n});`,
  },
  SONDE_C_TOO_MANY_VALUES: {
    script: 'uprobe("libc:malloc", (c) => {\n  const a = c.arg0 * 3, b = c.arg0 * 5; // and some seventy more\n  print`${a} ${b}`;\n});',
    cause: "A probe's stack is 512 bytes, and what has to be kept while others are computed lies there.",
    mend: "Print or add values as soon as they are known, or split the handler.",
  },
  SONDE_C_TARGET: {
    script: 'const n = count();\nuprobe("libc:mallok", () => n.add());',
    cause: "A warning of `sonde check`: the target isn't on this machine. The script may be meant for another one; a run refuses it.",
    mend: "Take one of the near names that are suggested, or see what there is: sonde list 'libc:*alloc*'.",
  },
  SONDE_C_UNBOUNDED_LOOP: { script: 'const n = count();\nuprobe("libc:malloc", (c) => {\n  while (c.arg0 > 0) n.add();\n});' },
  SONDE_C_UNDEFINED_SINK: { script: 'const total = sum();\nuprobe("libc:malloc", () => total.add(undefined));' },
  SONDE_C_UNSAFE: {
    script: 'uretprobe("libc:getuid", (c) => c.unsafe.setRet(0));',
    cause: "What changes the target can break it, so a run has to permit it.",
    mend: "Run with --unsafe (in the library `unsafe: true`) if that is meant.",
  },
  SONDE_C_UNSAFE_PLACE: {
    script: 'uretprobe("libc:getuid", (c) => c.unsafe.setArg(0, 1));',
    cause: "A change wants its place: arguments and whole calls at a function's entry, results at its return.",
  },
  SONDE_C_UNSUPPORTED: { script: 'uprobe("libc:malloc", (c) => print`${c.goid}`);' },
  SONDE_C_VALUE: { script: 'const n = hash(cstring(8), count());\nuprobe("libc:malloc", (c) => n.at(c.arg0 as never).add());' },
  SONDE_C_VOID_RESULT: {
    script: 'import { hist, uretprobe } from "sonde";\nimport "sonde/types/libc";\nconst h = hist();\nuretprobe("libc:free", (c) => h.add(c.ret));',
  },
  SONDE_C_WHOLE_NUMBER: { script: "const name = cstring(15.5);" },
};
