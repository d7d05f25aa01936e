/** Loads the programs of an image: first without a log, on refusal again with one, shown at the TypeScript line at fault. */

import { encode } from "../../bpf/encode.ts";
import { FUNCTION_INFO_BYTES, LINE_INFO_BYTES } from "../../btf/program-info.ts";
import type { ProgramImage, SessionImage } from "../../compiler/image.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { attachType, loadProgram, type ProgramParts, progType } from "../../sys/bpf.ts";
import { callError, errno } from "../../sys/errno.ts";
import { kernelFunction } from "./kernel-types.ts";
import type { SessionTypes } from "./session-types.ts";
import { verifierRefusal } from "./verifier-log.ts";

/** A log larger than this isn't asked for; its end is what counts. */
const LARGEST_LOG = 1 << 24;

/** Which kind of attachment a program is loaded for: that is fixed when it is loaded. */
export function attachTypeOf(program: ProgramImage, multi: boolean): number {
  if (program.on !== undefined) return attachType.none;
  if (program.runs === "session") return attachType.uprobeSession;
  return multi ? attachType.uprobeMulti : attachType.none;
}

export interface LoadContext {
  /** Descriptors, by map index. */
  readonly maps: readonly number[];
  /** For uprobe_multi, or for perf events. */
  readonly multi: boolean;
  readonly isa: 3 | 4;
  readonly types: SessionTypes;
}

/** Descriptor of the loaded program. Throws a SondeBug with the verifier's last words, or the error of the call. */
export function loadOne(image: SessionImage, program: ProgramImage, context: LoadContext): number {
  const { maps, multi, isa, types } = context;
  const info = types.programs[image.programs.indexOf(program)];
  const code = encode(program.instructions, { map: (index) => maps[index]!, kfunc: kernelFunction }, isa);
  const parts: ProgramParts = {
    name: program.name,
    type: program.on === undefined ? progType.kprobe : program.on === "tracepoint" ? progType.tracepoint : progType.perfEvent,
    attachType: attachTypeOf(program, multi),
    sleepable: program.sleepable,
    code,
    ...(types.fd === undefined || info === undefined || info.lines.length === 0
      ? {}
      : {
          btf: { fd: types.fd, functions: info.functions, functionSize: FUNCTION_INFO_BYTES, lines: info.lines, lineSize: LINE_INFO_BYTES },
        }),
  };
  const fd = loadProgram(parts);
  if (fd >= 0) return fd;
  if (-fd === errno.EPERM) throw callError("bpf(BPF_PROG_LOAD)", -fd, { doing: `load program ${program.name}`, needs: ["CAP_BPF", "CAP_PERFMON"] });
  throw refusal(image, program, parts, -fd);
}

function refusal(image: SessionImage, program: ProgramImage, parts: ProgramParts, first: number): SondeError {
  for (let size = 1 << 18; ; size *= 4) {
    const memory = new Uint8Array(size);
    const fd = loadProgram(parts, { memory, level: 1 });
    if (fd >= 0)
      return new SondeError("SONDE_KERNEL_LOAD", `the kernel refused program ${program.name} at first, and took it at the second try`, {
        exit: ExitStatus.fault,
      });
    // Kernels before 6.4 give ENOSPC when the log is full and write its beginning only; later ones write its end.
    if (-fd === errno.ENOSPC && size < LARGEST_LOG) continue;
    const text = new TextDecoder().decode(memory.subarray(0, memory.indexOf(0) < 0 ? size : memory.indexOf(0)));
    return verifierRefusal(image, program, text, first);
  }
}
