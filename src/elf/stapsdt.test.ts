/** Notes of static probes, as they are written and as nobody writes them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../errors/error.ts";
import type { ElfImage } from "./image.ts";
import { memorySource } from "./source.ts";
import { readStapsdtNotes } from "./stapsdt.ts";

interface Written {
  readonly location?: bigint;
  readonly base?: bigint;
  readonly semaphore?: bigint;
  readonly texts?: readonly string[];
  readonly owner?: string;
  readonly type?: number;
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

function note({ location = 0x1000n, base = 0n, semaphore = 0n, texts = ["app", "hit", "8@%rax"], owner = "stapsdt", type = 3 }: Written = {}): Buffer {
  const addresses = Buffer.alloc(24);
  [location, base, semaphore].forEach((value, i) => {
    addresses.writeBigUInt64LE(value, 8 * i);
  });
  const content = Buffer.concat([addresses, ...texts.map((text) => Buffer.from(`${text}\0`))]);
  const header = Buffer.alloc(12);
  const name = Buffer.from(`${owner}\0`);
  [name.length, content.length, type].forEach((value, i) => {
    header.writeUInt32LE(value, 4 * i);
  });
  return Buffer.concat([header, padded(name), padded(content)]);
}

const section = { index: 1, flags: 0, address: 0, offset: 0, link: 0, info: 0, entrySize: 0 };
/** `base`: the address of .stapsdt.base. */
const image = (content: Uint8Array, base?: number, claims = content.length): ElfImage => ({
  source: memorySource(content, "app"),
  type: "shared",
  entry: 0,
  segments: [],
  sections: [
    { ...section, name: ".note.stapsdt", type: 7, size: claims },
    ...(base === undefined ? [] : [{ ...section, index: 2, name: ".stapsdt.base", type: 1, address: base, size: 1 }]),
  ],
});
const hit = { provider: "app", name: "hit", location: 0x1000, semaphore: 0, args: "8@%rax" };

describe("notes of static probes", () => {
  test("are read in the file's order, beside other notes", () => {
    const other = note({ owner: "GNU", type: 3 });
    expect(readStapsdtNotes(image(Buffer.concat([note(), other, note({ texts: ["app", "miss", ""] }), note({ type: 2 })])))).toEqual({
      notes: [hit, { ...hit, name: "miss", args: "" }],
      leftOut: [],
    });
  });
  test("have addresses that are off by what prelinking has moved the base", () => {
    const moved = note({ location: 0x1000n, base: 0x2000n, semaphore: 0x3000n });
    expect(readStapsdtNotes(image(moved, 0x7f002000)).notes).toEqual([{ ...hit, location: 0x7f001000, semaphore: 0x7f003000 }]);
    expect(readStapsdtNotes(image(moved, 0x1800)).notes).toEqual([{ ...hit, location: 0x800, semaphore: 0x2800 }]);
    expect(readStapsdtNotes(image(moved, 0x2000)).notes).toEqual([{ ...hit, semaphore: 0x3000 }]);
  });
  test("have the addresses that are written where there is no base, in the note or in the file", () => {
    expect(readStapsdtNotes(image(note({ base: 0n }), 0x5000)).notes).toEqual([hit]);
    expect(readStapsdtNotes(image(note({ base: 0x2000n }))).notes).toEqual([hit]);
  });
  test("without a semaphore have none, wherever the base is", () =>
    expect(readStapsdtNotes(image(note({ base: 0x2000n }), 0x5000)).notes).toEqual([{ ...hit, location: 0x4000 }]));
  test("are found in a segment where there are no section headers", () => {
    const content = Buffer.concat([note(), note({ texts: ["app", "miss", ""] })]);
    const segment = { type: 4, flags: 4, offset: 0, address: 0, fileSize: content.length, memorySize: content.length };
    expect(readStapsdtNotes({ ...image(content), sections: [], segments: [segment] }).notes).toHaveLength(2);
  });
});

describe("a note is left out, and counted with the reason, ", () => {
  test.each<[string, Buffer, string]>([
    ["that has no room for names", note({ texts: ["a"] }), "its note is cut short"],
    ["without an end of its operands", note({ texts: ["app", "hit"] }), "its names or operands don't end, or are too long"],
    ["with a name that is far too long", note({ texts: ["app", "h".repeat(300), ""] }), "its names or operands don't end, or are too long"],
    ["with operands that are far too long", note({ texts: ["app", "hit", "8@%rax ".repeat(5000)] }), "its names or operands don't end, or are too long"],
    ["without a name", note({ texts: ["app", "", "8@%rax"] }), "its name is empty"],
    ["without a provider", note({ texts: ["", "hit", "8@%rax"] }), "its name is empty"],
    ["with a name that would do something to a terminal", note({ texts: ["app", "\x1b[2J", ""] }), "its names or operands have control characters"],
    ["without a location", note({ location: 0n }), "its address is beyond any file"],
    ["with a location beyond any file", note({ location: 1n << 60n }), "its address is beyond any file"],
    ["with a semaphore beyond any file", note({ semaphore: (1n << 64n) - 1n }), "its address is beyond any file"],
  ])("%s", (_, content, why) => {
    expect(readStapsdtNotes(image(Buffer.concat([content, note()])))).toEqual({ notes: [hit], leftOut: [{ why, count: 1 }] });
  });
  test("that the base moves out of any file", () =>
    expect(readStapsdtNotes(image(note({ base: 0x5000n }), 0x1000)).leftOut).toEqual([{ why: "its address is beyond any file", count: 1 }]));
  test("that is cut short by the section's end: those before it are read", () => {
    const cut = Buffer.concat([note(), note().subarray(0, 40)]);
    expect(readStapsdtNotes(image(cut))).toEqual({ notes: [hit], leftOut: [{ why: "its note is cut short", count: 1 }] });
  });
  test("that is one of more than any file has", () => {
    const one = note({ texts: ["a", "b", ""] });
    const { notes, leftOut } = readStapsdtNotes(image(Buffer.alloc(one.length * 33_000, one)));
    expect([notes.length, leftOut]).toEqual([32_768, [{ why: "no more than 32768 are read of a file", count: 232 }]]);
  });
  test("with its whole section, where that is larger than all notes that there are", () =>
    expect(readStapsdtNotes(image(note(), undefined, 2 ** 40)).leftOut).toEqual([{ why: "the file has more notes than are read", count: 1 }]));
});

test("a section that the file ends in is an error of the file", () => {
  expect(() => readStapsdtNotes(image(note(), undefined, 4096))).toThrow(SondeError);
});

test("whatever the section holds, what is read has names and addresses", () => {
  const pieces = fc.oneof(fc.constant(note()), fc.constant(note({ base: 0x2000n, semaphore: 8n })), fc.uint8Array({ maxLength: 40 }).map(Buffer.from));
  const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 5 }), changes, fc.option(fc.nat()), (blocks, edits, base) => {
      const bytes = Buffer.concat(blocks);
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
      const { notes, leftOut } = readStapsdtNotes(image(bytes, base ?? undefined));
      const sound = notes.every(
        ({ provider, name, location, semaphore }) => provider !== "" && name !== "" && location > 0 && Number.isSafeInteger(location) && semaphore >= 0,
      );
      return sound && leftOut.every(({ count }) => count > 0);
    }),
    { numRuns: 2000 },
  );
});
