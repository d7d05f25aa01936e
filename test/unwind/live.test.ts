/** Stacks of a running process, read where it was stopped, against what gdb sees when it attaches there; and of one that is gone. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { frameText } from "../../src/schema/stack.ts";
import { FrameNames, frameOf } from "../../src/symbols/unwind/frames-text.ts";
import { copiedMemory, type MemoryPiece, pagedMemory } from "../../src/symbols/unwind/memory.ts";
import { ModuleFiles, ProcessModules } from "../../src/symbols/unwind/modules.ts";
import { registersOf } from "../../src/symbols/unwind/registers.ts";
import { unwind } from "../../src/symbols/unwind/unwind.ts";
import { ProcessMemory } from "../../src/sys/process-memory.ts";
import { readMappings } from "../../src/sys/procfs.ts";
import { detach, getRegs, interrupt, newRegs, seize, Wait, type WaitStatus, wait } from "../../src/sys/ptrace.ts";
import { privateCopy, unwindProgram } from "../fixtures/build.ts";
import { Running, start } from "../fixtures/process.ts";

/** The registers of a thread, which is stopped for that. */
function registersAt(tid: number): BigUint64Array {
  const found: WaitStatus = { tid: 0, code: 0, status: 0 };
  expect(seize(tid, 0)).toBe(0);
  expect(interrupt(tid)).toBe(0);
  expect(wait(tid, Wait.stopped | Wait.all, found)).toBe(0);
  const regs = newRegs();
  expect(getRegs(tid, regs)).toBe(0);
  detach(tid);
  return registersOf(regs);
}

async function stop(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) await pause(5);
}

function gdbFrames(pid: number): number[] {
  const folder = mkdtempSync(join(tmpdir(), "sonde-stacks-"));
  try {
    const script = join(folder, "frames.py");
    writeFileSync(
      script,
      `frame = gdb.newest_frame()
while frame is not None:
    if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME): print("PC %d" % frame.pc())
    frame = frame.older()
`,
    );
    const settings = ["-iex", "set auto-load off", "-iex", "set debuginfod enabled off", "-ex", "set backtrace past-main on"];
    const text = execFileSync("gdb", ["-batch", "-nx", "-p", String(pid), ...settings, "-ex", "set backtrace past-entry on", "-x", script, "-ex", "detach"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 60_000,
    });
    return [...text.matchAll(/^PC (\d+)$/gm)].map((match) => Number(match[1]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("a stopped process's stack is what gdb sees of it", { timeout: 120_000 }, async () => {
  await using running = await start(unwindProgram());
  const { pid } = running;
  using files = new ModuleFiles();
  const memory = new ProcessMemory(pid);
  try {
    for (let round = 0; round < 6; round++) {
      await pause(20 + round);
      await stop(pid);
      const modules = ProcessModules.record(pid, files);
      const { frames, end } = unwind(registersAt(pid), {
        memory: pagedMemory((address, into) => memory.read(address, into)),
        codeAt: (address) => modules.at(address),
      });
      expect(frames.map(({ pc }) => pc)).toEqual(gdbFrames(pid));
      expect(end).toEqual({ k: "complete" });
      process.kill(pid, "SIGCONT");
    }
  } finally {
    memory.close();
  }
});

test("a stack of a process that is gone is unwound and named from what was recorded, though its program is deleted", { timeout: 60_000 }, async () => {
  const copy = privateCopy(unwindProgram());
  using files = new ModuleFiles();
  let registers: BigUint64Array;
  let modules: ProcessModules;
  const pieces: MemoryPiece[] = [];
  {
    await using running = await start(copy.path);
    const { pid } = running;
    await pause(30);
    await stop(pid);
    modules = ProcessModules.record(pid, files);
    registers = registersAt(pid);
    const memory = new ProcessMemory(pid);
    for (const { start: low, end, path, permissions } of readMappings(pid)) {
      if (path !== "[stack]" && !(permissions === "rw-p" && path === copy.path)) continue;
      const bytes = memory.bytes(low, end - low);
      if (bytes !== undefined) pieces.push({ address: low, bytes: bytes.slice() });
    }
    const other = readMappings(pid).find(({ start: low, end }) => Number(registers[7]) >= low && Number(registers[7]) < end)!;
    const bytes = memory.bytes(other.start, other.end - other.start);
    if (bytes !== undefined) pieces.push({ address: other.start, bytes: bytes.slice() });
    memory.close();
  }
  copy.remove();
  expect(existsSync(copy.path)).toBe(false);
  expect(modules.update()).toBe(false);
  const { frames, end } = unwind(registers, { memory: copiedMemory(pieces), codeAt: (address) => modules.at(address) });
  expect(end).toEqual({ k: "complete" });
  const names = new FrameNames();
  const text = frames.flatMap(({ pc, called }) => names.of(modules, pc, called).map((one) => frameText(frameOf(BigInt(pc), one))));
  expect(text).toContainEqual(expect.stringMatching(/^round_of_all\+0x[0-9a-f]+ \(unwind\.c:\d+\) \[unwind\]$/));
  expect(text).toContainEqual(expect.stringMatching(/^main\+0x[0-9a-f]+ \(unwind\.c:\d+\) \[unwind\]$/));
  expect(modules.mapped.find(({ module }) => module.display === copy.path)?.module.buildId).toMatch(/^[0-9a-f]{40}$/);
});

test("code that was compiled while the program runs is unwound by its frame pointers, and named by its perf map", { timeout: 60_000 }, async () => {
  const source = "function hot(n){let s=0;for(let i=0;i<1e5;i++)s=(s*31+i*n)|0;return s}function outer(n){return hot(n)+1}console.log('ready');for(;;)outer(3)";
  const folder = mkdtempSync(join(tmpdir(), "sonde-stacks-"));
  const script = join(folder, "spin.cjs");
  writeFileSync(script, source);
  await using running = new Running(process.execPath, ["--perf-basic-prof", "--no-turbo-inlining", script], { cwd: folder });
  using files = new ModuleFiles();
  const { pid } = running;
  const memory = new ProcessMemory(pid);
  try {
    await running.line();
    await pause(400);
    const names = new FrameNames();
    let whole = 0;
    for (let round = 0; round < 20; round++) {
      await pause(5);
      await stop(pid);
      const modules = ProcessModules.record(pid, files);
      const { frames, end } = unwind(registersAt(pid), {
        memory: pagedMemory((address, into) => memory.read(address, into)),
        codeAt: (address) => modules.at(address),
      });
      process.kill(pid, "SIGCONT");
      const text = frames.flatMap(({ pc, called }) => names.of(modules, pc, called).map((one) => frameText(frameOf(BigInt(pc), one)))).join("\n");
      // The caller is interpreted: only the interpreter itself is seen of it.
      if (/hot .*\n(.*\n)*.*InterpreterEntry.*\n(.*\n)*.*JSEntry.*\n(.*\n)*node::Start.*\n(.*\n)*_start/.test(text) && end.k === "complete") whole++;
    }
    expect(whole).toBeGreaterThanOrEqual(18);
  } finally {
    memory.close();
    rmSync(folder, { recursive: true, force: true });
    rmSync(`/tmp/perf-${pid}.map`, { force: true });
  }
});
