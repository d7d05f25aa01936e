/** Small programs of the engine's own on kernel tracepoints, that keep track of processes. */
import { encode } from "../../bpf/encode.ts";
import type { Instruction } from "../../bpf/instruction.ts";
import { SondeBug } from "../../errors/error.ts";
import { attachType, loadProgram, openRawTracepoint, progType } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { callError } from "../../sys/errno.ts";

/** Loads and attaches; maps stand in the instructions by their index in `maps`. Gives the descriptor that holds it. */
export function attachRawTracepoint(tracepoint: string, instructions: readonly Instruction[], maps: readonly number[]): number {
  const code = encode(instructions, {
    map: (index) => maps[index]!,
    kfunc: () => {
      throw new SondeBug("no kernel function is expected here");
    },
  });
  const parts = { name: tracepoint.slice(0, 15), type: progType.rawTracepoint, attachType: attachType.none, sleepable: false, code };
  const program = loadProgram(parts);
  if (program < 0) {
    const memory = new Uint8Array(1 << 16);
    loadProgram(parts, { memory, level: 1 });
    const log = new TextDecoder()
      .decode(memory.subarray(0, memory.indexOf(0)))
      .trimEnd()
      .split("\n")
      .slice(-6)
      .join("\n");
    throw callError("bpf(BPF_PROG_LOAD)", -program, {
      doing: `load the program for ${tracepoint}`,
      needs: ["CAP_BPF", "CAP_PERFMON"],
      ...(log === "" ? {} : { why: log }),
    });
  }
  const link = openRawTracepoint(program, tracepoint);
  closeAll([program]);
  if (link < 0) throw callError("bpf(BPF_RAW_TRACEPOINT_OPEN)", -link, { doing: `attach to ${tracepoint}`, needs: ["CAP_BPF", "CAP_PERFMON"] });
  return link;
}
