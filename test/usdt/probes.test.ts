/** Static probes of programs, as readelf has them; what is left of them in files that are changed, and what lying notes come to. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ElfImage, findSection, readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { readStapsdtNotes } from "../../src/elf/stapsdt.ts";
import { SondeError } from "../../src/errors/error.ts";
import { readUsdtProbes, type UsdtProbes } from "../../src/symbols/usdt/probes.ts";
import { variablesOf } from "../../src/symbols/usdt/variables.ts";
import { usdtProgram } from "../fixtures/build.ts";
import { where } from "../real-programs/support.ts";
import { notesByReadelf } from "./readelf.ts";

const imageOf = (bytes: Uint8Array): ElfImage => readElf(memorySource(Uint8Array.from(bytes), "app"));
const probesIn = (image: ElfImage): UsdtProbes => readUsdtProbes(image, variablesOf(image));
const textOf = (command: string, ...args: readonly string[]): string => execFileSync(command, args, { encoding: "utf8" }).trim();

/** Every note is read as readelf reads it, and every one is a probe's site; gives how many. */
function compare(path: string): number {
  const image = imageOf(readFileSync(path));
  const theirs = notesByReadelf(path);
  expect(readStapsdtNotes(image)).toEqual({ notes: theirs, leftOut: [] });
  const { probes, leftOut } = probesIn(image);
  expect(leftOut).toEqual([]);
  const ours = probes.flatMap(({ provider, name, sites }) =>
    sites.map(({ address, semaphore, operands }) => [Number(address), provider, name, Number(semaphore?.address ?? 0), operands]),
  );
  const byPlace = (a: readonly unknown[], b: readonly unknown[]): number => Number(a[0]) - Number(b[0]);
  expect(ours.sort(byPlace)).toEqual(theirs.map((note) => [note.location, note.provider, note.name, note.semaphore, note.args]).sort(byPlace));
  expect(new Set(probes.map(({ provider, name }) => `${provider}:${name}`)).size).toBe(probes.length);
  return theirs.length;
}

describe("readelf has the same probes, operands and semaphores", () => {
  test.each([
    ["-O0", {}],
    ["-O2", { optimize: "2" }],
    ["at fixed addresses", { optimize: "2", fixed: true }],
    ["stripped", { optimize: "2", stripped: true }],
    ["static", { optimize: "2", static: true, fixed: true }],
    ["with notes that are loaded", { optimize: "2", fixed: true, allocated: true }],
  ] as const)("of the fixture %s", (_, options) => {
    expect(compare(usdtProgram(options))).toBeGreaterThanOrEqual(18);
  });
  test("of libstdc++", () => expect(compare(textOf("c++", "-print-file-name=libstdc++.so.6"))).toBeGreaterThanOrEqual(3));
  const python = where("/usr/bin/python3");
  test.skipIf(python === undefined)("of Python", () => expect(compare(python!)).toBeGreaterThanOrEqual(8));
  const java = where("java");
  test.skipIf(java === undefined)("of the Java virtual machine", () =>
    expect(compare(join(dirname(dirname(java!)), "lib/server/libjvm.so"))).toBeGreaterThanOrEqual(500),
  );
  const postgres = where("postgres");
  test.skipIf(postgres === undefined)("of PostgreSQL", () => expect(compare(postgres!)).toBeGreaterThanOrEqual(50));
});

describe("of what real programs have, every argument can be read", () => {
  const unreadable = (path: string): string[] =>
    probesIn(imageOf(readFileSync(path))).probes.flatMap(({ name, sites }) =>
      sites.flatMap(({ operands, signature }) => signature.params.flatMap(({ place }) => (place?.k === "none" ? `${name} ${operands}: ${place.why}` : []))),
    );
  const programs = ["/usr/bin/python3", "postgres"].flatMap((name) => where(name) ?? []);
  test("in libstdc++", () => expect(unreadable(textOf("c++", "-print-file-name=libstdc++.so.6"))).toEqual([]));
  test.skipIf(programs.length === 0).each(programs)("in %s", (path) => expect(unreadable(path)).toEqual([]));
});

describe("the fixture's probes", () => {
  const bytes = readFileSync(usdtProgram({ optimize: "2" }));
  const image = imageOf(bytes);
  const { probes } = probesIn(image);
  const probe = (full: string) => probes.find(({ provider, name }) => `${provider}:${name}` === full)!;

  test("are grouped by provider and name, in order", () => {
    const names = probes.map(({ provider, name }) => `${provider}:${name}`);
    expect(names).toEqual([...names].sort());
    expect(names).toContain("others:counted");
  });
  test("that are inlined have a site in each function, with operands and a signature of its own", () => {
    const { sites } = probe("counts:counted");
    expect(sites.map(({ operands }) => operands).sort()).toEqual(["-4@$3 -8@$-4", "-4@%edi -8@%rsi", "-4@%esi -8@%rax"]);
    expect(sites.map(({ offset }) => offset)).toEqual(sites.map(({ offset }) => offset).sort((a, b) => a - b));
    for (const { signature } of sites)
      expect(signature.params.map(({ name, type }) => [name, type])).toEqual([
        ["arg0", { k: "int", name: "i32" }],
        ["arg1", { k: "int", name: "i64" }],
      ]);
    expect(new Set(sites.map(({ signature }) => JSON.stringify(signature, (_, value) => (typeof value === "bigint" ? `${value}n` : value)))).size).toBe(3);
  });
  test("are at nops, by their places in the file", () => {
    for (const { sites } of probes) for (const { offset } of sites) expect(bytes[offset]).toBe(0x90);
  });
  test("have one semaphore for all their sites, which is 0 in the file", () => {
    const semaphores = probe("counts:counted").sites.map(({ semaphore }) => semaphore!);
    expect(new Set(semaphores.map(({ address }) => address)).size).toBe(1);
    expect(bytes.readUInt16LE(semaphores[0]!.offset!)).toBe(0);
    const section = findSection(image, ".probes")!;
    expect(semaphores[0]!.offset).toBeGreaterThanOrEqual(section.offset);
    expect(semaphores[0]!.offset).toBeLessThan(section.offset + section.size);
    expect(probe("others:counted").sites[0].semaphore).toBeUndefined();
    expect(probe("counts:idle").sites[0].semaphore!.address).not.toBe(semaphores[0]!.address);
  });
  test("say of what they have no way to why that is", () => {
    const reasons = probe("forms:unreadable").sites[0].signature.params.map(({ place }) => (place?.k === "none" ? place.why : JSON.stringify(place)));
    expect(reasons).toEqual([
      expect.stringContaining("table@GOTPCREL"),
      expect.stringContaining("thread's own"),
      expect.stringContaining("thread's own"),
      expect.stringContaining("doesn't have, or was stripped of"),
      expect.stringContaining("has several of"),
      expect.stringContaining("10 bytes"),
      expect.stringContaining("%rip"),
      expect.stringContaining("isn't understood"),
      expect.stringContaining("isn't understood"),
      expect.stringContaining("isn't understood"),
    ]);
  });
  test("of which there are more than twelve arguments have twelve", () => expect(probe("forms:thirteen").sites[0].signature.params).toHaveLength(12));
  test("that name variables lack them once the file is stripped, and find them in the file that has them", () => {
    const stripped = imageOf(readFileSync(usdtProgram({ optimize: "2", stripped: true })));
    const places = (elsewhere?: () => ElfImage) =>
      readUsdtProbes(stripped, variablesOf(stripped, elsewhere))
        .probes.find(({ name }) => name === "symbols")!
        .sites[0].signature.params.map(({ place }) => place?.k);
    expect(places()).toEqual(["none", "none", "none", "none", "none", "none", "none", "memory"]);
    expect(places(() => image)).toEqual(["memory", "memory", "memory", "memory", "memory", "memory", "value", "memory"]);
  });
});

describe("a file that is changed", () => {
  const original = readFileSync(usdtProgram({ optimize: "2", fixed: true, allocated: true }));
  const image = imageOf(original);
  const section = findSection(image, ".note.stapsdt")!;
  const changed = (edit: (bytes: Buffer) => void): ElfImage => {
    const bytes = Buffer.from(original);
    edit(bytes);
    return imageOf(bytes);
  };
  /** Where in the file the three addresses of each note are. */
  const notes: number[] = [];
  for (let at = section.offset; at < section.offset + section.size; at += 20 + ((original.readUInt32LE(at + 4) + 3) & ~3)) notes.push(at + 20);

  test("has the same probes without section headers, if its notes are loaded", () => {
    const without = changed((bytes) => {
      bytes.fill(0, 40, 48);
      bytes.fill(0, 58, 64);
    });
    expect(without.sections).toEqual([]);
    expect(readStapsdtNotes(without)).toEqual(readStapsdtNotes(image));
    expect(probesIn(without).probes.length).toBe(probesIn(image).probes.length);
  });
  test("has the same probes where its notes are from before it was prelinked", () => {
    const prelinked = changed((bytes) => {
      for (const at of notes)
        for (const word of [at, at + 8, at + 16]) {
          const value = bytes.readBigUInt64LE(word);
          if (value !== 0n) bytes.writeBigUInt64LE(value - 0x12345n, word);
        }
    });
    expect(readStapsdtNotes(prelinked)).toEqual(readStapsdtNotes(image));
  });
  test.each<[string, (bytes: Buffer, at: number) => void, string]>([
    ["in the middle of an instruction", (bytes, at) => bytes.writeBigUInt64LE(BigInt(image.entry + 1), at), "the instruction at its place isn't a nop"],
    ["in data", (bytes, at) => bytes.writeBigUInt64LE(BigInt(findSection(image, ".data")!.address), at), "its place isn't in the file's code"],
    ["nowhere", (bytes, at) => bytes.writeBigUInt64LE(0x1000n, at), "its place isn't in the file's code"],
    [
      "where another one is, of the same probe",
      (bytes, at) => {
        const counted = notes.filter((one) => bytes.toString("latin1", one + 24, one + 38) === "counts\0counted");
        expect(at).toBe(notes[0]);
        bytes.copy(bytes, counted[0]!, counted[1]!, counted[1]! + 8);
      },
      "another note of the probe has the same place",
    ],
  ])("has one probe's site less where a note says that it is %s", (_, edit, why) => {
    const lying = probesIn(changed((bytes) => edit(bytes, notes[0]!)));
    expect(lying.leftOut).toEqual([{ why, count: 1 }]);
    const count = ({ probes }: UsdtProbes): number => probes.reduce((sum, { sites }) => sum + sites.length, 0);
    expect(count(lying)).toBe(notes.length - 1);
  });
  test.each([
    ["code", () => BigInt(image.entry)],
    ["nothing", () => 0x10n],
    [
      "the last byte of the data",
      () => BigInt(Math.max(...image.segments.filter(({ type, flags }) => type === 1 && (flags & 2) !== 0).map((one) => one.address + one.memorySize))) - 1n,
    ],
  ])("has no probe whose semaphore would be in %s", (_, address) => {
    const lying = probesIn(changed((bytes) => void bytes.writeBigUInt64LE(address(), notes[0]! + 16)));
    expect(lying.leftOut).toEqual([{ why: "its semaphore isn't in the program's writable memory", count: 1 }]);
  });
  test("has semaphores that are in memory only where they are among its zeros", () => {
    const { address, size } = findSection(image, ".bss")!;
    const { probes } = probesIn(changed((bytes) => void bytes.writeBigUInt64LE(BigInt(address + size - 2), notes[0]! + 16)));
    const semaphores = probes.flatMap(({ sites }) => sites.flatMap(({ semaphore }) => semaphore ?? []));
    expect(semaphores).toContainEqual({ address: BigInt(address + size - 2), offset: undefined });
  });

  test("is read or refused with an error that has a code, and probes are at nops only, whatever was changed", () => {
    const inNotes = fc.integer({ min: section.offset, max: section.offset + section.size });
    const interesting = fc.oneof(
      { weight: 8, arbitrary: inNotes },
      fc.nat(63),
      fc.integer({ min: 64, max: 64 + 56 * 13 }),
      fc.integer({ min: original.length - 64 * 40, max: original.length - 1 }),
      fc.nat(original.length - 1),
    );
    const values = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 7, 127, 128, 255));
    let read = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(interesting, values), { minLength: 1, maxLength: 8 }), fc.option(fc.nat(original.length), { freq: 1 }), (edits, end) => {
        const bytes = Buffer.from(end === null ? original : original.subarray(0, end));
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        try {
          const { probes } = probesIn(imageOf(bytes));
          for (const { sites } of probes) {
            for (const { offset, signature } of sites) {
              if (!/^(90|6690|0f1f|660f1f)/.test(bytes.toString("hex", offset, offset + 3)))
                throw new Error(`a probe at ${offset}: ${bytes.toString("hex", offset, offset + 3)}`);
              if (signature.params.length > 12) throw new Error("too many arguments");
            }
          }
          read++;
        } catch (error) {
          if (!(error instanceof SondeError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
    expect(read).toBeGreaterThan(400);
  });
});
