/** Split debug information: .dwo beside the objects, moved, or in a package; with units of types, which a package has once. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type FunctionIndex, indexFunctions } from "../../src/dwarf/index.ts";
import type { DebugInfo } from "../../src/dwarf/units.ts";
import { SondeError } from "../../src/errors/error.ts";
import { whyUntyped } from "../../src/session/typed/site-types.ts";
import { type OpenedDebugInfo, openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { resolveTarget } from "../../src/symbols/resolve.ts";
import { provide } from "../fixtures/packages.ts";
import { described, Folder, filed, imageOf, TWICE } from "./build.ts";

beforeAll(() => provide("dwp", "llvm-dwp"), 300_000);

function open(path: string, folder: Folder): OpenedDebugInfo {
  const found = openDebugInfo(path, imageOf(path), { environment: { HOME: folder.path, SONDE_DEBUG_PATH: folder.at("debug") } });
  if ("missing" in found) throw new Error("nothing is found");
  return found;
}
const KINDS = [4, 5].flatMap((version) => [[], ["-fdebug-types-section"]].map((flags) => [version, flags] as const));
const title = "DWARF %i %j";
const compiled = (folder: Folder, version: number, flags: readonly string[]): string => folder.program("a", `-gdwarf-${version}`, "-gsplit-dwarf", ...flags);
/** The .dwo that the compiler wrote. */
const PARTS = ["a-twice.c.dwo", "a-main.c.dwo"];

/** The program as a new file, so that what is beside it is looked for again. */
function renewed(path: string): string {
  copyFileSync(path, `${path}.new`);
  renameSync(`${path}.new`, path);
  return path;
}
test("a function of which the .dwo isn't there, or is of another build, says so", () => {
  using folder = new Folder();
  const path = compiled(folder, 5, ["-O1"]);
  const why = (): string => {
    const [site] = resolveTarget(`${renewed(path)}:twice`, { mode: "entry" }).sites;
    const error = whyUntyped(site!);
    return `${error?.message}: ${error?.why}`;
  };
  expect(why()).toBe("undefined: undefined");
  const part = folder.at("a-twice.c.dwo");
  renameSync(part, folder.at("elsewhere"));
  expect(why()).toMatch(
    /debug information of .*\/a doesn't describe twice: it is split, and not all files that have the rest are here: a-twice\.c\.dwo: it isn't there$/,
  );
  copyFileSync(folder.at("a-main.c.dwo"), part);
  expect(why()).toMatch(/\/a-twice\.c\.dwo: it is of another build$/);
});

/** Reads a program with some bytes of a file beside it changed, and the file cut short if `cut`, a hundred times. */
function damage(folder: Folder, path: string, file: string, most: number, cut: boolean): void {
  const good = readFileSync(folder.at(file));
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: most });
  fc.assert(
    fc.property(changes, cut ? fc.nat(good.length * 4) : fc.constant(good.length), (changed, length) => {
      const bytes = Buffer.from(good.subarray(0, Math.max(64, length)));
      for (const [at, value] of changed) if (at < bytes.length) bytes[at] = value;
      writeFileSync(folder.at(file), bytes);
      try {
        described(open(renewed(path), folder).debug);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
      }
    }),
    { numRuns: 100 },
  );
}

describe.each(KINDS)(`${title}: units in files of their own`, (version, flags) => {
  test("are found where they were compiled", () => {
    using folder = new Folder();
    const { debug, split, from } = open(compiled(folder, version, flags), folder);
    expect([described(debug), split.files, split.missing, from]).toEqual([TWICE, 2, [], "program"]);
  });
  test("are found beside the program, where all was moved", () => {
    using folder = new Folder();
    const path = compiled(folder, version, flags);
    using other = new Folder();
    for (const name of ["a", ...PARTS]) {
      copyFileSync(folder.at(name), other.at(name));
      rmSync(folder.at(name));
    }
    expect(path).not.toBe(other.at("a"));
    expect(described(open(other.at("a"), other).debug)).toBe(TWICE);
  });
  test("of another build aren't taken", () => {
    using folder = new Folder();
    const path = compiled(folder, version, flags);
    copyFileSync(folder.at(PARTS[1]!), folder.at(PARTS[0]!));
    const { debug, split } = open(path, folder);
    expect(described(debug)).toBe("unknown");
    expect(split.missing).toEqual([{ path: folder.at(PARTS[0]!), why: "it is of another build" }]);
  });
  test("that are gone are named, and the others read", () => {
    using folder = new Folder();
    const path = compiled(folder, version, flags);
    rmSync(folder.at(PARTS[0]!));
    const { debug, split } = open(path, folder);
    expect(indexFunctions(debug).named("main")).toHaveLength(1);
    expect(described(debug)).toBe("unknown");
    expect(split.missing).toEqual([{ path: expect.stringMatching(/a-twice\.c\.dwo$/), why: "it isn't there" }]);
  });
});

/** Functions with parameters of types that are passed by value: with -fdebug-types-section their entries refer to units of types. */
const BY_VALUE = "struct pair { int first, second; };\nint sum(struct pair pair) { return pair.first + pair.second; }\nint main(void) { return 0; }\n";
function byValue(folder: Folder, version: number, flags: readonly string[]): string {
  writeFileSync(folder.at("pair.c"), BY_VALUE);
  folder.run("cc", `-gdwarf-${version}`, "-gsplit-dwarf", "-O1", ...flags, "-c", "pair.c", "-o", "pair.o");
  folder.run("cc", "-o", "pair", "pair.o");
  return folder.at("pair");
}
/** What an index says of sum() in debug information: its name, and its parameter's type. */
function sumIn(debug: DebugInfo, index: FunctionIndex): readonly (string | undefined)[] {
  const row = index.named("sum")[0]!;
  return [index.entry(debug, row)?.name, index.parameterType(debug, row, 0)?.name];
}

test.each(KINDS)(`${title}: an index finds functions and types as long as the unit's file is there`, (version, flags) => {
  using folder = new Folder();
  const path = byValue(folder, version, flags);
  const { debug } = open(path, folder);
  const index = indexFunctions(debug);
  expect(sumIn(debug, index)).toEqual(["sum", "pair"]);
  rmSync(folder.at("pair.dwo"));
  expect(sumIn(open(renewed(path), folder).debug, index)).toEqual([undefined, undefined]);
});

/** dwp of binutils 2.40 crashes on DWARF 5. */
const PACKERS = [
  ["dwp", 4, []],
  ["dwp", 4, ["-fdebug-types-section"]],
  ["llvm-dwp", 4, []],
  ["llvm-dwp", 5, []],
  ["llvm-dwp", 5, ["-fdebug-types-section"]],
] as const;

describe.each(PACKERS)("a package that %s made of DWARF %i %j", (packer, version, flags) => {
  function packed(folder: Folder): string {
    const path = compiled(folder, version, flags);
    folder.run(packer, "-e", "a", "-o", "a.dwp");
    for (const part of PARTS) rmSync(folder.at(part));
    return path;
  }
  test("is taken beside the program", () => {
    using folder = new Folder();
    const { debug, split } = open(packed(folder), folder);
    expect([described(debug), split.packagePath, split.files, split.missing]).toEqual([TWICE, folder.at("a.dwp"), 0, []]);
    expect(indexFunctions(debug).named("main")).toHaveLength(1);
  });
  test("has the functions and types of an index as long as it is there", () => {
    using folder = new Folder();
    const path = byValue(folder, version, flags);
    folder.run(packer, "-e", "pair", "-o", "pair.dwp");
    rmSync(folder.at("pair.dwo"));
    const { debug } = open(path, folder);
    const index = indexFunctions(debug);
    expect(sumIn(debug, index)).toEqual(["sum", "pair"]);
    rmSync(folder.at("pair.dwp"));
    expect(sumIn(open(renewed(path), folder).debug, index)).toEqual([undefined, undefined]);
  });
  test("compressed", () => {
    using folder = new Folder();
    const path = packed(folder);
    folder.run("objcopy", "--compress-debug-sections=zlib", "a.dwp");
    expect(described(open(path, folder).debug)).toBe(TWICE);
  });
  test("is taken for a program that was stripped", () => {
    using folder = new Folder();
    const path = packed(folder);
    folder.strip(path, (id) => filed(folder.at("debug"), id));
    const { debug, from } = open(path, folder);
    expect([described(debug), from]).toEqual([TWICE, "build-id"]);
  });
  test("damaged anyhow, is read in part or not at all", { timeout: 120_000 }, () => {
    using folder = new Folder();
    damage(folder, packed(folder), "a.dwp", 30, true);
  });
});

test("a package of something else is noted, and files of units are found nevertheless", () => {
  using folder = new Folder();
  const path = compiled(folder, 5, []);
  writeFileSync(folder.at("a.dwp"), "nothing");
  const { debug, split } = open(path, folder);
  expect(described(debug)).toBe(TWICE);
  expect(split.missing).toEqual([{ path: folder.at("a.dwp"), why: "it is not an ELF file" }]);
});

test("a unit's file is damaged anyhow: it is read in part or not at all", { timeout: 120_000 }, () => {
  using folder = new Folder();
  damage(folder, compiled(folder, 5, ["-fdebug-types-section"]), PARTS[0]!, 10, false);
});

test("sections of one name that lie over one another are refused", () => {
  using folder = new Folder();
  const path = compiled(folder, 5, ["-fdebug-types-section"]);
  const file = folder.at(PARTS[0]!);
  const bytes = readFileSync(file);
  const table = Number(bytes.readBigUInt64LE(40));
  const size = BigInt(statSync(file).size);
  for (let i = 1; i < 4; i++) {
    bytes.writeBigUInt64LE(0n, table + i * 64 + 24);
    bytes.writeBigUInt64LE(size, table + i * 64 + 32);
  }
  writeFileSync(file, bytes);
  mkdirSync(folder.at("debug"), { recursive: true });
  const { debug, split } = open(path, folder);
  expect(described(debug)).toBe("unknown");
  expect(split.missing[0]!.why).toBe("it is damaged: its sections overlap");
});
