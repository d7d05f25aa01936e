/**
 * Counts returns that the kernel won't follow: it keeps at most 64 pending ones a thread (MAX_URETPROBE_DEPTH in the
 * kernel's uprobes.h) and drops the others without a word that could be counted. So each entry whose return is wanted
 * asks, in front of the handler, how many are pending, just as the kernel will right behind it.
 */
import { mov } from "../../bpf/alu64.ts";
import { atomicAdd } from "../../bpf/atomic.ts";
import { callHelper, callKfunc } from "../../bpf/call.ts";
import type { Instruction } from "../../bpf/instruction.ts";
import { exit, jeq, jlt, jne } from "../../bpf/jump.ts";
import { loadMapValue } from "../../bpf/load-imm.ts";
import { ldx } from "../../bpf/memory.ts";
import { r0, r1, r2, r6 } from "../../bpf/register.ts";
import type { MapImage, ProgramImage, SessionImage } from "../../compiler/image.ts";
import type { ArmProbe } from "../engine.ts";
import type { KernelTypes } from "./kernel-types.ts";
import { returnsInGo } from "./refuse-returns.ts";

const MOST_PENDING = 64;

export interface DepthCounting {
  readonly image: SessionImage;
  readonly probes: readonly ArmProbe[];
  /** The map with the counter, mapped: a u64. Undefined if nothing is to be counted, or this kernel has no type information. */
  readonly map: number | undefined;
}

/** The image with the count in its entry programs, and entry programs for probes that have only a return. */
export function withDepthCounting(image: SessionImage, probes: readonly ArmProbe[], types: KernelTypes): DepthCounting {
  const utask = types.members["task_struct.utask"];
  const depth = types.members["uprobe_task.depth"];
  // Of Go's functions the kernel follows no return.
  const followed = probes.filter((probe) => !returnsInGo(probe) && probe.programs.some((p) => image.programs[p]!.runs !== "entry"));
  const returning = new Set(followed.flatMap((probe) => probe.programs));
  if (utask === undefined || depth === undefined || returning.size === 0) return { image, probes, map: undefined };

  const map = image.maps.length;
  const counter: MapImage = { name: "sonde_depth", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, mmap: true, noPrealloc: false };
  const front = (session: boolean): Instruction[] => {
    const check = (end: number): Instruction[] => [
      mov(r6, r1),
      ...(session ? [callKfunc("bpf_session_is_return"), jne(r0, 0, end)] : []),
      callHelper("get_current_task_btf"),
      ldx(8, r1, r0, utask),
      jeq(r1, 0, end),
      ldx(4, r1, r1, depth),
      jlt(r1, MOST_PENDING, end),
      loadMapValue(r1, map, 0),
      mov(r2, 1),
      atomicAdd(8, r1, 0, r2),
      mov(r1, r6),
    ];
    return check(check(0).length - 1);
  };
  const programs = image.programs.map((program, index) =>
    program.runs !== "return" && returning.has(index) ? prepend(program, front(program.runs === "session")) : program,
  );
  const alone = programs.length;
  let needed = false;
  const withEntries = probes.map((probe) => {
    const onlyReturn = probe.programs.length > 0 && !returnsInGo(probe) && probe.programs.every((p) => image.programs[p]!.runs === "return");
    needed ||= onlyReturn;
    return onlyReturn ? { ...probe, programs: [alone, ...probe.programs] } : probe;
  });
  if (needed)
    programs.push({
      name: "sonde_depth",
      probe: -1,
      runs: "entry",
      sleepable: false,
      readsFloats: false,
      writesRegisters: false,
      instructions: [...front(false), mov(r0, 0), exit()],
      functions: [{ index: 0, name: "sonde_depth" }],
      lines: [],
    });
  return { image: { ...image, maps: [...image.maps, counter], programs }, probes: withEntries, map };
}

/** Instructions in front of a program, with all that counts instructions moved on. */
function prepend(program: ProgramImage, front: readonly Instruction[]): ProgramImage {
  const by = front.length;
  const first = program.lines.find((line) => line.index === 0);
  return {
    ...program,
    instructions: [
      ...front,
      ...program.instructions.map((instruction) => (instruction.target === undefined ? instruction : { ...instruction, target: instruction.target + by })),
    ],
    functions: program.functions.map((f) => (f.index === 0 ? f : { ...f, index: f.index + by })),
    lines: [...(first === undefined ? [] : [first]), ...program.lines.map((line) => ({ ...line, index: line.index + by }))],
  };
}
