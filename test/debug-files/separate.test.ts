/** Debug information apart from the program: found by build-id and by link, with a supplementary file, in containers; and what isn't taken. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Entry } from "../../src/dwarf/entry.ts";
import { functionAt } from "../../src/dwarf/function-at.ts";
import { indexFunctions } from "../../src/dwarf/index.ts";
import { inlinedPlaces } from "../../src/dwarf/inlined.ts";
import { signatureOf } from "../../src/dwarf/signature.ts";
import { describe as describeFunction } from "../../src/dwarf/signature-text.ts";
import { typeName } from "../../src/dwarf/type-names.ts";
import { missingError } from "../../src/symbols/debug-files/missing.ts";
import { type OpenedDebugInfo, openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { placeOf } from "../../src/symbols/debug-files/where.ts";
import { provide } from "../fixtures/packages.ts";
import { described, Folder, filed, idOf, imageOf, TWICE } from "./build.ts";

beforeAll(() => provide("dwz"), 300_000);

/** Nothing of the machine's own counts. */
const looking = (folder: Folder, more: { readonly [name: string]: string } = {}) => ({
  environment: { HOME: folder.path, SONDE_DEBUG_PATH: folder.at("debug"), ...more },
});
function open(path: string, folder: Folder, display?: string): OpenedDebugInfo {
  const found = openDebugInfo(path, imageOf(path), { ...looking(folder), ...(display === undefined ? {} : { display }) });
  if ("missing" in found) throw missingError(found.missing);
  return found;
}
function missingOf(path: string, folder: Folder) {
  const found = openDebugInfo(path, imageOf(path), looking(folder));
  if (!("missing" in found)) throw new Error(`found in ${found.files}`);
  return found.missing;
}

test("debug information in the program itself is taken from there, and opened once", () => {
  using folder = new Folder();
  const path = folder.program("a");
  const opened = open(path, folder);
  expect([opened.from, opened.files, described(opened.debug)]).toEqual(["program", [path], TWICE]);
  expect(open(path, folder)).toBe(opened);
});

describe("a stripped program's debug information is found", () => {
  test.each([
    ["as it is", []],
    ["compressed by zlib", ["--compress-debug-sections=zlib"]],
    ["compressed in the old way", ["--compress-debug-sections=zlib-gnu"]],
  ])("by its build-id, %s", (_, flags) => {
    using folder = new Folder();
    const path = folder.program("a");
    const id = folder.strip(path, (id) => filed(folder.at("debug"), id), ...flags);
    const opened = open(path, folder);
    expect([opened.from, opened.files, described(opened.debug)]).toEqual(["build-id", [filed(folder.at("debug"), id)], TWICE]);
  });
  test.each([
    ["beside it", (folder: Folder) => folder.at("a.debug")],
    ["in .debug", (folder: Folder) => folder.at(".debug/a.debug")],
    ["in the folder of debug information, as the program is in its own", (folder: Folder) => folder.at(`debug${folder.path}/a.debug`)],
  ])("by .gnu_debuglink and its checksum, %s", (_, where) => {
    using folder = new Folder();
    const path = folder.program("a", "-Wl,--build-id=none");
    folder.strip(path, where(folder));
    folder.run("objcopy", `--add-gnu-debuglink=${where(folder)}`, path);
    const opened = open(path, folder);
    expect([opened.from, opened.files, described(opened.debug)]).toEqual(["link", [where(folder)], TWICE]);
  });
  test("by .gnu_debuglink and its build-id, where its checksum has changed since", () => {
    using folder = new Folder();
    const path = folder.program("a");
    folder.strip(path, folder.at("a.debug"));
    folder.run("objcopy", `--add-gnu-debuglink=${folder.at("a.debug")}`, path);
    appendFileSync(folder.at("a.debug"), "more");
    expect(open(path, folder).from).toBe("link");
  });
  test("by links of the file system", () => {
    using folder = new Folder();
    const path = folder.program("a");
    const id = folder.strip(path, folder.at("elsewhere/a.debug"));
    mkdirSync(dirname(filed(folder.at("debug"), id)), { recursive: true });
    symlinkSync(folder.at("elsewhere/a.debug"), filed(folder.at("debug"), id));
    expect(described(open(path, folder).debug)).toBe(TWICE);
  });
});

describe("what isn't of this build isn't taken, and named", () => {
  test("by its checksum", () => {
    using folder = new Folder();
    const path = folder.program("a", "-Wl,--build-id=none");
    folder.strip(path, folder.at("a.debug"));
    folder.run("objcopy", `--add-gnu-debuglink=${folder.at("a.debug")}`, path);
    appendFileSync(folder.at("a.debug"), "more");
    const missing = missingOf(path, folder);
    expect(missing.rejected).toEqual([
      { path: folder.at("a.debug"), why: expect.stringMatching(/^it is of another build: its checksum is [0-9a-f]{8}, not [0-9a-f]{8}$/) },
    ]);
    expect(missingError(missing)).toMatchObject({ code: "SONDE_DEBUG_INFO_MISSING", why: expect.stringContaining("a.debug: it is of another build") });
  });
  test("by its build-id", () => {
    using folder = new Folder();
    const other = folder.program("b", "-O2");
    const otherId = idOf(other)!;
    const path = folder.program("a");
    const id = folder.strip(path, folder.at("gone"));
    mkdirSync(dirname(filed(folder.at("debug"), id)), { recursive: true });
    copyFileSync(other, filed(folder.at("debug"), id));
    expect(missingOf(path, folder).rejected[0]!.why).toBe(`it is of another build: its build-id is ${otherId}, not ${id}`);
  });
  test.each<readonly [string, (path: string) => void, RegExp]>([
    ["cut short", (path) => truncateSync(path, 1000), /cut short/],
    ["without debug information", (path) => execFileSync("strip", ["-g", path]), /no debug information itself/],
    ["no ELF file", (path) => writeFileSync(path, "#!/bin/sh\n"), /not an ELF file/],
    [
      "a folder",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
      /is a directory/,
    ],
    [
      "a pipe",
      (path) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
      /not a regular file/,
    ],
    [
      "a link to itself",
      (path) => {
        rmSync(path);
        symlinkSync(path, path);
      },
      /ELOOP/,
    ],
  ])("%s", (_, spoil, why) => {
    using folder = new Folder();
    const path = folder.program("a");
    const id = folder.strip(path, (id) => filed(folder.at("debug"), id));
    spoil(filed(folder.at("debug"), id));
    expect(
      missingOf(path, folder)
        .rejected.map((one) => one.why)
        .join(),
    ).toMatch(why);
  });
  test("the program itself, which a link leads back to", () => {
    using folder = new Folder();
    const path = folder.program("a");
    folder.strip(path, folder.at("gone/a"));
    folder.run("objcopy", `--add-gnu-debuglink=${folder.at("gone/a")}`, path);
    expect(missingOf(path, folder).rejected).toEqual([]);
  });
});

describe("the supplementary file of dwz", () => {
  /** Two programs that share debug information. */
  function shared(folder: Folder, named: string, ...flags: readonly string[]): string {
    const paths = [folder.program("a"), folder.program("b", "-O2")];
    folder.run("dwz", ...flags, "-m", "common.debug", "-M", named, ...paths.map((path) => basename(path)));
    return paths[0]!;
  }
  test.each([
    ["by its path", (folder: Folder) => folder.at("common.debug"), []],
    ["beside the file that names it", () => "common.debug", []],
    ["as DWARF 5 has it", () => "common.debug", ["--dwarf-5"]],
  ])("is found %s", (_, named, flags) => {
    using folder = new Folder();
    const opened = open(shared(folder, named(folder), ...flags), folder);
    expect(opened.files.map((path) => basename(path))).toEqual(["a", "common.debug"]);
    expect(opened.debug.supplementary!.units.length).toBeGreaterThan(0);
    expect(described(opened.debug)).toBe(TWICE);
  });
  test("is found by its build-id, for a program whose debug information is elsewhere", () => {
    using folder = new Folder();
    const path = shared(folder, "/nowhere/common.debug");
    folder.strip(path, (id) => filed(folder.at("debug"), id));
    const id = idOf(folder.at("common.debug"))!;
    renameSync(folder.at("common.debug"), folder.at(filed("debug", id)));
    expect(described(open(path, folder).debug)).toBe(TWICE);
  });
  test("is found in a tree of a distribution's that is kept elsewhere, which has a folder for each architecture", () => {
    using folder = new Folder();
    const path = shared(folder, "/usr/lib/debug/.dwz/x86_64-linux-gnu/nowhere.debug");
    mkdirSync(folder.at("debug/.dwz/x86_64-linux-gnu"), { recursive: true });
    renameSync(folder.at("common.debug"), folder.at("debug/.dwz/x86_64-linux-gnu/nowhere.debug"));
    expect(described(open(path, folder).debug)).toBe(TWICE);
  });
  test.each([[], ["--dwarf-5"]])("is missed, and looked for again: %j", (...flags) => {
    using folder = new Folder();
    const path = shared(folder, "common.debug", ...flags);
    const { debug } = open(path, folder);
    expect(debug.supplementary).toBeDefined();
    renameSync(folder.at("common.debug"), folder.at("away"));
    // As new, so that it is opened again.
    copyFileSync(path, folder.at("new"));
    renameSync(folder.at("new"), path);
    const opened = open(path, folder);
    expect([opened.files, opened.incomplete?.supplementary]).toEqual([[path], { name: "common.debug", of: path }]);
    expect(missingError(opened.incomplete!)).toMatchObject({
      code: "SONDE_DEBUG_INFO_MISSING",
      message: `debug information of ${path} is incomplete: common.debug, which it shares with other programs, isn't there`,
    });
    expect(open(path, folder)).toBe(opened);
    renameSync(folder.at("away"), folder.at("common.debug"));
    const whole = open(path, folder);
    expect([whole.incomplete, described(whole.debug)]).toEqual([undefined, TWICE]);
    expect(whole.identity).not.toBe(opened.identity);
  });
  test("of another build isn't taken", () => {
    using folder = new Folder();
    const path = shared(folder, "common.debug");
    copyFileSync(folder.program("c"), folder.at("common.debug"));
    expect(open(path, folder).incomplete!.rejected[0]!.why).toMatch("of another build");
  });
});

describe("without the supplementary file of dwz", () => {
  const COMMON = `
    typedef struct { double re, im, pad[7]; } shared;
    typedef char byte;
    static inline int both(const shared *first, long times) { int sum = 0; for (long i = 0; i < times; i++) sum += i * (int)first->im; return sum; }
    int (*volatile at)(const shared *, long);
  `;
  const OWN = `
    #include "common.h"
    struct own { byte alone; short together; byte row[2]; };
    __attribute__((noinline)) shared give(short n) { shared s = { n, n }; return s; }
    __attribute__((noinline)) void put(struct own *own, short to, byte last) { own->together = to; own->alone = last; }
    int main(int argc, char **argv) { at = both; struct own own; put(&own, 3, 1); shared s = give(argc); return both(&s, argc) + at(&s, 3); }
  `;
  const OTHER = `
    #include "common.h"
    int main(int argc, char **argv) { at = both; shared s = { argc, argc }; byte b = argc; return both(&s, 3) + at(&s, 4) + b; }
  `;
  const folder = new Folder();
  let whole: OpenedDebugInfo;
  let lacking: OpenedDebugInfo;
  beforeAll(() => {
    for (const [name, text] of Object.entries({ "common.h": COMMON, "a.c": OWN, "b.c": OTHER })) writeFileSync(folder.at(name), text);
    for (const name of ["a", "b"]) folder.run("cc", "-g", "-O2", "-o", name, `${name}.c`);
    folder.run("dwz", "-m", "common.debug", "-M", "common.debug", "a", "b");
    whole = open(folder.at("a"), folder);
    mkdirSync(folder.at("alone"));
    copyFileSync(folder.at("a"), folder.at("alone/a"));
    lacking = open(folder.at("alone/a"), folder);
  });
  afterAll(() => folder[Symbol.dispose]());

  const UNSAID = { k: "unknown", size: 0, what: "what the debug information doesn't say" };
  const entryOf = ({ debug }: OpenedDebugInfo, name: string): Entry => {
    const index = indexFunctions(debug);
    return index.entry(debug, index.named(name)[0]!)!;
  };

  test("types that don't refer to it are read, others are unknown and not void", () => {
    const { params, ret, structs } = signatureOf(lacking.debug, entryOf(lacking, "put"))!;
    expect(params.map(({ name, type }) => [name, type])).toEqual([
      ["own", { k: "pointer", to: { k: "struct", name: "own" } }],
      ["to", { k: "int", name: "i16" }],
      ["last", UNSAID],
    ]);
    expect(ret).toEqual({ k: "void" });
    expect(structs.own!.fields).toEqual([
      { name: "alone", offset: 0, type: UNSAID },
      { name: "together", offset: 2, type: { k: "int", name: "i16" } },
      { name: "row", offset: 4, type: { ...UNSAID, what: `an array of ${UNSAID.what}` } },
    ]);
    expect(describeFunction(entryOf(lacking, "put"))).toBe("void put(struct own *own, short to, … last)");
  });
  test("where a function's result is unknown, its parameters are where the debug information says, and not where the convention may", () => {
    const { params, ret, retPlace } = signatureOf(lacking.debug, entryOf(lacking, "give"))!;
    // The caller's memory for the result is in rdi.
    expect(params).toEqual([{ name: "n", type: { k: "int", name: "i16" }, place: { k: "registers", parts: [{ register: "rsi", offset: 0, size: 2 }] } }]);
    expect([ret, retPlace]).toEqual([UNSAID, { k: "none", why: "how a value of a type that isn't said is returned isn't known" }]);
  });
  test("a function that is described there alone has no name and no signature", () => {
    const index = indexFunctions(whole.debug);
    const row = index.named("both").find((each) => index.low(each) !== undefined)!;
    const shared = index.origin(row)!;
    expect([0, 1].map((each) => typeName(index.parameterType(whole.debug, shared, each)))).toEqual(["const shared *", "long"]);
    const entry = functionAt(lacking.debug, index.low(row)!)!;
    expect([entry.name, signatureOf(lacking.debug, entry)]).toEqual([undefined, undefined]);
    expect(inlinedPlaces(whole.debug, "both", undefined).length).toBeGreaterThan(0);
    expect(inlinedPlaces(lacking.debug, "both", undefined)).toEqual([]);
  });
  test("an index that was made with it finds nothing of it", () => {
    const index = indexFunctions(whole.debug);
    const row = index.named("both").find((each) => index.low(each) === undefined)!;
    expect([index.entry(whole.debug, row)?.name, index.entry(lacking.debug, row), index.parameterType(lacking.debug, row, 0)]).toEqual([
      "both",
      undefined,
      undefined,
    ]);
  });
});

describe("in a container", () => {
  /** A program that waits, in a root of its own. */
  async function inRoot(folder: Folder, use: (pid: number) => void): Promise<void> {
    const child = spawn("chroot", [folder.at("root"), "/usr/bin/wait"], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      use(child.pid!);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
  function waiting(folder: Folder): string {
    const path = folder.at("root/usr/bin/wait");
    writeFileSync(
      folder.at("wait.c"),
      '#include <stdio.h>\nint twice(int n) { return 2 * n; }\nint main(void) { puts("ready"); fflush(stdout); return twice(getchar()); }\n',
    );
    folder.run("cc", "-g", "-static", "-o", path, "wait.c");
    return path;
  }
  test("it is found below the process's root, by a path there", async () => {
    using folder = new Folder();
    const path = waiting(folder);
    const id = folder.strip(path, (id) => filed(folder.at("root/usr/lib/debug"), id));
    await inRoot(folder, (pid) => {
      const opened = open(`/proc/${pid}/root/usr/bin/wait`, folder);
      expect(opened.files).toEqual([filed(`/proc/${pid}/root/usr/lib/debug`, id)]);
      expect(described(opened.debug)).toMatch(/^int twice\(n int\)/);
    });
  });
  test("it is found for a program that was deleted since, by what the process maps", async () => {
    using folder = new Folder();
    const path = waiting(folder);
    folder.strip(path, folder.at("root/usr/bin/.debug/wait.debug"));
    folder.run("objcopy", `--add-gnu-debuglink=${folder.at("root/usr/bin/.debug/wait.debug")}`, path);
    await inRoot(folder, (pid) => {
      rmSync(path);
      const range = readFileSync(`/proc/${pid}/maps`, "utf8")
        .split(" ")[0]!
        .replace(/^0+|(?<=-)0+/g, "");
      const opened = open(`/proc/${pid}/map_files/${range}`, folder, "/usr/bin/wait (deleted)");
      expect(opened.files).toEqual([`/proc/${pid}/root/usr/bin/.debug/wait.debug`]);
    });
  });
  test("paths are those of the container", () => {
    expect(placeOf("/proc/12/root/usr/bin/a", "a")).toEqual({ root: "/proc/12/root", path: "/usr/bin/a" });
    expect(placeOf("/proc/12/map_files/1-2", "/usr/bin/a (deleted)")).toEqual({ root: "/proc/12/root", path: "/usr/bin/a" });
  });
});
