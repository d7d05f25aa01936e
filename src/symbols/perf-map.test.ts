/** Maps of code that was compiled at run time, true ones and others. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { PerfMap } from "./perf-map.ts";

const mapOf = (text: string): PerfMap => {
  const map = new PerfMap();
  map.add(text);
  return map;
};

test("an address is of the function that covers it", () => {
  const map = mapOf("7f0000001000 40 LazyCompile:*work /app/main.js:3\n0x7f0000001040 0x20 [unknown] two words\n");
  expect(map.at(0x7f0000001000)?.name).toBe("LazyCompile:*work /app/main.js:3");
  expect(map.at(0x7f000000103f)?.address).toBe(0x7f0000001000);
  expect(map.at(0x7f0000001040)?.name).toBe("[unknown] two words");
  expect([0x7f0000000fff, 0x7f0000001060].map((address) => map.at(address))).toEqual([undefined, undefined]);
});

test("where code was compiled anew the last line holds, also if a longer function is below it", () => {
  const map = mapOf("1000 100 old\n1040 10 inner\n1000 100 new\n");
  expect([map.at(0x1000)?.name, map.at(0x1045)?.name]).toEqual(["new", "new"]);
  map.add("1040 10 newest\n");
  expect([map.at(0x1045)?.name, map.at(0x1050)?.name]).toEqual(["newest", "new"]);
});

test("a line that is written in two pieces is one", () => {
  const map = mapOf("1000 10 fi");
  expect(map.at(0x1000)).toBeUndefined();
  map.add("rst\n2000 10 second\n");
  expect([map.at(0x1000)?.name, map.at(0x2000)?.name]).toEqual(["first", "second"]);
});

test("lines that aren't entries are passed over, and names have an end", () => {
  const map = mapOf(`hello\n\n1000\n1000 10\n1000 10 \n-1 10 x\nzz 10 x\nffffffffffffffffff 10 x\n2000 10 ${"x".repeat(10_000)}\n`);
  expect(map.size).toBe(1);
  expect(map.at(0x2000)?.name).toHaveLength(512);
});

test("any text gives functions or none", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{0,14} [0-9a-f]{0,4} [a-z]{0,3}$/))), fc.nat(), (lines, address) => {
      const found = mapOf(lines.join("\n")).at(address);
      expect(found === undefined || (address >= found.address && address < found.address + found.size)).toBe(true);
    }),
  );
});
