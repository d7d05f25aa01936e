/** The bell stops for its tracer when a descriptor can be read, and doesn't outlive it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bell } from "../../src/engines/breakpoint/tracer/bell.ts";
import { syscall } from "../../src/sys/ffi/native.ts";
import { nr } from "../../src/sys/numbers.ts";
import { Child, cont, Wait, wait } from "../../src/sys/ptrace.ts";
import { spawnProgram } from "../../src/sys/spawn.ts";
import { built } from "./support/built.ts";

const SIGTRAP = 5;
const O_CLOEXEC = 0o2000000;
const found = { tid: 0, code: 0, status: 0 };
const byte = new Uint8Array(128);

/** The end to read and the one to write. */
function pipe(): readonly [number, number] {
  const ends = new Int32Array(32);
  expect(syscall(nr.pipe2, new Uint8Array(ends.buffer), O_CLOEXEC)).toBe(0);
  return [ends[0] as number, ends[1] as number];
}
const next = (bell: Bell, options = 0): number => wait(bell.pid, Wait.stopped | Wait.exited | Wait.all | options, found);

async function until(what: () => boolean): Promise<boolean> {
  for (let i = 0; i < 500; i++) {
    if (what()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
/** Not even a zombie. */
const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));

describe("the bell", () => {
  test("stops when one of its descriptors can be read, and again as long as it can", () => {
    const [first, second] = [pipe(), pipe()];
    const bell = Bell.start([first[0], second[0]]);
    for (const [to, from] of [
      [second[1], second[0]],
      [first[1], first[0]],
    ] as const) {
      syscall(nr.write, to, byte, 2);
      for (let left = 2; left > 0; left--) {
        next(bell);
        expect([found.tid, found.code, found.status]).toEqual([bell.pid, Child.trapped, SIGTRAP]);
        syscall(nr.read, from, byte, 1);
        cont(bell.pid);
      }
      next(bell, Wait.noHang);
      expect(found.tid).toBe(0);
    }
    bell.close();
    for (const fd of [...first, ...second]) syscall(nr.close, fd);
  });

  test("stops when the other end is gone", () => {
    const [from, to] = pipe();
    const bell = Bell.start([from]);
    next(bell, Wait.noHang);
    expect(found.tid).toBe(0);
    syscall(nr.close, to);
    next(bell);
    expect(found.tid).toBe(bell.pid);
    bell.close();
    syscall(nr.close, from);
  });

  test("rings for what was there before it was started", () => {
    const [from, to] = pipe();
    syscall(nr.write, to, byte, 1);
    const bell = Bell.start([from]);
    for (let i = 0; i < 30; i++) {
      next(bell);
      expect([found.code, found.status]).toEqual([Child.trapped, SIGTRAP]);
      bell.restart([from]);
    }
    bell.close();
    for (const fd of [from, to]) syscall(nr.close, fd);
  });

  test("is heard in less than a millisecond", () => {
    const [from, to] = pipe();
    const bell = Bell.start([from]);
    const took: number[] = [];
    for (let i = 0; i < 101; i++) {
      const start = process.hrtime.bigint();
      syscall(nr.write, to, byte, 1);
      next(bell);
      took.push(Number(process.hrtime.bigint() - start) / 1000);
      syscall(nr.read, from, byte, 1);
      cont(bell.pid);
    }
    bell.close();
    for (const fd of [from, to]) syscall(nr.close, fd);
    expect(took.toSorted((a, b) => a - b)[50]).toBeLessThan(1000);
  });

  test("watches other descriptors after a restart, and leaves no process behind", () => {
    const [first, second] = [pipe(), pipe()];
    const bell = Bell.start([first[0]]);
    const before = bell.pid;
    bell.restart([second[0]]);
    expect([isGone(before), bell.pid === before]).toEqual([true, false]);
    syscall(nr.write, first[1], byte, 1);
    syscall(nr.write, second[1], byte, 1);
    next(bell);
    expect(found.tid).toBe(bell.pid);
    const last = bell.pid;
    bell.close();
    expect(existsSync(`/proc/${last}`)).toBe(false);
    for (const fd of [...first, ...second]) syscall(nr.close, fd);
  });

  test("can be started again after somebody has killed it", () => {
    const [from, to] = pipe();
    const bell = Bell.start([from]);
    process.kill(bell.pid, "SIGKILL");
    next(bell);
    expect(found.code).toBe(Child.killed);
    bell.revive();
    syscall(nr.write, to, byte, 1);
    next(bell);
    expect([found.code, found.status]).toEqual([Child.trapped, SIGTRAP]);
    bell.close();
    for (const fd of [from, to]) syscall(nr.close, fd);
  });

  test("goes at once if its parent isn't who started it", () => {
    const [from, to] = pipe();
    const bell = Bell.start([from]);
    const program = readFileSync(`/proc/${bell.pid}/maps`, "latin1").match(/\S+\/bell-\w+/)?.[0] as string;
    bell.close();
    const orphan = spawnProgram(program, ["sonde-bell", "1"]);
    wait(orphan, Wait.exited | Wait.all, found);
    expect([found.code, found.status & 0x7f]).toEqual([found.code === Child.dumped ? Child.dumped : Child.killed, SIGTRAP]);
    for (const fd of [from, to]) syscall(nr.close, fd);
  });
});

describe("a process with a bell", () => {
  let ringer: Awaited<ReturnType<typeof built>>;
  beforeAll(async () => {
    ringer = await built("ringer.ts");
  });
  afterAll(() => ringer.remove());

  test.each([0, 1])("killed with -9 takes the bell along (with %i bytes to be read)", async (bytes) => {
    const child = spawn(process.execPath, [ringer.path, "3"], { stdio: ["ignore", "pipe", "inherit", "pipe"] });
    const lines = createInterface({ input: child.stdout as Readable })[Symbol.asyncIterator]();
    const bell = Number((await lines.next()).value);
    const socket = child.stdio[3] as Writable;
    socket.on("error", () => {});
    socket.write("hello\n");
    expect((await lines.next()).value).toBe("hello");
    child.kill("SIGSTOP");
    if (bytes > 0) socket.write("x");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await until(() => isGone(bell))).toBe(true);
  });
});
