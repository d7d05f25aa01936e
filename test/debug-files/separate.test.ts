/** Debug information apart from the program: found by build-id and by link, with a supplementary file, in containers; and what isn't taken. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { missingError } from "../../src/symbols/debug-files/missing.ts";
import { type OpenedDebugInfo, openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { placeOf } from "../../src/symbols/debug-files/where.ts";
import { described, Folder, filed, idOf, imageOf, provide, TWICE } from "./build.ts";

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
  test("is missed, and not done without", () => {
    using folder = new Folder();
    const path = shared(folder, "common.debug");
    const id = idOf(folder.at("common.debug"));
    rmSync(folder.at("common.debug"));
    const missing = missingOf(path, folder);
    expect(missing.buildId).toBe(id);
    expect(missingError(missing).message).toBe(`debug information of ${path} is incomplete: common.debug, which it shares with other programs, isn't there`);
  });
  test("of another build isn't taken", () => {
    using folder = new Folder();
    const path = shared(folder, "common.debug");
    copyFileSync(folder.program("c"), folder.at("common.debug"));
    expect(missingOf(path, folder).rejected[0]!.why).toMatch("of another build");
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
