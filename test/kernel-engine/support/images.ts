/** Images made by hand, small enough to see through: what the compiler would give for one-line handlers. */
import { add, and, lsh, mov } from "../../../src/bpf/alu64.ts";
import { atomicAdd } from "../../../src/bpf/atomic.ts";
import { callHelper } from "../../../src/bpf/call.ts";
import type { Instruction } from "../../../src/bpf/instruction.ts";
import { exit, jeq } from "../../../src/bpf/jump.ts";
import { loadMap, loadMapValue } from "../../../src/bpf/load-imm.ts";
import { ldx, stx } from "../../../src/bpf/memory.ts";
import { r0, r1, r2, r3, r6, r7 } from "../../../src/bpf/register.ts";
import type { MapImage, ProgramImage, SessionImage } from "../../../src/compiler/image.ts";
import type { Armed, ArmProbe } from "../../../src/engines/engine.ts";
import type { Site } from "../../../src/symbols/site.ts";

export const STRIDE = 256;
export const CPUS = 64;
export const CPU_REGION = 0;
export const SHARED_REGION = 1;

const region = (name: string, valueSize: number): MapImage => ({ name, type: "array", keySize: 4, valueSize, maxEntries: 1, mmap: true, noPrealloc: false });

/** Adds 1 to word `word` of this CPU's part of the per-CPU region. */
export const count = (word: number): Instruction[] => [
  callHelper("get_smp_processor_id"),
  and(r0, CPUS - 1),
  mov(r1, r0),
  lsh(r1, 8),
  loadMapValue(r2, CPU_REGION, word * 8),
  add(r2, r1),
  mov(r1, 1),
  atomicAdd(8, r2, 0, r1),
];

export const counting = (word: number): Instruction[] => [...count(word), mov(r0, 0), exit()];

/** Writes a record { u32 format = 0, u32 cookie, u64 first argument } into the ring, the map of index `ring`. */
export const recording = (ring: number): Instruction[] => [
  mov(r7, r1),
  callHelper("get_attach_cookie"),
  mov(r6, r0),
  loadMap(r1, ring),
  mov(r2, 32),
  mov(r3, 0),
  callHelper("ringbuf_reserve"),
  jeq(r0, 0, 18),
  mov(r1, 0),
  stx(4, r0, 0, r1),
  stx(4, r0, 4, r6),
  ldx(8, r2, r7, 112),
  stx(8, r0, 8, r2),
  stx(8, r0, 16, r1),
  stx(8, r0, 24, r1),
  mov(r1, r0),
  mov(r2, 0),
  callHelper("ringbuf_submit"),
  mov(r0, 0),
  exit(),
];

export const program = (name: string, instructions: readonly Instruction[], parts: Partial<ProgramImage> = {}): ProgramImage => ({
  name,
  probe: 0,
  runs: "entry",
  sleepable: false,
  readsFloats: false,
  writesRegisters: false,
  instructions,
  functions: [{ index: 0, name }],
  lines: [{ index: 0, file: 0, line: 1, column: 1 }],
  ...parts,
});

export const session = (programs: readonly ProgramImage[], parts: Partial<SessionImage> & { readonly extra?: readonly MapImage[] } = {}): SessionImage => ({
  maps: [region("cpu", STRIDE * CPUS), region("shared", 4096), ...(parts.extra ?? [])],
  programs,
  files: [{ path: "/tmp/count.probe.ts", text: "uprobe(target, () => calls.add());\n" }],
  states: [],
  formats: [],
  counters: [],
  cpuRegion: { map: CPU_REGION, stride: STRIDE, cpus: CPUS },
  sharedRegion: { map: SHARED_REGION, size: 4096 },
  ring: undefined,
  pidSet: undefined,
  ...parts,
});

export const ringMap = (bytes: number): MapImage => ({
  name: "ring",
  type: "ringbuf",
  keySize: 0,
  valueSize: 0,
  maxEntries: bytes,
  mmap: false,
  noPrealloc: false,
});

export const probeAt = (sites: readonly Site[], parts: Partial<ArmProbe> = {}): ArmProbe => ({
  probe: 0,
  programs: [0],
  sites,
  cookies: sites.map((_, i) => i),
  pids: undefined,
  ...parts,
});

/** The sum over the CPUs of word `word` of the per-CPU region. */
export function total(armed: Armed, word: number): number {
  const words = new BigUint64Array(armed.cpuRegion);
  let sum = 0n;
  for (let cpu = 0; cpu < CPUS; cpu++) sum += words[(cpu * STRIDE) / 8 + word]!;
  return Number(sum);
}
