/** What is read from text the kernel gives, and how failures are worded. */
import { describe, expect, test } from "vitest";
import { parseCapabilities } from "./capabilities.ts";
import { callError, errnoName } from "./errno.ts";
import { atLeast, cpuCount } from "./host.ts";
import { Struct } from "./struct.ts";

test("capabilities are the bits of CapEff", () => {
  expect([...parseCapabilities("Name:\tx\nCapEff:\t000000c000000000\n")].sort()).toEqual(["CAP_BPF", "CAP_PERFMON"]);
  expect(parseCapabilities("CapEff:\t0000000000000000\n").size).toBe(0);
});

test("possible CPUs are counted over ranges and single ones", () => {
  expect(["0", "0-3", "0-3,8", "0,2-3,16-31"].map(cpuCount)).toEqual([1, 4, 5, 19]);
});

test("versions compare by number, not by text", () => {
  const version = { major: 6, minor: 13, text: "6.13" };
  expect([atLeast(version, 6, 6), atLeast(version, 6, 13), atLeast(version, 6, 14), atLeast(version, 5, 20), atLeast(version, 7, 0)]).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
});

describe("a failed call", () => {
  test("is named with errno's name and what it was for", () => {
    const error = callError("bpf(BPF_MAP_CREATE)", 22, { doing: "create map calls" });
    expect([error.code, error.message, error.exit]).toEqual(["SONDE_SYS_EINVAL", "bpf(BPF_MAP_CREATE) failed with EINVAL (to create map calls)", 1]);
  });
  test("for want of rights ends with status 3 and says what to do", () => {
    const error = callError("perf_event_open", 1, { needs: ["CAP_PERFMON"] });
    expect([error.code, error.exit]).toEqual(["SONDE_SYS_RIGHTS", 3]);
    expect(error.mend).toContain("root");
  });
  test("has a name for the kernel's own numbers too", () => {
    expect([errnoName(1), errnoName(524), errnoName(9999)]).toEqual(["EPERM", "ENOTSUPP", "errno 9999"]);
  });
});

test("a structure holds its fields in little-endian order, and text closed by a NUL", () => {
  const struct = new Struct(16).u32(0, 0x01020304).u16(4, 0x0506).text(8, 4, "abcdef");
  expect([...struct.bytes]).toEqual([4, 3, 2, 1, 6, 5, 0, 0, 97, 98, 99, 0, 0, 0, 0, 0]);
});
