/** Whose hits are counted: processes, their children, cgroups; through forks and execs, by whichever thread. */
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { add, mov, rsh } from "../../src/bpf/alu64.ts";
import { callHelper } from "../../src/bpf/call.ts";
import type { Instruction } from "../../src/bpf/instruction.ts";
import { exit, jeq, jne } from "../../src/bpf/jump.ts";
import { loadImm64, loadMap } from "../../src/bpf/load-imm.ts";
import { stx } from "../../src/bpf/memory.ts";
import { r0, r1, r2, r10 } from "../../src/bpf/register.ts";
import type { HitFilter, MapImage } from "../../src/compiler/image.ts";
import type { Armed, ProcessFilter } from "../../src/engines/engine.ts";
import { cgroupMounts } from "../../src/engines/kernel/cgroup.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { Running, sites } from "./support/fixture.ts";
import { count, probeAt, program, session, total } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const path = targetPath();
let armed: Armed | undefined;
let running: Running[] = [];
afterEach(async () => {
  armed?.close();
  armed = undefined;
  await Promise.all(running.map((one) => one.end()));
  running = [];
});
const start = (): Running => {
  const one = new Running(path);
  running.push(one);
  return one;
};

const PID_SET = 2;
const pidSet: MapImage = { name: "pids", type: "hash", keySize: 4, valueSize: 1, maxEntries: 4096, mmap: false, noPrealloc: false };

/** What the compiler puts in front of a handler for a filter; `end` is the index of the exit sequence. */
function guard(filter: HitFilter, end: number): Instruction[] {
  switch (filter.kind) {
    case "all":
      return [];
    case "pids":
      return [callHelper("get_current_pid_tgid"), rsh(r0, 32), jne(r0, filter.pids[0]!, end)];
    case "set":
      return [
        callHelper("get_current_pid_tgid"),
        rsh(r0, 32),
        stx(8, r10, -8, r0),
        loadMap(r1, PID_SET),
        mov(r2, r10),
        add(r2, -8),
        callHelper("map_lookup_elem"),
        jeq(r0, 0, end),
      ];
    case "cgroup":
      return [mov(r1, filter.level), callHelper("get_current_ancestor_cgroup_id"), loadImm64(r2, filter.id), jne(r0, r2, end)];
  }
}

async function arm(filter: ProcessFilter, names: readonly string[] = ["hit"]): Promise<{ readonly armed: Armed; readonly filter: HitFilter }> {
  const engine = new KernelEngine();
  const target = engine.target({ filter, sites: names.length, calls: false });
  const body = [...count(0), mov(r0, 0), exit()];
  const end = guard(target.filter, 0).length + body.length - 2;
  const image = session([program("hits", [...guard(target.filter, end), ...body])], { extra: [pidSet], pidSet: PID_SET });
  armed = await engine.arm(image, [probeAt(sites(path, names))], filter);
  return { armed, filter: target.filter };
}

describe("a filter by process", () => {
  test("children are not counted without --children", async () => {
    const target = start();
    const { armed } = await arm({ pids: [target.pid], children: false, cgroup: undefined });
    await target.ask("hit 10");
    await target.ask("fork 100");
    expect(total(armed, 0)).toBe(10);
  });

  test("goes on after the process executes another program", async () => {
    const target = start();
    const { armed } = await arm({ pids: [target.pid], children: false, cgroup: undefined });
    await target.ask("hit 3");
    expect(await target.ask("exec 20")).toBe("executed");
    expect(total(armed, 0)).toBe(23);
    expect(armed.notes).toEqual([]);
  });

  test("goes on after a thread that isn't the first executes another program, and says so", async () => {
    const target = start();
    const { armed } = await arm({ pids: [target.pid], children: false, cgroup: undefined });
    await target.ask("hit 3");
    expect(await target.ask("thread-exec 0")).toBe("executed");
    await expect.poll(() => armed.notes.length).toBe(1);
    expect(armed.notes[0]).toContain(`Process ${target.pid} executed a program by a thread`);
    await target.ask("hit 20");
    expect(total(armed, 0)).toBe(23);
  });

  test("a probe taken out stays out when its process executes by another thread", async () => {
    const target = start();
    const { armed } = await arm({ pids: [target.pid], children: false, cgroup: undefined });
    await target.ask("hit 3");
    armed.detach(0);
    expect(await target.ask("thread-exec 10")).toBe("executed");
    await target.ask("hit 10");
    expect(total(armed, 0)).toBe(3);
  });

  test("a process that has ended is refused, and named", async () => {
    const target = start();
    await target.end();
    await expect(arm({ pids: [target.pid], children: false, cgroup: undefined })).rejects.toMatchObject({
      code: expect.stringMatching(/^SONDE_/),
      message: expect.stringContaining(String(target.pid)),
    });
  });
});

describe("with --children", () => {
  const bySite = Array.from({ length: 33 }, () => "hit");

  test.each([
    ["few sites by inherited events", ["hit"], "all"],
    ["many sites by a set of processes", bySite, "set"],
  ] as const)("%s: descendants count, others don't", async (_, names, kind) => {
    const target = start();
    const bystander = start();
    const { armed, filter } = await arm({ pids: [target.pid], children: true, cgroup: undefined }, names.slice(0, kind === "set" ? 33 : 1));
    expect(filter.kind).toBe(kind);
    const per = kind === "set" ? 33 : 1;
    await bystander.ask("hit 1000");
    await target.ask("hit 10");
    await target.ask("fork 100");
    await target.ask("grandchild 1000");
    await target.ask("threads 4 25");
    expect(total(armed, 0)).toBe(1210 * per);
    expect(armed.notes.length).toBe(kind === "set" ? 1 : 0);
  });

  test("descendants that are there already are counted", async () => {
    const target = start();
    const { armed } = await arm({ pids: [process.pid], children: true, cgroup: undefined });
    await target.ask("hit 10");
    await target.ask("exec 5");
    expect(total(armed, 0)).toBe(15);
  });

  test("a descendant that executes by another thread is still counted", async () => {
    const target = start();
    const { armed } = await arm({ pids: [target.pid], children: true, cgroup: undefined });
    expect(await target.ask("thread-exec 10")).toBe("executed");
    await target.ask("fork 7");
    expect(total(armed, 0)).toBe(17);
  });
});

describe("a filter by cgroup", () => {
  test("counts its members and those of cgroups below it", async () => {
    const root = cgroupMounts()[0]!.path;
    const group = `${root}/sonde-test-${process.pid}`;
    mkdirSync(`${group}/below`, { recursive: true });
    try {
      const inside = start();
      const below = start();
      const outside = start();
      writeFileSync(`${group}/cgroup.procs`, String(inside.pid));
      writeFileSync(`${group}/below/cgroup.procs`, String(below.pid));
      const { armed, filter } = await arm({ pids: [], children: false, cgroup: group });
      expect(filter.kind).toBe("cgroup");
      await inside.ask("hit 10");
      await below.ask("hit 100");
      await outside.ask("hit 1000");
      expect(total(armed, 0)).toBe(110);
      for (const one of [inside, below]) await one.end();
    } finally {
      await expect
        .poll(() => {
          try {
            rmdirSync(`${group}/below`);
            rmdirSync(group);
            return true;
          } catch {
            return false;
          }
        })
        .toBe(true);
    }
  });

  test("a folder that is no cgroup is refused", async () => {
    await expect(arm({ pids: [], children: false, cgroup: "/tmp" })).rejects.toMatchObject({ code: "SONDE_KERNEL_CGROUP" });
  });
});
