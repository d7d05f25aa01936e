/**
 * Function and line information of a program, as BPF_PROG_LOAD takes it: the verifier's log, bpftool and perf then show
 * the TypeScript line of each instruction.
 *
 *     function  ┌ u32 slot ┬ u32 type ┐            line  ┌ u32 slot ┬ u32 file ┬ u32 text ┬ line << 10 | column ┐
 */

import { slotIndices } from "../bpf/encode.ts";
import type { Instruction, LineEntry } from "../bpf/instruction.ts";
import type { BtfWriter } from "./writer.ts";

export const FUNCTION_INFO_BYTES = 8;
export const LINE_INFO_BYTES = 16;
const LARGEST_LINE = (1 << 22) - 1;
const LARGEST_COLUMN = (1 << 10) - 1;

export interface ProgramSource {
  readonly name: string;
  readonly instructions: readonly Instruction[];
  readonly functions: readonly { readonly index: number; readonly name: string }[];
  readonly lines: readonly LineEntry[];
}
/** A source file, split into its lines once. */
export interface SourceLines {
  readonly path: string;
  readonly lines: readonly string[];
}

export interface ProgramInfo {
  readonly functions: Uint8Array;
  readonly lines: Uint8Array;
}

export function programInfo(btf: BtfWriter, program: ProgramSource, files: readonly SourceLines[]): ProgramInfo {
  const slots = slotIndices(program.instructions);
  const int = btf.int("int", 4, true);
  const context = btf.pointer(0);
  const functions = program.functions.flatMap(({ index, name }, i) => {
    const prototype = btf.prototype(int, [{ name: "ctx", type: context }]);
    // Those that are called back must be static; the program itself is called from outside.
    return [slots[index]!, btf.func(i === 0 ? program.name : `${name}_${i}`, prototype, i === 0 ? "global" : "static")];
  });
  return { functions: words(functions), lines: words(lineWords(btf, program, files, slots)) };
}

function lineWords(btf: BtfWriter, program: ProgramSource, files: readonly SourceLines[], slots: readonly number[]): number[] {
  const byIndex = new Map<number, LineEntry>();
  const sorted = [...program.lines].sort((a, b) => a.index - b.index);
  for (const line of sorted) byIndex.set(line.index, line);
  // Each function must begin with a line: that of what comes next, or came before.
  for (const { index } of program.functions) {
    const near = sorted.find((line) => line.index >= index) ?? sorted.at(-1);
    if (!byIndex.has(index) && near !== undefined) byIndex.set(index, { ...near, index });
  }
  if (!program.functions.every(({ index }) => byIndex.has(index))) return [];
  return [...byIndex.values()]
    .filter((line) => line.index < program.instructions.length)
    .sort((a, b) => a.index - b.index)
    .flatMap((line) => {
      const file = files[line.file];
      const place = (Math.min(line.line, LARGEST_LINE) << 10) | Math.min(line.column, LARGEST_COLUMN);
      return [slots[line.index]!, btf.string(file?.path ?? "?"), btf.string(file?.lines[line.line - 1]?.trim().slice(0, 200) ?? ""), place];
    });
}

const words = (values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
