/** What /proc says, read of ourselves and of lines made by hand. */
import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  commOf,
  executableOf,
  innerPid,
  isAlive,
  isMappingOf,
  listProcesses,
  parseMappings,
  processesMapping,
  processesNamed,
  readMappings,
  rootOf,
  seccompMode,
  threadsOf,
} from "./procfs.ts";

describe("mappings", () => {
  test("each part of a line", () => {
    expect(parseMappings("7f0000001000-7f0000003000 r-xp 00002000 fe:01 4242                    /usr/lib/a b.so\n")).toEqual([
      {
        start: 0x7f0000001000,
        end: 0x7f0000003000,
        permissions: "r-xp",
        offset: 0x2000,
        device: 0xfe01n,
        inode: 4242n,
        path: "/usr/lib/a b.so",
        deleted: false,
        range: "7f0000001000-7f0000003000",
      },
    ]);
  });

  test("a deleted file's path is without the mark; memory that belongs to no file has none", () => {
    const [gone, anonymous, stack] = parseMappings(
      "1000-2000 r--p 00000000 08:02 7 /lib/x.so (deleted)\n2000-3000 rw-p 00000000 00:00 0 \n3000-4000 rw-p 00000000 00:00 0                          [stack]\n",
    );
    expect(gone).toMatchObject({ path: "/lib/x.so", deleted: true });
    expect(anonymous).toMatchObject({ path: "", deleted: false, inode: 0n });
    expect(stack).toMatchObject({ path: "[stack]" });
  });

  test("a file's mapping is known by its inode and device, as stat gives them", () => {
    const executable = statSync("/proc/self/exe", { bigint: true });
    const file = { inode: executable.ino, device: executable.dev, path: executableOf(process.pid) ?? "" };
    expect(readMappings(process.pid).some((mapping) => isMappingOf(mapping, file))).toBe(true);
    expect(readMappings(process.pid).some((mapping) => isMappingOf(mapping, { ...file, inode: 0n }))).toBe(false);
    expect(processesMapping(file)).toContain(process.pid);
  });
});

describe("this process", () => {
  test("is listed, alive, and has its name, threads and executable", () => {
    expect(listProcesses()).toContain(process.pid);
    expect(isAlive(process.pid)).toBe(true);
    expect(commOf(process.pid)).toBe(readFileSync("/proc/self/comm", "utf8").trim());
    expect(processesNamed(commOf(process.pid))).toContain(process.pid);
    expect(threadsOf(process.pid)).toContain(process.pid);
    expect(threadsOf(process.pid).length).toBeGreaterThan(1);
    expect(statSync(executableOf(process.pid) ?? "").ino).toBe(statSync("/proc/self/exe").ino);
    expect(rootOf(process.pid)).toBe("");
    expect(innerPid(process.pid)).toBeGreaterThan(0);
    expect([0, 1, 2]).toContain(seccompMode(process.pid));
  });

  test("one that isn't there is an error with its number", () => {
    for (const read of [readMappings, commOf, threadsOf, seccompMode]) {
      expect(() => read(4_194_305)).toThrow(expect.objectContaining({ code: "SONDE_PROCESS_NOT_FOUND", where: "pid 4194305" }));
    }
    expect(isAlive(4_194_305)).toBe(false);
  });
});
