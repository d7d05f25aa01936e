/** From the verifier's log to an error that shows the TypeScript line at fault and the telling lines, and says how many were left out. */

import { slotIndices } from "../../bpf/encode.ts";
import type { ProgramImage, SessionImage } from "../../compiler/image.ts";
import { ExitStatus, SondeBug, SondeError } from "../../errors/error.ts";
import { errnoName } from "../../sys/errno.ts";

const TELLING = 8;

/** Where in the source the instruction in slot `slot` comes from. */
export function sourceOf(image: SessionImage, program: ProgramImage, slot: number): { readonly where: string; readonly text: string } | undefined {
  const slots = slotIndices(program.instructions);
  let best: ProgramImage["lines"][number] | undefined;
  for (const line of program.lines) {
    if (slots[line.index]! <= slot && (best === undefined || line.index >= best.index)) best = line;
  }
  const file = best === undefined ? undefined : image.files[best.file];
  if (best === undefined || file === undefined) return undefined;
  return { where: `${file.path}:${best.line}:${best.column}`, text: file.text.split("\n")[best.line - 1]?.trim() ?? "" };
}

/** The last instruction that the log speaks of: "12: (79) r1 = *(u64 *)(r6 +8)". */
export function lastSlot(log: string): number | undefined {
  let last: number | undefined;
  for (const match of log.matchAll(/^(\d+): \([0-9a-f]{2}\)/gm)) last = Number(match[1]);
  return last;
}

/** The lines worth reading: the end of the log, without its statistics. */
export function tellingLines(log: string): { readonly lines: readonly string[]; readonly left: number } {
  const all = log
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/^(processed \d+ insns|verification time|stack depth|arg#\d+ reference|mark_precise)/.test(line));
  return { lines: all.slice(-TELLING), left: Math.max(0, all.length - TELLING) };
}

export function verifierRefusal(image: SessionImage, program: ProgramImage, log: string, code: number): SondeError {
  if (/BPF program is too large/.test(log)) return tooLarge(image, program);
  const { lines, left } = tellingLines(log);
  const slot = lastSlot(log);
  const source = slot === undefined ? undefined : sourceOf(image, program, slot);
  const head = lines.length === 0 ? "it gave no reason" : lines.at(-1)!;
  const shown = lines.map((line) => `  ${line}`).join("\n");
  return new SondeBug(`the kernel's verifier refused program ${program.name} with ${errnoName(code)}: ${head}`, {
    ...(source === undefined ? {} : { where: source.text === "" ? source.where : `${source.where}: ${source.text}` }),
    ...(lines.length === 0 ? {} : { why: `the end of its log${left > 0 ? ` (${left} lines left out)` : ""}:\n${shown}` }),
  });
}

/** The verifier walks all ways through a program, and each round of its loops; after a million instructions it gives up. */
function tooLarge(image: SessionImage, program: ProgramImage): SondeError {
  const first = program.lines[0];
  const path = first === undefined ? undefined : image.files[first.file]?.path;
  return new SondeError("SONDE_KERNEL_TOO_LARGE", "this handler has more ways through it than the kernel is willing to check", {
    exit: ExitStatus.fault,
    ...(path === undefined || first === undefined ? {} : { where: `${path}:${first.line}` }),
    why: "the kernel walks every round of every loop, with both ways of every test in it, before it accepts a probe, up to a million instructions",
    mend: "Use smaller loop bounds, shorter texts, or fewer tests inside loops; or split the handler into several probes.",
  });
}
