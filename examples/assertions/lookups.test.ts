// A probe's own test, on made-up hits: it needs no rights, no kernel and no program.
import { simulate } from "sonde/testing";
import { expect, test } from "vitest";

const script = new URL("./lookups.probe.ts", import.meta.url);
type Lookups = typeof import("./lookups.probe.ts");

test("a slow lookup is shown, a quick one is only counted", async () => {
  const sim = await simulate<Lookups>(script, { params: { slow: 1_000 } });
  sim.call("libc:getaddrinfo", { pid: 7, comm: "curl", time: 100, args: { node: "example.org" } }, { ret: 0, time: 5_100 });
  sim.call("libc:getaddrinfo", { pid: 7, args: { node: "localhost" }, time: 6_000 }, { ret: 0, time: 6_200 });
  expect(sim.prints).toEqual(["curl[7] resolving example.org: 5 µs"]);
  expect(sim.maps.latency.read([7, "localhost"])?.sum).toBe(200n);
  expect((await sim.finish()).hits).toBe(2n);
});

test("a name that can't be read is left out, and counted by its line", async () => {
  const sim = await simulate<Lookups>(script);
  sim.call("libc:getaddrinfo", { arg0: sim.unreadable }, { ret: -2 });
  expect(sim.maps.latency.entries()).toEqual([]);
  expect((await sim.finish()).unreadable).toBe(1n);
});
