/** Symbols of stripped programs: from what Fedora packs into them, and from their debug information's file. */
import { writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import type { ElfImage } from "../../src/elf/image.ts";
import { readSymbolTable } from "../../src/elf/symbol-table.ts";
import { symbolsElsewhere } from "../../src/symbols/debug-files/symbols.ts";
import { provide } from "../fixtures/packages.ts";
import { Folder, filed, imageOf } from "./build.ts";

beforeAll(() => provide("xz"), 300_000);

/** The address of a function, by the symbols of an image. */
function addressOf(image: ElfImage | undefined, name: string): number | undefined {
  const table = image && readSymbolTable(image, "symtab");
  const [row] = table?.find(name) ?? [];
  return row === undefined ? undefined : table!.address(row);
}
const elsewhere = (path: string, folder: Folder) =>
  symbolsElsewhere(path, imageOf(path), { environment: { HOME: folder.path, SONDE_DEBUG_PATH: folder.at("debug") } });

/** As find-debuginfo of Fedora does it: the symbols of functions that aren't exported, packed by xz. */
function withMiniDebugInfo(folder: Folder): { readonly path: string; readonly address: number } {
  const path = folder.program("a");
  const address = addressOf(imageOf(path), "hidden")!;
  writeFileSync(folder.at("keep"), "hidden\ntwice\nmain\n");
  folder.run("objcopy", "--only-keep-debug", "a", "a.debug");
  folder.run("objcopy", "-S", "--remove-section", ".gdb_index", "--remove-section", ".comment", "--keep-symbols=keep", "a.debug", "a.mini");
  folder.run("strip", "a");
  folder.run("xz", "-f", "a.mini");
  folder.run("objcopy", "--add-section", ".gnu_debugdata=a.mini.xz", "a");
  return { path, address };
}

test("functions that aren't exported are in .gnu_debugdata", () => {
  using folder = new Folder();
  const { path, address } = withMiniDebugInfo(folder);
  expect(addressOf(imageOf(path), "hidden")).toBeUndefined();
  const found = elsewhere(path, folder);
  expect(found!.source.name).toBe(`${path} .gnu_debugdata`);
  expect(addressOf(found, "hidden")).toBe(address);
});
test("those of the debug information's file come first: they are all there", () => {
  using folder = new Folder();
  const path = folder.program("a");
  const address = addressOf(imageOf(path), "hidden");
  const id = folder.strip(path, (id) => filed(folder.at("debug"), id));
  const found = elsewhere(path, folder);
  expect([found!.source.name, addressOf(found, "hidden")]).toEqual([filed(folder.at("debug"), id), address]);
});
test("a program that has its symbols needs no others, and damaged ones are none", () => {
  using folder = new Folder();
  expect(elsewhere(folder.program("b"), folder)).toBeUndefined();
  const { path } = withMiniDebugInfo(folder);
  writeFileSync(folder.at("bad"), "not xz");
  folder.run("objcopy", "--update-section", ".gnu_debugdata=bad", "a");
  expect(elsewhere(path, folder)).toBeUndefined();
});
