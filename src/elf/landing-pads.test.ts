/** Landing pads of the C++ library that the tests run on: every one is an instruction of a function that has a frame. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { expect, test } from "vitest";
import { instructionBoundaries } from "../x86/full-decoder.ts";
import { addressToOffset, type ElfImage, readElf } from "./image.ts";
import { landingPads } from "./landing-pads.ts";
import { unwindRange } from "./unwind-table.ts";

function inImage(path: string, look: (image: ElfImage) => void): void {
  const descriptor = openSync(path, "r");
  try {
    const read = (offset: number, length: number): Uint8Array => {
      const part = new Uint8Array(length);
      return part.subarray(0, readSync(descriptor, part, 0, length, offset));
    };
    look(readElf({ name: path, size: fstatSync(descriptor).size, read }));
  } finally {
    closeSync(descriptor);
  }
}

const library = readFileSync("/proc/self/maps", "utf8")
  .split("\n")
  .map((line) => line.slice(73))
  .find((path) => /\/libstdc\+\+[^/]*$/.test(path)) as string;

test("every landing pad of a real library is an instruction of a function", { timeout: 60_000 }, () => {
  inImage(library, (image) => {
    const pads = landingPads(image) ?? [];
    expect(pads.length).toBeGreaterThan(1000);
    let looked = 0;
    for (let i = 0; i < pads.length; i += Math.ceil(pads.length / 300)) {
      const pad = pads[i] as number;
      const range = unwindRange(image, pad);
      if (range === undefined || range.size > 20_000) continue;
      const code = image.source.read(addressToOffset(image, range.address) as number, range.size);
      const boundaries = instructionBoundaries(code);
      expect([pad.toString(16), boundaries.includes(pad - range.address)]).toEqual([pad.toString(16), true]);
      looked++;
    }
    expect(looked).toBeGreaterThan(100);
  });
});

test("damaged tables are no tables: nothing is said rather than something wrong", () => {
  const bytes = Uint8Array.of(12, 0, 0, 0, 0, 0, 0, 0, 1, 0x7a, 0x4c, 0, 1, 0x78, 16, 1);
  const section = { index: 0, name: ".eh_frame", type: 1, flags: 2, address: 0, offset: 0, size: bytes.length, link: 0, info: 0, entrySize: 0 };
  const frame = Uint8Array.of(...bytes, 8, 0, 0, 0, 20, 0, 0, 0);
  const image = (content: Uint8Array): ElfImage => ({
    source: { name: "none", size: content.length, read: (offset, length) => content.subarray(offset, offset + length) },
    type: "shared",
    entry: 0,
    segments: [],
    sections: [{ ...section, size: content.length }],
  });
  expect(landingPads(image(frame))).toBeUndefined();
  expect(landingPads(image(new Uint8Array(8)))).toEqual([]);
});
