/** Declarations of real programs and of the running kernel: TypeScript 6 and 7 accept what is right and find what is wrong, at its line. */
import { afterAll, describe, expect, test } from "vitest";
import { declareKernel } from "../../src/session/declare/kernel.ts";
import { declareProgram } from "../../src/session/declare/program.ts";
import { typedC, typedCxx, typedGo, typedRust } from "../dwarf/typed-programs.ts";
import { compilers, Project } from "./compilers.ts";

const of = async (file: string, as: string, functions: readonly string[] = []): Promise<string> =>
  (await declareProgram({ file, functions, as, depth: Infinity, command: "sonde types" })).text;

const declarations = {
  "c.d.ts": await of(typedC(), "app"),
  "optimized.d.ts": await of(typedC("-O2"), "fast"),
  "cxx.d.ts": await of(typedCxx(), "shop"),
  "rust.d.ts": await of(typedRust(), "rusty", ["*typed*"]),
  "go.d.ts": await of(typedGo(), "gopher", ["main.*"]),
  "kernel.d.ts": declareKernel({ names: [], depth: Infinity, command: "sonde types kernel" }),
};

const right = `
import "sonde/types/libc";
import { bool, count, cstring, events, f64, hash, hist, i32, str, stats, struct, tracepoint, u32, u64, uprobe, uretprobe, type Ptr, type Tracepoints } from "sonde";
import type { pool, request } from "./c.d.ts";

const sizes = hist(), n = count(), width = stats(), byNext = hash(u64, count());
const calls = events(struct({ length: u64, tag: cstring(8), real: f64, done: bool, method: cstring(8) }));
uprobe("app:by_pointer", (c) => {
  sizes.add(c.args.request.uri.length);
  sizes.add(c.args.request.pool?.next?.size);
  byNext.at(c.args.request.self).add();
  n.add();
  if (c.args.request.flags.method === "POST") n.add();
  width.add((c.args.request.flags.version ?? 0) + 1);
  calls.emit({ length: c.args.request.uri.length, tag: str(c.args.request.tag, 8), real: c.args.request.real, done: c.args.request.done, method: str(c.args.request.uri.data) });
});
uprobe("app:with_flags", (c) => {
  if (c.args.method === "PUT" && c.args.flags.keep === 1) sizes.add(c.args.flags.wide + i32(c.args.method));
});
uprobe("app:compare", (c) => sizes.add((c.args.a as Ptr<request>).pool?.size));
uprobe("app:apply", (c) => sizes.add(c.args.values[1]));
uretprobe("app:by_pointer", (c) => c.ret < 0 && n.add());
uprobe("app:uri_length", {
  enter: (c) => ({ length: c.args.uri.length, at: c.time }),
  leave: (c, at) => sizes.add(c.ret + at.length),
});
uprobe(["app:plain", "app:ignored"], (c) => sizes.add(c.args.a));
uprobe("shop:shop::Cart::add", (c) => sizes.add(c.args.point.x));
uprobe("rusty:typed::texts", (c) => {
  if (str(c.args.a) === str(c.args.c, 16)) sizes.add(c.args.b.length);
});
uprobe("rusty:typed::slices", (c) => {
  width.add(c.args.a[2]);
  sizes.add(c.args.a.length);
});
uprobe("gopher:main.texts", (c) => {
  if (str(c.args.a) === str(c.args.c[1])) width.add(c.args.b[0]);
});
uprobe("libc:malloc", (c) => sizes.add(c.args.size));
uprobe("unknown:function", (c) => sizes.add(c.args.anything));
tracepoint("sched:sched_switch", (c) => {
  if (c.args.prev_comm === "bash") sizes.add(c.args.next_pid);
});
uprobe("app:plain", (c) => {
  sizes.add(c.task.tgid);
  sizes.add(c.task.mm?.total_vm);
  n.add();
  return str(c.task.comm, 16) === "server" && c.task.se.on_rq === 1;
});
export type Size = pool["size"];
export const open: keyof Tracepoints = "syscalls:sys_enter_openat";
export const unused = u32;
`;

/** What is wrong, the line, and a part of what the compilers say. */
const mistakes: readonly (readonly [what: string, line: string, says: RegExp])[] = [
  ["a parameter's name", 'uprobe("app:by_pointer", (c) => sizes.add(c.args.reqest.uri.length));', /reqest/],
  ["a field of an embedded structure", 'uprobe("app:by_pointer", (c) => sizes.add(c.args.request.uri.size));', /size/],
  ["a field behind a pointer", 'uprobe("app:by_pointer", (c) => sizes.add(c.args.request.pool?.length));', /length/],
  ["a pointer that was read, not tested", 'uprobe("app:by_pointer", (c) => sizes.add(c.args.request.pool.size));', /undefined/],
  ["arithmetic on what was read", 'uprobe("app:by_pointer", (c) => sizes.add(c.args.request.number + 1));', /undefined/],
  ["an enumerator", 'uprobe("app:with_flags", (c) => c.args.method === "DELETE" && n.add());', /no overlap/],
  ["an enumerator of a bit-field", 'uprobe("app:by_pointer", (c) => c.args.request.flags.method === "Post" && n.add());', /no overlap/],
  ["an enumeration taken for a number", 'uprobe("app:with_flags", (c) => sizes.add(c.args.method));', /not assignable/],
  ["a float computed with", 'uprobe("app:mixed", (c) => sizes.add(c.args.c * 2));', /left-hand side/],
  ["a structure taken for a number", 'uprobe("app:uri_length", (c) => sizes.add(c.args.uri));', /not assignable/],
  ["what can't be represented", 'uprobe("app:mixed", (c) => sizes.add(c.args.e));', /unknown/],
  ["the result of a function that has none", 'uretprobe("libc:free", (c) => sizes.add(c.ret));', /void/],
  ["an argument at the return", 'uretprobe("app:by_pointer", (c) => sizes.add(c.args.request));', /args/],
  ["a parameter that only one of two targets has", 'uprobe(["app:plain", "app:ignored"], (c) => sizes.add(c.args.never));', /never/],
  ["a field of a C++ class", 'uprobe("shop:shop::Cart::add", (c) => sizes.add(c.args.point.z));', /'z'/],
  ["an element of a slice, not tested", 'uprobe("rusty:typed::slices", (c) => sizes.add(c.args.a[2] + 1));', /undefined/],
  ["a string taken for a number", 'uprobe("gopher:main.texts", (c) => sizes.add(c.args.a));', /not assignable/],
  ["a shipped prototype's parameter", 'uprobe("libc:malloc", (c) => sizes.add(c.args.length));', /length/],
  ["a tracepoint's field", 'tracepoint("sched:sched_switch", (c) => sizes.add(c.args.prev_id));', /prev_id/],
  ["a tracepoint's text taken for a number", 'tracepoint("sched:sched_switch", (c) => sizes.add(c.args.prev_comm));', /not assignable/],
  ["a field of the kernel's structure", 'uprobe("app:plain", (c) => sizes.add(c.task.pidd));', /pidd/],
  ["a pointer of the kernel's structure, not tested", 'uprobe("app:plain", (c) => sizes.add(c.task.mm.total_vm));', /undefined/],
];

const wrong = `
import "sonde/types/libc";
import { count, hist, tracepoint, uprobe, uretprobe } from "sonde";
const sizes = hist(), n = count();
${mistakes.map(([, line]) => line).join("\n")}
`;

const project = new Project({ ...declarations, "right.ts": right, "wrong.ts": wrong });
afterAll(() => project.remove());

describe.each(Object.keys(compilers))("%s", (compiler) => {
  const found = project.check(compiler);

  test("accepts the declarations of C, C++, Rust and Go programs and of the kernel, and a script that is right", () => {
    expect(found.filter(({ file }) => file !== "wrong.ts")).toEqual([]);
  });

  test.each(mistakes)("finds %s", (_, line, says) => {
    const at = wrong.split("\n").indexOf(line) + 1;
    const here = found.filter(({ file, line: one }) => file === "wrong.ts" && one === at);
    expect(here.map(({ message }) => message).join("\n")).toMatch(says);
  });

  test("finds nothing else", () => {
    const lines = new Set(found.filter(({ file }) => file === "wrong.ts").map(({ line }) => wrong.split("\n")[line - 1]));
    expect([...lines].sort()).toEqual(mistakes.map(([, line]) => line).sort());
  });
});
