/** Programs with debug information of each language, built for tests of types: none is position-independent, so that addresses are as linked. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DW_TAG } from "../../src/dwarf/constants.ts";
import type { Entry } from "../../src/dwarf/entry.ts";
import { debugSections } from "../../src/dwarf/sections.ts";
import { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";

const sources = join(import.meta.dirname, "..", "fixtures", "programs");

/** Builds a text once for each compiler and flags. */
export function built(command: string, flags: readonly string[], text: string, extension: string): string {
  const hash = createHash("sha256")
    // The folder that it is built in is in its debug information.
    .update([process.cwd(), command, ...flags, text].join("\0"))
    .digest("hex")
    .slice(0, 16);
  const folder = join(tmpdir(), `sonde-fixtures-${process.getuid?.() ?? 0}`, hash);
  const out = join(folder, "typed");
  if (existsSync(out)) return out;
  mkdirSync(folder, { recursive: true });
  const source = join(folder, `typed.${extension}`);
  writeFileSync(source, text);
  const unfinished = `${out}.${process.pid}`;
  const [name, ...first] = command.split(" ");
  execFileSync(name!, [...first, ...flags, "-o", unfinished, source], {
    stdio: "pipe",
    env: { ...process.env, PWD: process.cwd(), GOFLAGS: "-buildvcs=false", GO111MODULE: "off" },
  });
  renameSync(unfinished, out);
  return out;
}

const source = (name: string): string => readFileSync(join(sources, name), "utf8");
const C = ["-g", "-no-pie", "-fcf-protection=none", "-w", "-Wno-psabi"];

export const typedC = (...flags: readonly string[]): string => built("cc", [...C, ...flags], source("typed.c"), "c");
export const typedCxx = (...flags: readonly string[]): string => built("c++", [...C, "-std=c++17", ...flags], source("typed.cc"), "cc");
export const typedRust = (...flags: readonly string[]): string =>
  built("rustc", ["-g", "-C", "relocation-model=static", "-A", "warnings", ...flags], source("typed.rs"), "rs");
export const typedGo = (...flags: readonly string[]): string => built("go build", flags, source("typed.go"), "go");
export const gapsGo = (...flags: readonly string[]): string => built("go build", flags, source("gaps.go"), "go");
export const randomC = (text: string, ...flags: readonly string[]): string => built("cc", [...C, ...flags], text, "c");
export const randomCxx = (text: string, ...flags: readonly string[]): string => built("c++", [...C, ...flags], text, "cc");

export function debugOf(path: string): DebugInfo {
  const sections = debugSections(readElf(memorySource(readFileSync(path), path)));
  if (sections === undefined) throw new Error(`${path} has no debug information`);
  return new DebugInfo({ sections });
}

/** Functions that have code of their own, in the order of the file. */
export function* functionsOf(debug: DebugInfo): Generator<Entry> {
  for (const unit of debug.units) yield* below(unit.root, 0);
}

const SCOPES: ReadonlySet<number> = new Set([DW_TAG.namespace, DW_TAG.structure_type, DW_TAG.class_type, DW_TAG.union_type, DW_TAG.enumeration_type]);

function* below(entry: Entry, depth: number): Generator<Entry> {
  if (depth > 40) return;
  for (const child of entry.children()) {
    if (child.tag === DW_TAG.subprogram && child.ranges().length > 0) yield child;
    if (SCOPES.has(child.tag)) yield* below(child, depth + 1);
  }
}
