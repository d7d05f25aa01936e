/** Probes on made-up hits: what handlers see, what the host sees of them, and what is refused. No rights are needed, and none are used. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as testing from "sonde/testing";
import { afterAll, expect, test } from "vitest";
import * as sources from "../../src/testing.ts";

/** As it is declared to users. */
const simulate = sources.simulate as unknown as typeof testing.simulate;

const folder = mkdtempSync(join(tmpdir(), "sonde-simulate-"));
afterAll(() => rmSync(folder, { recursive: true }));
const lookups = () => simulate<typeof import("./scripts/lookups.probe.ts")>(join(import.meta.dirname, "scripts/lookups.probe.ts"), { params: { slow: 5 } });
const sockets = () => simulate<typeof import("./scripts/sockets.probe.ts")>(join(import.meta.dirname, "scripts/sockets.probe.ts"));

test("a call: what enter gives, leave gets; what can't be read is counted by its line; begin and end have run", async () => {
  const sim = await lookups();
  sim.call("libc:getaddrinfo", { pid: 7, comm: "curl", time: 100n, args: { node: "example.org" } }, { ret: 0, time: 200 });
  sim.call("libc:getaddrinfo", { pid: 7, arg0: sim.unreadable }, { ret: -2 });
  sim.call("libc:getaddrinfo", { pid: 8, arg0: sim.text("example.net") }, { ret: 0 });
  expect(sim.events.lookups).toEqual([
    { pid: 7, host: "example.org", ns: 100n },
    { pid: 8, host: "example.net", ns: 1000n },
  ]);
  expect(sim.maps.latency.read([7, "example.org"])).toMatchObject({ count: 1n, sum: 100n });
  expect(sim.prints).toEqual(["begun", "curl[7] resolving example.org: 100 ns", "curl[8] resolving example.net: 1 µs"]);
  const summary = await sim.finish();
  expect(summary).toMatchObject({ engine: "simulation", hits: 3n, lost: 0n, unreadable: 2n, unmatched: 0n });
  expect(summary.unreadableAt.map(({ line }) => line)).toEqual([15, 17]);
  expect(sim.prints.at(-1)).toBe("ended");
  // What is finished can still be read.
  expect(sim.maps.latency.read([8, "example.net"])?.count).toBe(1n);
});

test("calls inside calls, of one thread and of others, keep what is theirs", async () => {
  const sim = await lookups();
  sim.call("libc:getaddrinfo", { pid: 1, tid: 11, time: 1000, args: { node: "outer" } }, { ret: 0, time: 9000 }, () => {
    sim.call("libc:getaddrinfo", { tid: 11, time: 2000, args: { node: "inner" } }, { ret: 0, time: 3000 });
    sim.call("libc:getaddrinfo", { pid: 2, time: 4000, args: { node: "other" } }, { ret: 0, time: 4500 });
  });
  expect(sim.events.lookups).toEqual([
    { pid: 1, host: "inner", ns: 1000n },
    { pid: 2, host: "other", ns: 500n },
    { pid: 1, host: "outer", ns: 8000n },
  ]);
  await sim.finish();
});

test("a wildcard's functions by their own names, returns, static probes, timers", async () => {
  const sim = await lookups();
  sim.hit("nowhere:send_text", { arg2: 100 });
  sim.hit("nowhere:send_file", { arg2: 4000n });
  sim.hit("nowhere:send_text", { arg2: 11 });
  sim.call("nowhere:receive", { tid: 5 }, { ret: -3 });
  sim.call("nowhere:receive", { tid: 5 }, { ret: 40 });
  sim.usdt("nowhere:python:line", { args: { filename: "shop.py", lineno: 3 } });
  sim.usdt("nowhere:python:line", { args: { filename: "shop.py", lineno: 4 } });
  expect(sim.maps.bytes.entries()).toEqual([
    ["send_text", 111n],
    ["send_file", 4000n],
  ]);
  expect(sim.maps.results.entries()).toEqual([[5, 37n]]);
  expect(sim.maps.lines.entries()).toEqual([["shop.py", 7n]]);
  sim.tick("1s");
  expect(sim.prints.join("\n")).toMatch(/bytes\n.*send_file +4000/s);
  await sim.finish();
});

test("structures behind pointers, in results, floats, arguments on the stack, bytes, registers", async () => {
  const sim = await sockets();
  sim.hit("libc:connect", { args: { fd: 4, addr: { sin_family: 2, sin_port: 80 }, len: 16 } });
  sim.hit("libc:connect", { args: { fd: 5, addr: 0 } });
  sim.hit("libc:nanosleep", { args: { req: { tv_sec: -1, tv_nsec: 5n } } });
  const hit = { arg0: Uint8Array.of(0xde, 0xad, 0xbe, 0xef), farg0: 1.5, regs: { rbx: -7 } };
  sim.hit("nowhere:wide", hit);
  sim.call("libc:getpwnam", { args: { name: "root" } }, { ret: { pw_name: "root", pw_shell: "/bin/bash" } });
  sim.call("libc:getpwnam", { args: { name: "nobody" } }, { ret: 0 });
  expect(sim.events.connects).toEqual([{ fd: 4, family: 2, length: 16 }]);
  expect(sim.events.times).toEqual([{ sec: -1n, nsec: 5n }]);
  expect(sim.events.wide).toEqual([{ seventh: 0n, x: 1.5 }]);
  expect(sim.events.names).toEqual([{ name: "root", shell: "/bin/bash" }]);
  expect(sim.prints).toEqual(["deadbeef -7"]);
  expect((await sim.finish()).unreadable).toBe(2n);
});

test.each<[string, target: string, made: object, error: object]>([
  ["a target of no probe", "libc:getaddrinf", {}, { code: "SONDE_SIMULATE", mend: expect.stringContaining("libc:getaddrinfo") }],
  ["another file's function", "libx:getaddrinfo", {}, { code: "SONDE_SIMULATE" }],
  ["a field that isn't there", "libc:getaddrinfo", { pidd: 1 }, { code: "SONDE_MADE_UP", mend: expect.stringContaining("pid") }],
  ["a result at an entry", "libc:getaddrinfo", { ret: 1 }, { code: "SONDE_MADE_UP" }],
  ["a parameter that isn't there", "libc:getaddrinfo", { args: { nod: "x" } }, { code: "SONDE_MADE_UP", mend: expect.stringContaining("node") }],
  ["a fraction", "libc:getaddrinfo", { arg0: 1.5 }, { code: "SONDE_MADE_UP" }],
  ["a process that can't be", "libc:getaddrinfo", { pid: -1 }, { code: "SONDE_MADE_UP" }],
  ["a CPU too many", "libc:getaddrinfo", { cpu: 64 }, { code: "SONDE_MADE_UP" }],
  ["arguments by name of what isn't known", "nowhere:send_text", { args: { n: 1 } }, { code: "SONDE_MADE_UP", mend: expect.stringContaining("arg0") }],
])("%s is refused", async (_, target, made, error) => {
  const sim = await lookups();
  expect(() => sim.hit(target, made)).toThrow(expect.objectContaining(error));
  await sim.finish();
});

test("a structure's wrong field, a value that doesn't fit", async () => {
  const sim = await sockets();
  const at = (args: object) => () => sim.hit("libc:connect", { args });
  expect(at({ addr: { sin_familiy: 2 } })).toThrow("args.addr.sin_familiy isn't a field of sockaddr_in");
  expect(at({ addr: { sin_family: 70_000 } })).toThrow("doesn't fit into 16 bits");
  expect(at({ fd: "4" })).toThrow("has to be a whole number");
  await sim.finish();
});

test("a script's own faults are thrown where they happen: while it loads, and by a listener at the hit", async () => {
  const file = join(folder, "faulty.probe.ts");
  writeFileSync(
    file,
    `import { events, u32, uprobe } from "sonde"; export const e = events({ n: u32 }); e.on(() => { throw new Error("spilt"); }); uprobe("libc:getpid", (c) => e.emit({ n: c.pid }));`,
  );
  const sim = await simulate(file);
  expect(() => sim.hit("libc:getpid")).toThrow("spilt");
  await expect(sim.finish()).rejects.toThrow("spilt");
  writeFileSync(join(folder, "wrong.probe.ts"), `import { uprobe } from "sonde"; uprobe("libc:getpid", (c) => c.arg0 * 1.5);`);
  await expect(simulate(join(folder, "wrong.probe.ts"))).rejects.toThrow();
  writeFileSync(join(folder, "host.probe.ts"), `import { intercept } from "sonde"; intercept("libc:getpid", { enter: () => {} });`);
  await expect(simulate(join(folder, "host.probe.ts"))).rejects.toMatchObject({ code: "SONDE_SIMULATE" });
  await expect(simulate(join(folder, "host.probe.ts"), { engine: "kernel" } as never)).rejects.toMatchObject({ code: "SONDE_OPTION" });
});

test("many at once don't see one another, as a user without any rights", async () => {
  const sims = await Promise.all(Array.from({ length: 8 }, lookups));
  for (const [i, sim] of sims.entries()) for (let n = 0; n <= i; n++) sim.call("libc:getaddrinfo", { args: { node: `host${i}` } }, { ret: 0 });
  expect(sims.map((sim) => sim.events.lookups?.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await Promise.all(sims.map((sim) => sim.finish()));
  const code = `import { simulate } from ${JSON.stringify(join(import.meta.dirname, "../../dist/testing.mjs"))};
    const sim = await simulate(${JSON.stringify(join(import.meta.dirname, "scripts/lookups.probe.ts"))});
    sim.call("libc:getaddrinfo", { args: { node: "a" } }, { ret: 0 });
    console.log(process.getuid?.(), sim.events.lookups.length, String((await sim.finish()).hits));`;
  const nobody = { uid: 65534, gid: 65534, env: { PATH: process.env.PATH, HOME: "/nonexistent", XDG_CACHE_HOME: join(tmpdir(), "sonde-65534") } };
  const options = process.getuid?.() === 0 ? nobody : {};
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", code], { ...options, encoding: "utf8" });
  expect(said.trim()).toMatch(/^\d+ 1 1$/);
});
