import { expect, test } from "vitest";
import { durationText, edgeText, hexText, unitOf } from "./numbers.ts";

test.each([
  [0n, "0 ns"],
  [100n, "100 ns"],
  [999n, "999 ns"],
  [1_000n, "1 µs"],
  [1_200n, "1.2 µs"],
  [12_345n, "12.3 µs"],
  [999_499n, "999 µs"],
  [999_500n, "1 ms"],
  [1_234_567n, "1.23 ms"],
  [10_000_000n, "10 ms"],
  [1_500_000_000n, "1.5 s"],
  [59_000_000_000n, "59 s"],
  [125_000_000_000n, "2 min 05 s"],
  [7_260_000_000_000n, "2 h 01 min"],
  [-1_200n, "-1.2 µs"],
])("%s ns reads as %s", (ns, text) => {
  expect(durationText(ns)).toBe(text);
});

test("edges that are whole multiples of 1024 are short, others are exact", () => {
  expect([0n, 1n, 512n, 1024n, 65536n, 3n << 20n, 1n << 63n, 1000n, 1025n].map(edgeText)).toEqual(["0", "1", "512", "1K", "64K", "3M", "8E", "1000", "1025"]);
});

test("hex shows a negative number by its bits, and bytes without a prefix", () => {
  expect([hexText(255), hexText(-1), hexText(2n ** 63n), hexText(Uint8Array.of(1, 0xab))]).toEqual([
    "0xff",
    "0xffffffffffffffff",
    "0x8000000000000000",
    "01ab",
  ]);
});

test.each([
  ["ns", "ns"],
  ["read_ns", "ns"],
  ["readNs", "ns"],
  ["nanoseconds", "ns"],
  ["columns", "none"],
  ["returns", "none"],
  ["latency", "none"],
  ["DNS", "none"],
])("the name %s says that its numbers are: %s", (name, unit) => {
  expect(unitOf(name)).toBe(unit);
});
