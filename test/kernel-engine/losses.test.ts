/** What is lost is counted: returns beyond the kernel's depth; and what ends badly leaves nothing behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { mov } from "../../src/bpf/alu64.ts";
import { callKfunc } from "../../src/bpf/call.ts";
import { exit, jne } from "../../src/bpf/jump.ts";
import { r0, r1, r6 } from "../../src/bpf/register.ts";
import type { Armed } from "../../src/engines/engine.ts";
import { sweepDefinitions } from "../../src/engines/kernel/attach/definitions.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { defineUprobe } from "../../src/sys/tracefs.ts";
import { compile, Running, sites } from "./support/fixture.ts";
import { count, counting, probeAt, program, session, total } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const path = targetPath();
const everyone = { pids: [], children: false, cgroup: undefined };
let armed: Armed | undefined;
let running: Running | undefined;
afterEach(async () => {
  delete process.env.SONDE_ATTACH;
  armed?.close();
  await running?.end();
});

const both = (returns: number) => [
  mov(r6, r1),
  callKfunc("bpf_session_is_return"),
  jne(r0, 0, returns),
  ...count(0),
  mov(r0, 0),
  exit(),
  ...count(1),
  mov(r0, 0),
  exit(),
];

describe.each(["session", "multi", "tracefs", "perf"])("100 nested calls, attached by %s", (method) => {
  test("give 64 returns, and 36 are counted as beyond the kernel's depth", async () => {
    process.env.SONDE_ATTACH = method;
    const programs =
      method === "session"
        ? [program("both", both(3 + count(0).length + 2), { runs: "session" })]
        : [program("enter", counting(0)), program("leave", counting(1), { runs: "return" })];
    const engine = new KernelEngine();
    engine.target({ filter: everyone, sites: 1, calls: true });
    armed = await engine.arm(session(programs), [probeAt(sites(path, ["nest"]), { programs: programs.map((_, i) => i) })], everyone);
    running = new Running(path);
    await running.ask("nest 100");
    expect([total(armed, 0), total(armed, 1)]).toEqual([100, 64]);
    expect(armed.losses()).toEqual({ skipped: 0n, depth: 36n });
  });
});

test("a return without an entry handler counts what is beyond the depth too", async () => {
  armed = await new KernelEngine().arm(session([program("leave", counting(1), { runs: "return" })]), [probeAt(sites(path, ["nest"]))], everyone);
  running = new Running(path);
  await running.ask("nest 70");
  expect(total(armed, 1)).toBe(64);
  expect(armed.losses().depth).toBe(6n);
});

test("the definitions of a process that was killed are swept, those of a living one stay", () => {
  const stat = (pid: number): string => {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19]!;
  };
  const folder = "/sys/kernel/tracing";
  const [site] = sites(path, ["hit"]);
  const dead: ChildProcess = spawn("true");
  const gone = `sonde_${dead.pid}_1`;
  const alive = `sonde_${process.pid}_${stat(process.pid)}`;
  for (const group of [gone, alive]) expect(defineUprobe(folder, `p:${group}/kept ${path}:0x${site!.offset.toString(16)}`)).toBe(0);
  try {
    sweepDefinitions();
    const left = readFileSync(`${folder}/uprobe_events`, "latin1");
    expect(left).not.toContain(gone);
    expect(left).toContain(alive);
  } finally {
    defineUprobe(folder, `-:${alive}/kept`);
  }
});

describe("a process under a seccomp filter", () => {
  test("lives on when its returns are probed, on a kernel that keeps them from filters", async () => {
    const filtered = compile(
      "filtered",
      `
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((noinline)) long hit(long n) { __asm__ volatile("" ::: "memory"); return n + 1; }
int main(void) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 330, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog prog = { 4, code };
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) return 9;
  puts("filtered"); fflush(stdout);
  char line[100];
  while (fgets(line, sizeof line, stdin)) { for (long n = atol(line); n > 0; n--) hit(n); puts("done"); fflush(stdout); }
}`,
    );
    running = new Running(filtered);
    expect(await running.line()).toBe("filtered");
    armed = await new KernelEngine().arm(session([program("leave", counting(1), { runs: "return" })]), [probeAt(sites(filtered, ["hit"]))], {
      ...everyone,
      pids: [running.pid],
    });
    expect(await running.ask("50")).toBe("done");
    expect(total(armed, 1)).toBe(50);
  });
});
