/** Every arithmetic instruction and comparison, in the interpreter and in the kernel (needs root): the reference is the kernel's own. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as alu32 from "../../src/bpf/alu32.ts";
import * as alu64 from "../../src/bpf/alu64.ts";
import * as atomic from "../../src/bpf/atomic.ts";
import type { Instruction } from "../../src/bpf/instruction.ts";
import * as jump from "../../src/bpf/jump.ts";
import { loadMapValue } from "../../src/bpf/load-imm.ts";
import { ldsx, ldx, stx } from "../../src/bpf/memory.ts";
import { type Operand, type Reg, r0, r1, r2, r6, r7, r8, r9 } from "../../src/bpf/register.ts";
import type { MapImage, SessionImage } from "../../src/compiler/image.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import type { Hit } from "./evaluator/run.ts";
import { interpret } from "./harness/interpret.ts";
import { KernelRun } from "./harness/kernel.ts";
import { edges } from "./snippets/snippet.ts";

type Build = (dst: Reg, src: Operand) => Instruction;

const IMMEDIATES = [0, 1, -1, 7, -128, 0x7fff_ffff, -0x8000_0000];
const shiftCounts = [0, 1, 7, 31];
const binaries: readonly Build[] = [
  alu64.add,
  alu64.sub,
  alu64.mul,
  alu64.div,
  alu64.mod,
  alu64.sdiv,
  alu64.smod,
  alu64.or,
  alu64.and,
  alu64.xor,
  alu64.mov,
  alu32.add32,
  alu32.sub32,
  alu32.mul32,
  alu32.div32,
  alu32.mod32,
  alu32.sdiv32,
  alu32.smod32,
  alu32.or32,
  alu32.and32,
  alu32.xor32,
  alu32.mov32,
];
const divisions: readonly Build[] = [alu64.div, alu64.mod, alu64.sdiv, alu64.smod, alu32.div32, alu32.mod32, alu32.sdiv32, alu32.smod32];
const shifts: readonly Build[] = [alu64.lsh, alu64.rsh, alu64.arsh, alu32.lsh32, alu32.rsh32, alu32.arsh32];
const unaries: readonly ((dst: Reg) => Instruction)[] = [
  alu64.neg,
  alu32.neg32,
  ...([16, 32, 64] as const).flatMap((bits) => [
    (d: Reg) => alu64.bswap(d, bits),
    (d: Reg) => alu64.toBigEndian(d, bits),
    (d: Reg) => alu64.toLittleEndian(d, bits),
  ]),
  ...([8, 16, 32] as const).map((bits) => (d: Reg) => alu64.movsx(d, d, bits)),
  ...([8, 16] as const).map((bits) => (d: Reg) => alu32.movsx32(d, d, bits)),
];
const jumps = [
  jump.jeq,
  jump.jne,
  jump.jgt,
  jump.jge,
  jump.jlt,
  jump.jle,
  jump.jsgt,
  jump.jsge,
  jump.jslt,
  jump.jsle,
  jump.jset,
  jump.jeq32,
  jump.jne32,
  jump.jgt32,
  jump.jge32,
  jump.jlt32,
  jump.jle32,
  jump.jsgt32,
  jump.jsge32,
  jump.jslt32,
  jump.jsle32,
  jump.jset32,
];

/** Each computes on r0 (the first argument) and r1 (the second); r9 points to 8 bytes of its own. */
const cases: readonly ((at: number) => Instruction[])[] = [
  ...[...binaries, ...shifts].map((build) => () => [build(r0, r1)]),
  ...binaries.flatMap((build) => IMMEDIATES.filter((n) => n !== 0 || !divisions.includes(build)).map((n) => () => [build(r0, n)])),
  ...shifts.flatMap((build) => shiftCounts.map((n) => () => [build(r0, n)])),
  ...unaries.map((build) => () => [build(r0)]),
  ...jumps.flatMap((build) => [
    (at: number) => [build(r0, r1, at + 3), alu64.mov(r0, 0), jump.goto(at + 4), alu64.mov(r0, 1)],
    (at: number) => [build(r0, -2, at + 3), alu64.mov(r0, 0), jump.goto(at + 4), alu64.mov(r0, 1)],
  ]),
  ...([1, 2, 4] as const).flatMap((width) => [() => [stx(8, r9, 0, r0), ldx(width, r0, r9, 0)], () => [stx(8, r9, 0, r0), ldsx(width, r0, r9, 0)]]),
  ...([4, 8] as const).flatMap((width) =>
    [atomic.fetchAdd, atomic.fetchOr, atomic.fetchAnd, atomic.fetchXor, atomic.xchg].map((build) => () => [
      stx(8, r9, 0, r1),
      build(width, r9, 0, r0),
      alu64.mov(r2, r0),
      ldx(8, r0, r9, 0),
      alu64.xor(r0, r2),
    ]),
  ),
  ...([4, 8] as const).map((width) => () => [stx(8, r9, 0, r0), alu64.mov(r2, 99), atomic.cmpxchg(width, r9, 0, r2), ldx(8, r2, r9, 0), alu64.xor(r0, r2)]),
  ...([4, 8] as const).map((width) => () => [stx(8, r9, 0, r1), alu64.mov(r2, 99), atomic.cmpxchg(width, r9, 0, r2), ldx(8, r2, r9, 0), alu64.add(r0, r2)]),
];

const HEAD_BYTES = 16;
const region = (name: string, valueSize: number): MapImage => ({ name, type: "array", keySize: 4, valueSize, maxEntries: 1, mmap: true, noPrealloc: false });

function image(): SessionImage {
  const program: Instruction[] = [ldx(8, r6, r1, 112), ldx(8, r7, r1, 104), loadMapValue(r8, 1, HEAD_BYTES)];
  cases.forEach((make, index) => {
    const prepare = [alu64.mov(r0, r6), alu64.mov(r1, r7), loadMapValue(r9, 1, 8)];
    program.push(...prepare);
    program.push(...make(program.length), stx(8, r8, index * 8, r0));
  });
  program.push(alu64.mov(r0, 0), jump.exit());
  const size = HEAD_BYTES + cases.length * 8;
  return {
    maps: [region("cpu", 64 * 64), region("shared", size)],
    files: [{ path: "-e", text: "" }],
    states: [],
    formats: [],
    counters: [],
    ring: undefined,
    pidSet: undefined,
    cpuRegion: { map: 0, stride: 64, cpus: 64 },
    sharedRegion: { map: 1, size },
    programs: [
      {
        name: "instructions",
        probe: 0,
        runs: "entry",
        sleepable: false,
        readsFloats: false,
        writesRegisters: false,
        instructions: program,
        functions: [{ index: 0, name: "instructions" }],
        lines: [{ index: 0, file: 0, line: 1, column: 1 }],
      },
    ],
  };
}

const engine = new KernelEngine();
const { ok, why } = engine.available();
if (!ok) process.stderr.write(`instructions are not compared with the kernel's: ${why}\n`);

describe.runIf(ok)("the interpreter and the kernel agree", () => {
  const kernel = ok ? new KernelRun() : undefined;
  beforeAll(() => kernel?.start());
  afterAll(() => kernel?.end());

  const results = (bytes: Uint8Array): string[] =>
    cases.map((_, index) => `${index} ${new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(HEAD_BYTES + index * 8, true).toString(16)}`);
  test.each(
    [...edges, [0xfedc_ba98_7654_3210n, 0x1_0000_0003n], [-5n, 0x8000_0000n], [2n ** 63n - 1n, 2n ** 32n]].map((pair) => [pair[0]!, pair[1]!] as const),
  )("on %s and %s", async (a, b) => {
    const hit: Hit = { probe: 0, at: "entry", args: [a, b, 0n, 0n, 0n, 0n], ret: 0n, time: 0n, cgroup: 0n, func: "probed", ...kernel!.process };
    const made = image();
    const real = await kernel!.run(made, [hit]);
    expect(results(real.sharedRegion)).toEqual(results(interpret(made, [hit], []).sharedRegion));
  });
});
