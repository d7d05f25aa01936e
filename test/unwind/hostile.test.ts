/** Damaged tables, made-up stacks, registers and expressions: unwinding ends, in bounds, without throwing. */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { DW_OP } from "../../src/dwarf/constants.ts";
import { frameTable } from "../../src/dwarf/frame-table.ts";
import { type Frames, framesOfTables } from "../../src/dwarf/frames.ts";
import { findSection, sectionBytes } from "../../src/elf/image.ts";
import { frameText } from "../../src/schema/stack.ts";
import { evaluate } from "../../src/symbols/unwind/expression.ts";
import { FrameNames, frameOf } from "../../src/symbols/unwind/frames-text.ts";
import { copiedMemory } from "../../src/symbols/unwind/memory.ts";
import { mappedAt } from "../../src/symbols/unwind/modules.ts";
import { MOST_FRAMES, unwind } from "../../src/symbols/unwind/unwind.ts";
import { unwindProgram } from "../fixtures/build.ts";
import { codeOf, type Recorded, type RecordedStack, record } from "./recorded.ts";

let recorded: Recorded;
beforeAll(() => {
  recorded = record(unwindProgram(), {
    breakpoints: ["leaf", "in_handler", "odd_frames"],
    arguments: "2",
    stops: 60,
    seed: 5,
    stacks: ["other_stack"],
  });
}, 120_000);

/** As unwound with the tables of the program itself changed, or with none at all. */
function unwound(stack: RecordedStack, frames: (name: string, real: Frames | undefined) => Frames | undefined) {
  const { mapped } = recorded;
  const codeAt = (address: number) => {
    const found = mappedAt(mapped, address);
    return found && { bias: found.bias, frames: frames(found.module.display, found.frames) };
  };
  return unwind(stack.registers, { memory: copiedMemory(stack.memory, codeOf(mapped)), codeAt });
}

/** The program's .eh_frame with bytes changed. */
function changed(changes: readonly (readonly [number, number])[]): Frames {
  const image = recorded.mapped.find(({ module }) => module.display.endsWith("/unwind"))!.module.image!;
  const section = findSection(image, ".eh_frame")!;
  const header = findSection(image, ".eh_frame_hdr")!;
  const bytes = sectionBytes(image, section).slice();
  for (const [at, value] of changes) bytes[Math.floor(at * bytes.length)] = value;
  return framesOfTables([
    frameTable({ bytes, address: section.address, exceptions: true, header: { bytes: sectionBytes(image, header), address: header.address } }),
  ]);
}

test("damaged tables end a stack, and bound it", { timeout: 120_000 }, () => {
  const change = fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 0, max: 255 }));
  const ends = new Set<string>();
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), fc.nat(), (changes, which) => {
      const stack = recorded.stacks[which % recorded.stacks.length]!;
      const own = changed(changes);
      const { frames, end } = unwound(stack, (name, real) => (name.endsWith("/unwind") ? own : real));
      ends.add(end.k);
      expect(frames.length).toBeGreaterThan(0);
      expect(frames.length).toBeLessThanOrEqual(MOST_FRAMES);
    }),
    { numRuns: 1500 },
  );
  expect([...ends]).toEqual(expect.arrayContaining(["complete", "unmapped"]));
});

test("random stacks and registers end, with tables and without", { timeout: 120_000 }, () => {
  const stack = recorded.stacks[0]!;
  const inCode = recorded.mapped.map(({ start, end }) => fc.integer({ min: start, max: end }).map(BigInt));
  const word = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.integer({ min: 0x7000_0000, max: 0x7000_0800 }).map(BigInt), ...inCode);
  fc.assert(
    fc.property(fc.array(word, { minLength: 17, maxLength: 17 }), fc.array(word, { maxLength: 256 }), fc.boolean(), (registers, words, tables) => {
      const bytes = new Uint8Array(BigUint64Array.from(words).buffer);
      const made: RecordedStack = { ...stack, registers: BigUint64Array.from(registers), memory: [{ address: 0x7000_0000, bytes }] };
      const { frames } = unwound(made, (_, real) => (tables ? real : undefined));
      expect(frames.length).toBeGreaterThan(0);
      expect(frames.length).toBeLessThanOrEqual(MOST_FRAMES);
    }),
    { numRuns: 3000 },
  );
});

test("a frame that is its own caller is told as a loop, and one without end as cut at the limit", () => {
  const { registers, memory } = recorded.stacks.find(({ frames }) => frames.length > 20)!;
  const space = { memory: copiedMemory(memory, codeOf(recorded.mapped)), codeAt: (address: number) => mappedAt(recorded.mapped, address) };
  const { frames, end } = unwind(registers, space, { most: 5 });
  expect(frames).toHaveLength(5);
  expect(end).toEqual({ k: "limit" });
  // Of in_register: the frame's address is rbp + 16, the caller's rbp in r12, and r12 at the address - 16.
  const pc = recorded.stacks.flatMap((stack) => stack.frames).find(({ names }, i) => i > 0 && names.includes("in_register"))!.pc;
  const base = 0x7000_0000;
  const looping = BigUint64Array.from(registers);
  for (const number of [6, 7, 12]) looping[number] = BigInt(base);
  looping[16] = BigInt(pc);
  const bytes = new Uint8Array(BigUint64Array.of(BigInt(base), BigInt(pc)).buffer);
  const found = unwind(looping, { ...space, memory: copiedMemory([{ address: base, bytes }]) });
  expect(found).toEqual({
    frames: [
      { pc, called: false, signal: false },
      { pc, called: true, signal: false },
    ],
    end: { k: "loop", pc },
  });
});

test("a stack of which only a piece was copied ends where the piece does, and says so", () => {
  const stack = recorded.stacks.find(({ frames }) => frames.length > 30)!;
  const rsp = Number(stack.registers[7]);
  const piece = stack.memory.find(({ address, bytes }) => rsp >= address && rsp + 512 < address + bytes.length)!;
  const copied = { address: rsp, bytes: piece.bytes.subarray(rsp - piece.address, rsp - piece.address + 512) };
  const { frames, end } = unwound({ ...stack, memory: [copied] }, (_, real) => real);
  expect(end.k).toBe("unreadable");
  expect((end as { readonly address: number }).address).toBeGreaterThanOrEqual(rsp + 505);
  expect(frames.map(({ pc }) => pc)).toEqual(stack.frames.slice(0, frames.length).map(({ pc }) => pc));
  expect(frames.length).toBeGreaterThan(3);
});

test("any address has a name of some kind", () => {
  const names = new FrameNames();
  const code = { at: (address: number) => mappedAt(recorded.mapped, address), compiledAt: () => undefined };
  const anywhere = fc.oneof(fc.nat(), fc.maxSafeInteger(), ...recorded.mapped.map(({ start, end }) => fc.integer({ min: start, max: end })));
  fc.assert(
    fc.property(anywhere, fc.boolean(), (address, called) => {
      const frames = names.of(code, address, called);
      expect(frames.length).toBeGreaterThan(0);
      expect(frames.at(-1)!.inlined).toBe(false);
      for (const frame of frames) expect(frameText(frameOf(0n, frame))).not.toBe("");
    }),
    { numRuns: 2000 },
  );
});

test("any bytes are an expression that ends", () => {
  const world = { bias: 0, register: (number: number) => (number < 17 ? BigInt(number) * 1000n : undefined), read: (address: bigint) => address + 1n };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const value = evaluate(bytes, world, 5n);
      if (value !== undefined) expect(BigInt.asUintN(64, value)).toBe(value);
    }),
    { numRuns: 5000 },
  );
  const endless = Uint8Array.of(DW_OP.skip, 0xfd, 0xff);
  expect(evaluate(endless, world)).toBeUndefined();
});
