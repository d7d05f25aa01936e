/** The index of functions is made once for the same debug information. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { functionIndex } from "../../src/symbols/debug-files/index-cache.ts";
import { type OpenedDebugInfo, openDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { cacheFolder } from "../../src/sys/cache-folder.ts";
import { Folder, imageOf } from "./build.ts";

const cache = mkdtempSync(join(tmpdir(), "sonde-index-cache-"));
vi.stubEnv("XDG_CACHE_HOME", cache);
const folderOfIndices = (): string => join(cacheFolder(), "functions");
const kept = (): string[] => (existsSync(folderOfIndices()) ? readdirSync(folderOfIndices()) : []);
afterEach(() => rmSync(folderOfIndices(), { recursive: true, force: true }));
afterAll(() => rmSync(cache, { recursive: true }));

function open(path: string, folder: Folder): OpenedDebugInfo {
  const found = openDebugInfo(path, imageOf(path), { environment: { HOME: folder.path } });
  if ("missing" in found) throw new Error("nothing is found");
  return found;
}
const names = (opened: OpenedDebugInfo, most?: number): readonly string[] => {
  const index = functionIndex(opened, most);
  return ["hidden", "main", "twice"].filter((name) => index.named(name).length > 0);
};

test("it is kept, and read instead of being made", () => {
  using folder = new Folder();
  const opened = open(folder.program("a"), folder);
  expect(names(opened)).toEqual(["hidden", "main", "twice"]);
  expect(kept()).toHaveLength(1);
  const [own] = kept();
  functionIndex(open(folder.program("b", "-Dhidden=covered"), folder));
  const other = kept().find((name) => name !== own);
  // Another program's in its place shows that it is read.
  copyFileSync(join(folderOfIndices(), other!), join(folderOfIndices(), own!));
  expect(functionIndex(opened).named("covered")).toHaveLength(1);
});
test("another one is made where the debug information is another, though the build-id is the same", () => {
  using folder = new Folder();
  const path = folder.program("a");
  names(open(path, folder));
  folder.run("objcopy", "--compress-debug-sections=zlib", "a");
  names(open(path, folder));
  expect(kept()).toHaveLength(2);
});
test("a damaged one is made again", () => {
  using folder = new Folder();
  const opened = open(folder.program("a"), folder);
  names(opened);
  writeFileSync(join(folderOfIndices(), kept()[0]!), "damaged");
  expect(names(opened)).toEqual(["hidden", "main", "twice"]);
});
test("it isn't kept where units are in files of their own, which may change without the program", () => {
  using folder = new Folder();
  expect(names(open(folder.program("a", "-gsplit-dwarf"), folder))).toEqual(["hidden", "main", "twice"]);
  rmSync(folder.at("a-main.c.dwo"));
  folder.program("c", "-gsplit-dwarf");
  rmSync(folder.at("c-main.c.dwo"));
  expect(names(open(folder.at("c"), folder))).toEqual(["hidden", "twice"]);
  expect(kept()).toEqual([]);
});
test("all together are bounded: those that nobody has used for the longest time go", () => {
  using folder = new Folder();
  const opened = open(folder.program("a"), folder);
  names(opened);
  const [first] = kept();
  const most = 1 << 20;
  const put = (name: string, age: number): void => {
    const path = join(folderOfIndices(), name);
    writeFileSync(path, new Uint8Array(most / 4));
    utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
  };
  put("old", 3000);
  put("older", 4000);
  put("new", 1000);
  put("newer", 500);
  utimesSync(join(folderOfIndices(), first!), 0, 0);
  // Used again, it isn't the oldest any more.
  names(opened);
  names(open(folder.program("b", "-O2"), folder), most);
  expect(kept()).toEqual(expect.arrayContaining([first, "new", "newer"]));
  expect(kept()).not.toContain("older");
});
test("one that would take more than half of the room isn't kept", () => {
  using folder = new Folder();
  expect(names(open(folder.program("a"), folder), 1000)).toEqual(["hidden", "main", "twice"]);
  expect(kept()).toEqual([]);
});
