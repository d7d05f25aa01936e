/**
 * Debian's own libraries, whose debug information is in packages beside them: what gdb shows of parameters, in programs that we
 * didn't write. The packages are installed by whoever may; without them the tests fail.
 */
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { expect, test } from "vitest";
import type { Entry } from "../../src/dwarf/entry.ts";
import { entryAddress } from "../../src/dwarf/locations.ts";
import { readElf } from "../../src/elf/image.ts";
import { openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { providePackages } from "../fixtures/packages.ts";
import { compare, planOf } from "./compare.ts";
import { observeLibrary } from "./gdb.ts";
import { functionsOf } from "./typed-programs.ts";

/** The path under which a program maps a library. */
const libraryOf = (program: string, name: string): string => {
  const line = execFileSync("ldd", [program], { encoding: "utf8" })
    .split("\n")
    .find((one) => one.trim().startsWith(name));
  return realpathSync(/=> (\S+)/.exec(line ?? "")?.[1] ?? "");
};

/** Where one function's code is another's as well (aliases, folded copies), gdb may say what the other one's parameters are. */
function distinct(entries: Iterable<Entry>): Entry[] {
  const byAddress = new Map<number, Entry>();
  for (const entry of entries) {
    const address = entryAddress(entry);
    if (address !== undefined && !byAddress.has(address)) byAddress.set(address, entry);
  }
  return [...byAddress.values()];
}

function comparedIn(program: readonly [path: string, ...words: string[]], library: string) {
  const path = libraryOf(program[0], library);
  const source = new FileSource(path);
  try {
    const opened = openDebugInfo(path, readElf(source));
    if ("missing" in opened) throw new Error(`${path} has no debug information here`);
    const functions = distinct(functionsOf(opened.debug));
    return compare(opened.debug, functions, observeLibrary(program, path, planOf(functions)), true);
  } finally {
    source.close();
  }
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

test.each([
  { library: "libc.so.6", of: "Python", program: ["/usr/bin/python3", "-c", PYTHON], functions: 200, values: 400 },
  { library: "libc.so.6", of: "Perl", program: ["/usr/bin/perl", "-e", PERL], functions: 100, values: 200 },
  { library: "libm.so.6", of: "Perl", program: ["/usr/bin/perl", "-e", PERL], functions: 5, values: 5 },
] as const)("of $library, in $of", { timeout: 240_000 }, ({ library, program, functions, values }) => {
  providePackages("libc6-dbg");
  const outcome = comparedIn(program, library);
  expect(outcome).toMatchObject({ wrong: [], types: [] });
  expect(outcome.functions).toBeGreaterThan(functions);
  expect(outcome.values).toBeGreaterThan(values);
  // What a function does without isn't passed.
  expect(outcome.nowhere.length).toBeLessThan(8);
});
