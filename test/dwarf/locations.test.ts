/** Variables at source lines: what gdb shows of them, and what our places give of the same registers and memory. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { compareAt, expectAgreement, type Located } from "./compare-locations.ts";
import { lined, statementsOf } from "./lines-programs.ts";
import { debugOf, typedCxx, typedGo, typedRust } from "./typed-programs.ts";

/** At each line of the files of a name. */
function compare(program: string, source: RegExp): Located {
  const debug = debugOf(program);
  return compareAt(program, readElf(memorySource(readFileSync(program), program)), debug, [
    ...new Set(statementsOf(debug, source).map(({ address }) => address)),
  ]);
}

const PROGRAM = { timeout: 90_000 };

test("at each line of C that isn't optimized, all variables have the values that gdb shows", PROGRAM, () => {
  const outcome = compare(lined("-O0"), /lined/);
  expectAgreement(outcome, 800);
  expect([...outcome.nowhere]).toEqual([]);
});

test.each(["-O1", "-O2", "-O3", "-Os"])(
  "at each line of C built with %s, variables have the values that gdb shows, or a reason why they have none",
  PROGRAM,
  (flag) => {
    const outcome = compare(lined(flag), /lined/);
    expectAgreement(outcome, 200);
    // gdb finds what a register had at the entry by what the caller has left of it.
    const reasons = ["it is known only at its function's entry", "its expression computes with floats"];
    expect([...outcome.nowhere.keys()].filter((why) => !reasons.includes(why))).toEqual([]);
  },
);

// GCC writes a block that begins with nothing as if it had no code, in DWARF 2 to 4; gdb leaves out what is in it.
test.each([
  ["-gdwarf-4", "-Og"],
  ["-gdwarf-4", "-O2"],
  ["-gdwarf-3", "-gstrict-dwarf", "-O2"],
  ["-gdwarf-2", "-gstrict-dwarf", "-O1"],
  ["-O2", "-flto"],
])("variables have the values that gdb shows in C built with %s %s", PROGRAM, (...flags) => {
  const outcome = compare(lined(...flags), /lined/);
  expectAgreement({ ...outcome, names: [] }, 180);
});

test.each([
  ["C++", "-O0", typedCxx, 500],
  ["C++", "-O2", typedCxx, 80],
  ["Rust", "-Copt-level=0", typedRust, 200],
  ["Go", "-gcflags=all=-N -l", typedGo, 80],
  ["Go", "-gcflags=", typedGo, 60],
] as const)("at each line of %s built with %s, variables have the values that gdb shows", PROGRAM, (_, flag, build, least) => {
  expectAgreement(compare(build(flag), /typed/), least);
});

test("at each line of optimized Rust, variables in pieces of several kinds have the values that gdb shows, and none is nowhere", PROGRAM, () => {
  const outcome = compare(typedRust("-Copt-level=2"), /typed/);
  expectAgreement(outcome, 250);
  expect([...outcome.nowhere]).toEqual([]);
  expect(outcome.pieces).toBeGreaterThanOrEqual(30);
});
