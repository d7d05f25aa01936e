/** ELF files: what is read of real ones, what is refused, and that damaged ones are never more than an error. */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../errors/error.ts";
import { addressToOffset, codeSegment, offsetToAddress, readElf } from "./image.ts";
import { buildId, debugLink, isGoBinary, parseNotes, readNotes } from "./notes.ts";
import { findRelocations } from "./relocations.ts";
import { memorySource } from "./source.ts";
import { readSymbolTable, STT_FUNC } from "./symbol-table.ts";
import { unwindRange } from "./unwind-table.ts";

/** A small library that this process itself has loaded. */
function smallLibrary(): Uint8Array {
  const paths = new Set<string>();
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const path = /\s(\/\S*\.so\S*)$/.exec(line)?.[1];
    if (path !== undefined && statSync(path, { throwIfNoEntry: false })?.isFile() === true) paths.add(realpathSync(path));
  }
  const [smallest] = [...paths].sort((a, b) => statSync(a).size - statSync(b).size);
  if (smallest === undefined) throw new Error(`this process has loaded no library (${readdirSync("/proc/self/map_files").length} mappings)`);
  return readFileSync(smallest);
}

const library = Uint8Array.from(smallLibrary());

function changed(edit: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = library.slice();
  edit(bytes, new DataView(bytes.buffer));
  return bytes;
}

function codeOf(bytes: Uint8Array): string {
  try {
    readElf(memorySource(bytes));
    return "read";
  } catch (error) {
    if (error instanceof SondeError) return error.code;
    throw error;
  }
}

describe("a real library", () => {
  const image = readElf(memorySource(library));

  test("has code, whose addresses and places in the file lead to one another", () => {
    expect(image.type).toBe("shared");
    const code = image.segments.find((segment) => segment.type === 1 && (segment.flags & 1) !== 0);
    if (code === undefined) throw new Error("no code segment");
    expect(addressToOffset(image, code.address + 5)).toBe(code.offset + 5);
    expect(offsetToAddress(image, code.offset + 5)).toBe(code.address + 5);
    expect(codeSegment(image, code.address)).toBe(code);
    expect(codeSegment(image, code.address - 1)).not.toBe(code);
  });

  test("has a build-id of 20 bytes, and isn't Go", () => {
    expect(buildId(image)).toMatch(/^[0-9a-f]{40}$/);
    expect(readNotes(image).some((note) => note.owner === "GNU")).toBe(true);
    expect(isGoBinary(image)).toBe(false);
  });

  test("has symbols that are found by name, and by the tail of a name only if it is one", () => {
    const table = readSymbolTable(image, "dynsym");
    if (table === undefined) throw new Error("no symbols");
    for (let i = 1; i < table.count; i++) {
      const name = table.name(i);
      if (name !== "") expect(table.find(name)).toContain(i);
    }
    expect(table.find("")).toEqual([]);
    expect(table.find("no_such_symbol_at_all")).toEqual([]);
  });
});

describe("refused", () => {
  test.each([
    ["an empty file", new Uint8Array(0), "SONDE_ELF_NOT_ELF"],
    ["a script", Uint8Array.from(Buffer.from("#!/bin/sh\n")), "SONDE_ELF_NOT_ELF"],
    ["text", Uint8Array.from(Buffer.from("root:x:0:0")), "SONDE_ELF_NOT_ELF"],
    [
      "a 32-bit program",
      changed((bytes) => {
        bytes[4] = 1;
      }),
      "SONDE_ELF_CLASS",
    ],
    [
      "a big-endian program",
      changed((bytes) => {
        bytes[5] = 2;
      }),
      "SONDE_ELF_BYTE_ORDER",
    ],
    [
      "an unknown class",
      changed((bytes) => {
        bytes[4] = 9;
      }),
      "SONDE_ELF_MALFORMED",
    ],
    ["a program for arm64", changed((_, view) => view.setUint16(18, 183, true)), "SONDE_ELF_MACHINE"],
    ["an object file", changed((_, view) => view.setUint16(16, 1, true)), "SONDE_ELF_RELOCATABLE"],
    ["a core dump", changed((_, view) => view.setUint16(16, 4, true)), "SONDE_ELF_CORE"],
    ["only a header", library.slice(0, 64), "SONDE_ELF_TRUNCATED"],
    ["half a header", library.slice(0, 40), "SONDE_ELF_TRUNCATED"],
    ["the first half", library.slice(0, library.length >> 1), "SONDE_ELF_TRUNCATED"],
    ["section headers beyond any file", changed((_, view) => view.setBigUint64(40, 1n << 62n, true)), "SONDE_ELF_MALFORMED"],
    ["too many segments", changed((_, view) => view.setUint16(56, 0xfffe, true)), "SONDE_ELF_MALFORMED"],
    ["section headers of another size", changed((_, view) => view.setUint16(58, 40, true)), "SONDE_ELF_MALFORMED"],
  ])("%s", (_, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test("a table that claims to be huge, before memory is asked for it", () => {
    const source = {
      name: "huge",
      size: 2 ** 40,
      read: (offset: number, length: number) => Uint8Array.from(library.subarray(offset, offset + Math.min(length, 1 << 20))),
    };
    const bytes = changed((_, view) => {
      // The first section's size stands for their number, where the header says 0.
      view.setUint16(60, 0, true);
      const sections = Number(view.getBigUint64(40, true));
      view.setBigUint64(sections + 32, 1n << 40n, true);
    });
    expect(() => readElf({ ...source, read: (offset, length) => bytes.subarray(offset, offset + Math.min(length, 1 << 20)) })).toThrow(SondeError);
  });
});

describe("notes", () => {
  test("are read in order; one that would end behind the bytes is left out", () => {
    const note = (owner: string, type: number, content: string): number[] => {
      const head = new DataView(new ArrayBuffer(12));
      head.setUint32(0, owner.length + 1, true);
      head.setUint32(4, content.length, true);
      head.setUint32(8, type, true);
      const pad = (text: string): number[] => [...Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4, "\0"))];
      return [...new Uint8Array(head.buffer), ...pad(`${owner}\0`), ...pad(content)];
    };
    const bytes = Uint8Array.from([...note("stapsdt", 3, "12345"), ...note("GNU", 1, "")]);
    expect(parseNotes(bytes).map((each) => [each.owner, each.type, each.content.length])).toEqual([
      ["stapsdt", 3, 5],
      ["GNU", 1, 0],
    ]);
    expect(parseNotes(bytes.subarray(0, bytes.length - 4))).toHaveLength(1);
    expect(parseNotes(Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]))).toEqual([]);
  });
});

/** Everything that can be asked of a file. */
function readAll(bytes: Uint8Array): void {
  const image = readElf(memorySource(bytes));
  const attempts = [
    () => buildId(image),
    () => debugLink(image),
    () => isGoBinary(image),
    () => findRelocations(image, () => false),
    () => unwindRange(image, image.entry),
    () => {
      for (const which of ["symtab", "dynsym"] as const) {
        const table = readSymbolTable(image, which);
        if (table === undefined) continue;
        table.find("malloc");
        table.functionsStarting(Buffer.from("a"));
        table.functionsAt(new Set([4096, image.entry]));
        for (let i = 0; i < Math.min(table.count, 500); i++) {
          table.name(i);
          if (table.type(i) === STT_FUNC) unwindRange(image, table.address(i));
        }
      }
    },
  ];
  for (const attempt of attempts) {
    try {
      attempt();
    } catch (error) {
      if (!(error instanceof SondeError)) throw error;
    }
  }
}

function onlySondeErrors(bytes: Uint8Array): void {
  try {
    readAll(bytes);
  } catch (error) {
    if (!(error instanceof SondeError) || !error.code.startsWith("SONDE_ELF_")) throw error;
  }
}

describe("damaged files give an error of ours or nothing", () => {
  // Tables and headers are where damage tells: they are at both ends of the file.
  const place = fc.oneof(fc.nat(4095), fc.integer({ min: Math.max(0, library.length - 4096), max: library.length - 1 }), fc.nat(library.length - 1));
  const value = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));

  test("some bytes changed", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 12 }), (edits) => {
        onlySondeErrors(
          changed((bytes) => {
            for (const [at, byte] of edits) bytes[at] = byte;
          }),
        );
      }),
      { numRuns: 1500 },
    );
  });

  test("words of a header or table replaced by extreme ones", () => {
    const word = fc.constantFrom(
      0n,
      1n,
      0xffffn,
      0xffff_ffffn,
      0x7fff_ffff_ffff_ffffn,
      0xffff_ffff_ffff_ffffn,
      BigInt(library.length),
      BigInt(library.length - 1),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(place, word), { minLength: 1, maxLength: 4 }), (edits) => {
        onlySondeErrors(
          changed((bytes, view) => {
            for (const [at, w] of edits) if (at + 8 <= bytes.length) view.setBigUint64(at & ~3, w, true);
          }),
        );
      }),
      { numRuns: 1500 },
    );
  });

  test("cut anywhere", () => {
    fc.assert(
      fc.property(fc.nat(library.length), (length) => onlySondeErrors(library.subarray(0, length))),
      { numRuns: 300 },
    );
  });

  test("random bytes behind an ELF header", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2048 }), (bytes) => onlySondeErrors(Uint8Array.from([...library.subarray(0, 64), ...bytes]))),
      { numRuns: 500 },
    );
  });
});
