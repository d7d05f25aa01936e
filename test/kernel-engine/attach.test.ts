/** Every way to attach: exact counts, cookies, returns, order, all or nothing. Each way that this kernel has is tried. */
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { add, lsh, mov } from "../../src/bpf/alu64.ts";
import { callHelper, callKfunc } from "../../src/bpf/call.ts";
import { exit, jne } from "../../src/bpf/jump.ts";
import { loadMapValue } from "../../src/bpf/load-imm.ts";
import { ldx, stx } from "../../src/bpf/memory.ts";
import { r0, r1, r2, r6 } from "../../src/bpf/register.ts";
import type { Armed } from "../../src/engines/engine.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { Running, sites } from "./support/fixture.ts";
import { count, counting, probeAt, program, SHARED_REGION, session, total } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const everyone = { pids: [], children: false, cgroup: undefined };
const path = targetPath();
let armed: Armed | undefined;
let running: Running | undefined;
afterEach(async () => {
  delete process.env.SONDE_ATTACH;
  armed?.close();
  await running?.end();
  armed = running = undefined;
});

const definitions = (): number =>
  readFileSync("/sys/kernel/tracing/uprobe_events", "latin1")
    .split("\n")
    .filter((line) => line.includes(`sonde_${process.pid}_`)).length;

/** Shifts the shared region's word 1 left by 8 and adds `mark`: the order in which handlers ran can be read off. */
const marking = (mark: number) => [loadMapValue(r1, SHARED_REGION, 8), ldx(8, r2, r1, 0), lsh(r2, 8), add(r2, mark), stx(8, r1, 0, r2), mov(r0, 0), exit()];

describe.each(["multi", "tracefs", "perf"])("attached by %s", (method) => {
  test("each call is counted once, in every process and its children", async () => {
    process.env.SONDE_ATTACH = method;
    armed = await new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt(sites(path, ["hit"]))], everyone);
    running = new Running(path);
    await running.ask("hit 10");
    await running.ask("fork 100");
    await running.ask("threads 8 50");
    expect(total(armed, 0)).toBe(510);
  });

  test("a site's cookie reaches the program", async () => {
    process.env.SONDE_ATTACH = method;
    // Counts in the word that the cookie names.
    const byCookie = [
      mov(r6, r1),
      callHelper("get_attach_cookie"),
      lsh(r0, 3),
      loadMapValue(r1, SHARED_REGION, 8),
      mov(r2, 1),
      jne(r0, 7 * 8, 7),
      stx(8, r1, 0, r2),
      mov(r0, 0),
      exit(),
    ];
    armed = await new KernelEngine().arm(session([program("cookies", byCookie)]), [probeAt(sites(path, ["hit"]), { cookies: [7] })], everyone);
    running = new Running(path);
    await running.ask("hit 1");
    expect(new BigUint64Array(armed.sharedRegion)[1]).toBe(1n);
  });

  test("a return is seen once for each call", async () => {
    process.env.SONDE_ATTACH = method;
    const image = session([program("enter", counting(0)), program("leave", counting(1), { runs: "return" })]);
    armed = await new KernelEngine().arm(image, [probeAt(sites(path, ["hit"]), { programs: [0, 1] })], everyone);
    running = new Running(path);
    await running.ask("hit 25");
    expect([total(armed, 0), total(armed, 1)]).toEqual([25, 25]);
  });

  test("handlers of one site run in the order of the script, and taking one out leaves the others", async () => {
    process.env.SONDE_ATTACH = method;
    const probes = [1, 2, 3].map((mark, i) => ({
      image: program(`mark${mark}`, marking(mark), { probe: i }),
      probe: probeAt(sites(path, ["hit"]), { probe: i, programs: [i] }),
    }));
    armed = await new KernelEngine().arm(
      session(probes.map((p) => p.image)),
      probes.map((p) => p.probe),
      everyone,
    );
    running = new Running(path);
    await running.ask("hit 1");
    const words = new BigUint64Array(armed.sharedRegion);
    expect(words[1]).toBe(0x010203n);
    armed.detach(1);
    words[1] = 0n;
    await running.ask("hit 1");
    expect(words[1]).toBe(0x0103n);
  });

  test("one process only: others don't count", async () => {
    process.env.SONDE_ATTACH = method;
    running = new Running(path);
    const bystander = new Running(path);
    try {
      armed = await new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt(sites(path, ["hit"]))], { ...everyone, pids: [running.pid] });
      await bystander.ask("hit 1000");
      await running.ask("hit 10");
      await running.ask("threads 4 5");
      expect(total(armed, 0)).toBe(30);
    } finally {
      await bystander.end();
    }
  });

  test("one bad site among good ones: none is armed, and the error names it", async () => {
    process.env.SONDE_ATTACH = method;
    const [hit, other] = sites(path, ["hit", "other"]);
    const bad = { ...hit!, name: "beyond", offset: 1 << 30 };
    running = new Running(path);
    const arming = new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt([hit!, bad, other!])], everyone);
    await expect(arming).rejects.toMatchObject({ code: "SONDE_SYS_EINVAL", where: expect.stringContaining("beyond") });
    expect(definitions()).toBe(0);
  });

  test("nothing is left defined after the end", async () => {
    process.env.SONDE_ATTACH = method;
    armed = await new KernelEngine().arm(session([program("hits", counting(0))]), [probeAt(sites(path, ["hit", "other"]))], everyone);
    expect(definitions()).toBe(method === "tracefs" ? 2 : 0);
    armed.close();
    expect(definitions()).toBe(0);
  });
});

describe("attached by session", () => {
  test("one program runs at entry and return, and its cookie goes from one to the other", async () => {
    const engine = new KernelEngine();
    const target = engine.target({ filter: everyone, sites: 1, calls: true });
    expect(target.sessions).toBe(true);
    // Entry: word 0 counts, the cookie becomes the first argument + 1. Return: the shared word adds the cookie up.
    const entry = count(0).length;
    const both = (returns: number) => [
      mov(r6, r1),
      callKfunc("bpf_session_is_return"),
      jne(r0, 0, returns),
      ...count(0),
      callKfunc("bpf_session_cookie"),
      ldx(8, r1, r6, 112),
      add(r1, 1),
      stx(8, r0, 0, r1),
      mov(r0, 0),
      exit(),
      callKfunc("bpf_session_cookie"),
      ldx(8, r2, r0, 0),
      loadMapValue(r1, SHARED_REGION, 8),
      ldx(8, r0, r1, 0),
      add(r0, r2),
      stx(8, r1, 0, r0),
      mov(r0, 0),
      exit(),
    ];
    armed = await engine.arm(session([program("both", both(entry + 9), { runs: "session" })]), [probeAt(sites(path, ["hit"]))], everyone);
    expect(armed.method).toBe("uprobe_multi session");
    running = new Running(path);
    await running.ask("hit 10");
    expect(total(armed, 0)).toBe(10);
    expect(new BigUint64Array(armed.sharedRegion)[1]).toBe(55n);
  });
});
