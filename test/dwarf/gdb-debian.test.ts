/**
 * Debian's own programs and libraries, whose debug information is in packages beside them: what gdb shows of parameters, in programs
 * that we didn't write. The packages are installed, or unpacked in a folder of ours; where that can't be done the tests fail.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DebugInfo, Entry } from "../../src/dwarf/entry.ts";
import { entryAddress } from "../../src/dwarf/locations.ts";
import { parametersOf } from "../../src/dwarf/signature.ts";
import { type ElfImage, readElf } from "../../src/elf/image.ts";
import { openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { unpacked } from "../fixtures/debian-packages.ts";
import { providePackages } from "../fixtures/packages.ts";
import { compare, type Outcome, planOf } from "./compare.ts";
import { compareAt, expectAgreement as expectVariables } from "./compare-locations.ts";
import { observeFile, type Surroundings } from "./gdb.ts";
import { statementsOf } from "./lines-programs.ts";
import { functionsOf } from "./typed-programs.ts";

/** The path under which a program maps a library. */
const libraryOf = (program: string, name: string): string => {
  const line = execFileSync("ldd", [program], { encoding: "utf8" })
    .split("\n")
    .find((one) => one.trim().startsWith(name));
  return realpathSync(/=> (\S+)/.exec(line ?? "")?.[1] ?? "");
};

/** Where one function's code is another's as well (aliases, folded copies), gdb may say what the other one's parameters are. */
function distinct(debug: DebugInfo): Entry[] {
  const byAddress = new Map<number, Entry>();
  for (const entry of functionsOf(debug)) {
    const address = entryAddress(entry);
    if (address !== undefined && !byAddress.has(address)) byAddress.set(address, entry);
  }
  return [...byAddress.values()].filter((entry) => parametersOf(entry).length > 0);
}

/** A file's code and debug information, while they are used. */
function withDebug<T>(file: string, { debugFolder }: Surroundings, use: (debug: DebugInfo, image: ElfImage) => T): T {
  const source = new FileSource(file);
  try {
    const image = readElf(source);
    const opened = openDebugInfo(file, image, { environment: { SONDE_DEBUG_PATH: debugFolder } });
    if ("missing" in opened) throw new Error(`${file} has no debug information here`);
    if (opened.incomplete !== undefined) throw new Error(`${file} has a part of its debug information here`);
    return use(opened.debug, image);
  } finally {
    source.close();
  }
}

/** Each function of a file that has parameters, once, while a program runs. */
const comparedIn = (program: readonly [path: string, ...words: string[]], file: string, around: Surroundings = {}): Outcome =>
  withDebug(file, around, (debug) => {
    const functions = distinct(debug);
    return compare(debug, functions, observeFile(program, file, planOf(functions), around), true);
  });

interface Least {
  readonly functions: number;
  readonly values: number;
  /** And the most that are nowhere. */
  readonly nowhere: number;
}

/** What a function does without isn't passed, or only its callers know it: gdb looks at their debug information for it. */
const REASONS = /: (the compiler has (removed it|changed how this function is called)|it is known only at the call)$/;

/** gdb finds what a register had at the entry by what the caller has left of it. */
const REASONS_INSIDE = [
  "it is known only at its function's entry",
  "it is known only at the call",
  "the compiler has removed what it points to",
  "finding it takes a division",
  "its expression computes with floats",
];

function expectAgreement(outcome: Outcome, { functions, values, nowhere }: Least): void {
  expect(outcome).toMatchObject({ wrong: [], types: [] });
  expect(outcome.functions).toBeGreaterThan(functions);
  expect(outcome.values).toBeGreaterThan(values);
  expect(outcome.nowhere.filter((one) => !REASONS.test(one))).toEqual([]);
  expect(outcome.nowhere.length).toBeLessThanOrEqual(nowhere);
}

const PYTHON = [
  "import re, time, locale, socket, math, os, glob, tempfile",
  'print(re.sub("a+", "b", "caaat"), time.strftime("%c"), float("1e300"), "%.3f" % math.sin(1), locale.setlocale(locale.LC_ALL, "C"))',
  'print(socket.getaddrinfo("127.0.0.1", 80), glob.glob("/etc/host*"), os.stat("/"), time.mktime(time.localtime()), os.environ.get("HOME"))',
  'f = tempfile.TemporaryFile(); f.write(b"x" * 100000); f.seek(0); f.read(); f.close()',
].join("; ");
const PERL = [
  "my @n = sort { $a <=> $b } map { sin($_) * exp($_ / 7) + sqrt($_) ** 1.5 + atan2($_, 3) + log(1 + $_) } 1 .. 50",
  'printf("%s %.17g %d %s", "@n", $n[3], getppid(), join(",", localtime(86400 * 365)))',
  'open(my $f, "<", "/etc/passwd"); while (<$f>) { print if /root/ } close($f)',
  'print join(",", (getpwnam("root"))[0, 2], sprintf("%e", 1 / 3), lc("ABC"), crypt("a", "bc") // "")',
].join("; ");

const LUA = ["lua5.4", "liblua5.4-0-dbg"];
const script = (name: string): string => join(import.meta.dirname, "..", "fixtures", "programs", name);

/** Packages file them below a folder of their architecture, by whose absolute path the others name them. */
function linkSupplementaryFiles(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(join(folder, "x86_64-linux-gnu"))) {
    if (!existsSync(join(folder, name))) symlinkSync(join("x86_64-linux-gnu", name), join(folder, name));
  }
}

/** As if the folder with unpacked packages were the root. */
function surroundings(root: string, preload: readonly string[] = []): Surroundings {
  const debugFolder = join(root, "usr/lib/debug");
  linkSupplementaryFiles(join(debugFolder, ".dwz"));
  const libraries = ["usr/lib", "lib"].map((folder) => join(root, folder, "x86_64-linux-gnu"));
  const environment = {
    LD_LIBRARY_PATH: libraries.join(":"),
    ...(preload.length > 0 && { LD_PRELOAD: preload.map((one) => join(root, one)).join(":") }),
  };
  return { debugFolder, environment };
}

describe("what gdb shows of parameters at the first instruction is at our places", { timeout: 240_000 }, () => {
  test.each([
    { library: "libc.so.6", of: "Python", program: ["/usr/bin/python3", "-c", PYTHON], functions: 150, values: 400, nowhere: 7 },
    { library: "libc.so.6", of: "Perl", program: ["/usr/bin/perl", "-e", PERL], functions: 80, values: 200, nowhere: 7 },
    { library: "libm.so.6", of: "Perl", program: ["/usr/bin/perl", "-e", PERL], functions: 5, values: 5, nowhere: 7 },
  ] as const)("of $library, in $of", ({ library, program, ...least }) => {
    providePackages("libc6-dbg");
    expectAgreement(comparedIn(program, libraryOf(program[0], library)), least);
  });

  test.each([
    {
      of: "Lua, whose types are in a supplementary file",
      packages: LUA,
      file: "usr/bin/lua5.4",
      program: ["usr/bin/lua5.4", script("many.lua")],
      functions: 300,
      values: 700,
      nowhere: 15,
    },
    {
      of: "the library of regular expressions that compiles them",
      packages: ["pcregrep", "libpcre3", "libpcre3-dbg"],
      file: "lib/x86_64-linux-gnu/libpcre.so.3",
      program: ["usr/bin/pcregrep", "-n", "-i", "-o1", String.raw`(?<!x)(r\w+t):(?:[^:]*):\d+(?=:)`, "/etc/passwd"],
      functions: 60,
      values: 250,
      nowhere: 5,
    },
    {
      of: "the disassembler of binutils",
      packages: ["binutils-x86-64-linux-gnu", "libbinutils", "libbinutils-dbg"],
      file: "usr/lib/x86_64-linux-gnu/libopcodes-2.40-system.so",
      program: ["usr/bin/x86_64-linux-gnu-objdump", "-d", "usr/bin/x86_64-linux-gnu-strings"],
      functions: 30,
      values: 80,
      nowhere: 3,
    },
    {
      of: "the GNU Scientific Library, with floats and structures of them",
      packages: ["libgsl27", "libgslcblas0", "libgsl-dbg"],
      file: "usr/lib/x86_64-linux-gnu/libgsl.so.27",
      // It is there before Python asks for it, as breakpoints are set when programs begin.
      preload: ["usr/lib/x86_64-linux-gnu/libgslcblas.so.0", "usr/lib/x86_64-linux-gnu/libgsl.so.27"],
      program: ["/usr/bin/python3", script("gsl.py")],
      functions: 80,
      values: 200,
      nowhere: 3,
    },
  ] as const)("of $of", ({ packages, file, program, ...rest }) => {
    const root = unpacked(...packages);
    const [path, ...words] = program.map((word) => (word.startsWith("usr/") ? join(root, word) : word));
    const around = surroundings(root, "preload" in rest ? rest.preload : []);
    expectAgreement(comparedIn([path!, ...words], realpathSync(join(root, file)), around), rest);
  });
});

test("variables at lines of Lua have the values that gdb shows, or a reason why they have none", { timeout: 120_000 }, () => {
  const root = unpacked(...LUA);
  const file = realpathSync(join(root, "usr/bin/lua5.4"));
  const around = surroundings(root);
  const outcome = withDebug(file, around, (debug, image) => {
    const addresses = [...new Set(statementsOf(debug, /\b(ltable|lstrlib)\.c$/).map(({ address }) => address))];
    return compareAt(file, image, debug, addresses, { file, arguments: script("many.lua"), around });
  });
  expectVariables(outcome, 1500);
  expect([...outcome.nowhere.keys()].filter((why) => !REASONS_INSIDE.includes(why))).toEqual([]);
});
