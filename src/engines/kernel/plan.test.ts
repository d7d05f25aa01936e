/** Which way to attach is taken, and who is let through, by filter and by what the kernel can do. */
import { afterEach, describe, expect, test } from "vitest";
import type { ProcessFilter } from "../engine.ts";
import { cgroupMounts } from "./cgroup.ts";
import type { Features } from "./features.ts";
import { makePlan } from "./plan.ts";

const newest: Features = {
  load: true,
  isa: 4,
  eventLinks: true,
  multi: true,
  session: true,
  processFilter: true,
  sleepable: true,
  writesRegisters: true,
  callersAtPush: true,
  tracefs: true,
  inherit: true,
  perf: true,
};
const everyone: ProcessFilter = { pids: [], children: false, cgroup: undefined };
const me: ProcessFilter = { ...everyone, pids: [process.pid] };
const plan = (filter: ProcessFilter, sites: number, calls: boolean, features: Partial<Features> = {}) =>
  makePlan({ filter, sites, calls }, { ...newest, ...features });

afterEach(() => {
  delete process.env.SONDE_ATTACH;
});

describe("the way to attach", () => {
  test.each([
    ["sessions for calls", true, {}, "session"],
    ["uprobe_multi for entries alone", false, {}, "multi"],
    ["uprobe_multi for calls without sessions", true, { session: false }, "multi"],
    ["tracefs without uprobe_multi", true, { session: false, multi: false }, "tracefs"],
    ["perf without tracefs", true, { session: false, multi: false, tracefs: false }, "perf"],
  ] as const)("is %s", (_, calls, features, method) => {
    expect(plan(everyone, 1, calls, features).method).toBe(method);
  });

  test("can be forced, but not to one that doesn't work", () => {
    process.env.SONDE_ATTACH = "perf";
    expect(plan(everyone, 1, true).method).toBe("perf");
    expect(() => plan(everyone, 1, true, { perf: false })).toThrow(expect.objectContaining({ code: "SONDE_KERNEL_ATTACH" }));
  });

  test("where there is none, is an error that says which kernel has one", () => {
    expect(() => plan(everyone, 1, true, { session: false, multi: false, tracefs: false, perf: false })).toThrow(
      expect.objectContaining({ code: "SONDE_KERNEL_ATTACH", mend: expect.stringContaining("6.6") }),
    );
  });
});

describe("who is let through", () => {
  test("everybody without a filter", () => {
    expect(plan(everyone, 1, false)).toMatchObject({ reach: "all", filter: { kind: "all" }, notes: [] });
  });

  test("one process by a link of its own, so that others pay nothing", () => {
    expect(plan(me, 10_000, false)).toMatchObject({ reach: "process", pids: [process.pid], filter: { kind: "pids", pids: [process.pid] }, notes: [] });
  });

  test("one process by the program alone where the kernel's filter is faulty, and it is said who pays", () => {
    expect(plan(me, 1, false, { processFilter: false })).toMatchObject({
      reach: "all",
      filter: { kind: "pids" },
      notes: [expect.stringContaining("Other processes pay")],
    });
  });

  test("children at few sites by inherited events, at many by a set of processes", () => {
    const family = { ...me, children: true };
    expect(plan(family, 1, false)).toMatchObject({ method: "tracefs", reach: "family", filter: { kind: "all" }, notes: [] });
    expect(plan(family, 33, false)).toMatchObject({ method: "multi", reach: "all", filter: { kind: "set" }, notes: [expect.stringContaining("1 µs")] });
    expect(plan(family, 1, false, { tracefs: false })).toMatchObject({ filter: { kind: "set" } });
    expect(plan(family, 1, false, { inherit: false })).toMatchObject({ filter: { kind: "set" }, notes: [expect.stringContaining("6.13")] });
  });

  test("everybody for the root cgroup", () => {
    const root = cgroupMounts()[0]?.path;
    expect(root === undefined ? "all" : plan({ ...everyone, cgroup: root }, 1, false).filter.kind).toBe("all");
  });

  test("a cgroup together with processes is refused", () => {
    expect(() => plan({ ...me, cgroup: "/sys/fs/cgroup" }, 1, false)).toThrow(expect.objectContaining({ code: "SONDE_KERNEL_FILTER" }));
  });
});

test("cgroup mounts are found with the depth of what is mounted there", () => {
  const mountinfo =
    "36 35 98:0 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n37 35 98:0 /a/b /mnt/part rw - cgroup2 none rw\n38 35 0:5 / /proc rw - proc proc rw\n";
  expect(cgroupMounts(mountinfo)).toEqual([
    { path: "/sys/fs/cgroup", level: 0 },
    { path: "/mnt/part", level: 2 },
  ]);
});
