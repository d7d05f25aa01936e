/** Machine code and the interpreter do the same with the same instructions; the machine code is run by a program of its own. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as alu64 from "../../../src/bpf/alu64.ts";
import { disassemble } from "../../../src/bpf/disassemble.ts";
import type { Instruction } from "../../../src/bpf/instruction.ts";
import { type Operand, type Reg, r6, r7 } from "../../../src/bpf/register.ts";
import type { ProgramImage, SessionImage } from "../../../src/compiler/image.ts";
import { inlineCode } from "../../../src/engines/inline/code/inline-code.ts";
import { fillShared } from "../../../src/engines/inline/memory/create.ts";
import { imageOf, mapImage } from "../../../src/engines/memory/testing.ts";
import { any, data, families, framed, interpreted, jumps, jumps32, negative, operand, register, VALUE } from "../../fixtures/random-instructions.ts";
import { Place, type Run, runMachine, STACK_TOP } from "../harness/machine.ts";

/** Programs with a map each. */
const BATCH = 200;

const programOf = (instructions: readonly Instruction[], index: number): ProgramImage => ({
  name: `p${index}`,
  probe: 0,
  runs: "entry",
  sleepable: false,
  readsFloats: false,
  writesRegisters: false,
  instructions,
  functions: [{ index: 0, name: `p${index}` }],
  lines: [],
});

const registers = Array.from({ length: 16 }, (_, n) => (n === 4 ? BigInt(STACK_TOP - 64) : BigInt.asUintN(64, 0x9e37_79b9_7f4a_7c15n * BigInt(n + 1))));

/** Flags that programs may have: carry, parity, adjust, zero, sign, direction, overflow. */
const FLAGS = 0xcd5;

const runAt = (entry: number, index: number): Run => ({
  entry,
  registers,
  // Every combination comes, whatever the batch.
  flags: (index * 0x2b5) & FLAGS & ~0x400,
  pid: 1,
  tid: 1,
  time: 0n,
  cpu: 0,
  uid: 0,
  gid: 0,
  comm: "",
});

/** Each body on its own copy of the data. */
function agree(bodies: readonly (readonly Instruction[])[], bytes: Uint8Array): void {
  const programs = bodies.map((body, i) => programOf(framed(body, i), i));
  const image: SessionImage = { ...imageOf(bodies.map(() => mapImage("array", { maxEntries: 1, valueSize: VALUE, initial: bytes }))), programs };
  const code = inlineCode(image, { place: { shared: Place.shared, own: Place.own }, features: { rdpid: false } });
  const pieces: Uint8Array[] = [];
  let end = Place.code as number;
  const put = (piece: Uint8Array): number => {
    const at = end;
    pieces.push(piece);
    end += piece.length;
    return at;
  };
  const routines = code.routines(end);
  put(routines.bytes);
  const entries = programs.map((_, index) => {
    const site = { isReturn: false, address: 0x1234, functionAddress: 0x1234, copy: Place.landing, programs: [{ index, cookie: 0, pair: 0 }] };
    return put(code.trampoline(end, routines, site).bytes);
  });
  const before = new Uint8Array(code.layout.bytes);
  fillShared(before, code.layout, 1n);
  const runs = entries.map(runAt);
  const { ran, shared } = runMachine({ code: Buffer.concat(pieces), shared: before, runs });
  for (const [i, body] of bodies.entries()) {
    const place = code.layout.maps[i]!;
    const wanted = Buffer.from(interpreted(framed(body), bytes)).toString("hex");
    expect(
      { value: Buffer.from(shared.subarray(place.at, place.at + VALUE)).toString("hex"), ...ran[i], flags: ran[i]!.flags & FLAGS },
      disassemble(body).join("; "),
    ).toEqual({
      value: wanted,
      registers,
      flags: runs[i]!.flags,
      stackUntouched: true,
      vectorsUntouched: true,
    });
  }
}

describe("machine code does what the interpreter does, and leaves registers, flags, vectors and the stack as they were:", () => {
  test.each(Object.entries({ ...families, ...negative }))("%s", (_, family) => {
    const bodies = fc.array(fc.array(family, { minLength: 1, maxLength: 4 }), { minLength: BATCH, maxLength: BATCH, size: "max" });
    fc.assert(fc.property(bodies, data, agree), { numRuns: 6, endOnFailure: true });
  });

  test("many at once", () => {
    const bodies = fc.array(fc.array(any, { minLength: 5, maxLength: 40 }), { minLength: BATCH, maxLength: BATCH, size: "max" });
    fc.assert(fc.property(bodies, data, agree), { numRuns: 6, endOnFailure: true });
  });

  test("every conditional jump", () => {
    const taken = (dst: Reg, src: Operand): Instruction[][] =>
      [...jumps, ...jumps32].map((build) => [alu64.mov(r7, 1), build(dst, src, 3), alu64.mov(r7, 2), alu64.mov(r6, 0)]);
    const bodies = fc.array(fc.tuple(register, operand), { minLength: 10, maxLength: 10 }).map((pairs) => pairs.flatMap(([dst, src]) => taken(dst, src)));
    fc.assert(fc.property(bodies, data, agree), { numRuns: 12, endOnFailure: true });
  });
});
