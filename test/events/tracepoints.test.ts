/** Tracepoints and the kernel's structures: exact counts, fields of records, filters, what is refused. */
import { afterAll, expect, test } from "vitest";
import { Program, until } from "../conformance/support/session.ts";
import { kernelWork } from "../fixtures/build.ts";
import { linesOf, Scripts } from "../fixtures/scripts.ts";

const scripts = new Scripts();
afterAll(() => scripts.remove());
const open = (body: string, options: Parameters<Scripts["open"]>[2] = {}) =>
  scripts.open("comm, count, func, hash, hex, print, read, str, tracepoint, u32, u64, uprobe", body, { engine: "kernel", ...options });

test("each hit of a process counts, and of no other", async () => {
  await using program = new Program(kernelWork());
  const [running, other] = [await program.start(), await program.start()];
  await using session = await open('export const n = count(); tracepoint("syscalls:sys_enter_getppid", () => n.add());', { pid: running.pid });
  await running.ask("ids 1000");
  await other.ask("ids 500");
  expect(session.maps.n?.read()).toBe(1000n);
  expect((await session.close()).hits).toBe(1000n);
});

test("without a filter every process counts", async () => {
  await using program = new Program(kernelWork());
  const [running, other] = [await program.start(), await program.start()];
  await using session = await open('export const n = hash(u32, count()); tracepoint("syscalls:sys_enter_getppid", (c) => n.at(c.pid).add());');
  await running.ask("ids 30");
  await other.ask("ids 20");
  expect([running, other].map(({ pid }) => session.maps.n?.read(pid))).toEqual([30n, 20n]);
});

test.each([true, false])("children of a process count where they are followed (%s)", async (children) => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const n = count(); export const entries = count(); tracepoint("syscalls:sys_enter_getppid", () => n.add());
    uprobe("${program.path}:ask", () => entries.add());`;
  await using session = await open(body, { pid: running.pid, children });
  await running.ask("child 40");
  await running.ask("ids 2");
  expect(session.maps.n?.read()).toBe(children ? 42n : 2n);
  // What a program does, and what the kernel does for it, by one script.
  expect(session.maps.entries?.read()).toBe(children ? 2n : 1n);
});

test("a wildcard matches several, and `c.func` says which; two that are shared have the fields that both have", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `export const n = hash(func, count());
    tracepoint("syscalls:sys_*_getppid", (c) => n.at(c.func).add());
    tracepoint(["syscalls:sys_enter_openat", "syscalls:sys_enter_close"], (c) => print\`\${c.func} \${c.args.__syscall_nr}\`);`;
  const session = await open(body, { pid: running.pid });
  await running.ask("ids 7");
  await running.ask("open /etc/hostname");
  expect(session.maps.n?.entries().sort()).toEqual([
    ["syscalls:sys_enter_getppid", 7n],
    ["syscalls:sys_exit_getppid", 7n],
  ]);
  await session.close();
  const lines = await linesOf(session);
  expect(lines).toEqual(["syscalls:sys_enter_openat 257", "syscalls:sys_enter_close 3"]);
});

test("integers, pointers to text of the program, texts in the record and behind it", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const body = `
    tracepoint("syscalls:sys_enter_openat", (c) => print\`\${str(c.args.filename)} \${hex(c.args.flags)} \${c.args.dfd}\`);
    tracepoint("syscalls:sys_exit_openat", (c) => print\`\${c.args.ret}\`);
    tracepoint("task:task_newtask", (c) => print\`new \${c.args.comm} \${c.args.pid > 0}\`);
    tracepoint("sched:sched_process_fork", (c) => print\`\${c.args.parent_comm} \${c.args.parent_pid === c.pid} \${c.args.child_comm}\`);
    tracepoint("raw_syscalls:sys_enter", (c) => { if (c.args.id === 110) print\`raw \${c.args.id} \${c.args.args.length}\`; });`;
  const session = await open(body, { pid: running.pid });
  await running.ask("open /nowhere/at/all");
  await running.ask("ids 1");
  await running.ask("child 0");
  await session.close();
  const lines = await linesOf(session);
  expect(lines).toEqual(["/nowhere/at/all 0x80000 -100", "-2", "raw 110 6", "new kernel-work true", "kernel-work true kernel-work"]);
});

test("`c.task` leads to the kernel's structures, in tracepoints and in probed functions", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const task =
    "${c.task.tgid === c.pid} ${str(c.task.comm)} ${c.task.real_parent?.tgid} ${c.task.mm?.total_vm > 0} ${c.task.real_parent?.real_parent?.comm.length}";
  const body = `
    tracepoint("syscalls:sys_enter_getppid", (c) => print\`tracepoint ${task}\`);
    uprobe("${program.path}:ask", (c) => print\`uprobe \${c.arg0} ${task}\`);`;
  const session = await open(body, { pid: running.pid });
  await running.ask("ids 1");
  await session.close();
  const lines = await linesOf(session);
  const same = `true kernel-work ${process.pid} true 16`;
  expect(lines).toEqual([`uprobe 1 ${same}`, `tracepoint ${same}`]);
});

test("the string of the program that is executed stands behind its record", async () => {
  const session = await open('tracepoint("sched:sched_process_exec", (c) => print`${c.args.filename} ${c.args.pid === c.tid}`);', {
    command: ["/bin/true"],
    stdio: "ignore",
  });
  const lines = await linesOf(session);
  expect(lines).toEqual(["/bin/true true"]);
});

test.each([
  ['tracepoint("sched:sched_swich", () => {});', { code: "SONDE_TRACEPOINT_NOT_FOUND", mend: expect.stringContaining("sched:sched_switch") }],
  ['tracepoint("sched_switch", () => {});', { code: "SONDE_TARGET", mend: expect.stringContaining("sched:sched_switch") }],
  ['tracepoint("../../x:y", () => {});', { code: "SONDE_TRACEPOINT_NOT_FOUND" }],
  ['tracepoint("sched:sched_switch", (c) => c.args.nxt_pid > 0);', { message: expect.stringContaining("nxt_pid"), mend: expect.stringContaining("next_pid") }],
  ['tracepoint("sched:sched_switch", (c: any) => c.arg0 > 0);', { message: expect.stringContaining("arg0") }],
  ['tracepoint("sched:sched_switch", (c: any) => c.regs.rip > 0);', { message: expect.stringContaining("regs") }],
  ['tracepoint("sched:sched_switch", { enter: () => {}, leave: () => {} } as never);', { message: expect.stringContaining("tracepoint") }],
])("%s is refused", async (body, error) => {
  await expect(open(body)).rejects.toMatchObject(error);
});

test("the engine breakpoint has none, and says which has", async () => {
  const body = 'tracepoint("sched:sched_switch", () => {});';
  await expect(open(body, { engine: "breakpoint" })).rejects.toMatchObject({
    message: expect.stringContaining("this engine"),
    mend: expect.stringContaining("kernel"),
  });
  const task = 'uprobe("libc:getpid", (c) => print`${c.task.tgid}`);';
  await expect(open(task, { engine: "breakpoint" })).rejects.toMatchObject({ message: expect.stringContaining("c.task") });
});

test("nothing stays behind when it is closed", async () => {
  await using program = new Program(kernelWork());
  const running = await program.start();
  const session = await open('export const n = count(); tracepoint("syscalls:sys_enter_getppid", () => n.add());', { pid: running.pid });
  await running.ask("ids 5");
  await until(() => session.maps.n?.read() === 5n, "the hits");
  await session.close();
  await running.ask("ids 5");
  expect(session.maps.n?.read()).toBe(5n);
});
