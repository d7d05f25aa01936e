/**
 * What the code of Go's functions says: where the check of the stack ends that most begin with, and where they return.
 *
 * A function whose stack is too small has it made larger and moved, and begins anew: what stands at its first
 * instruction is then executed twice for one call, what stands behind the check once. The arguments are the same there.
 *
 *     cmp rsp, [r14+16]                        49 3b 66 10             small frames
 *     lea r12, [rsp-n]; cmp r12, [r14+16]      4c 8d …, 4d 3b 66 10    larger ones
 *     mov r12, rsp; sub r12, n; jb; cmp        49 89 e4, 49 81 ec …    the largest
 *     mov rcx, fs:-8; cmp rsp, [rcx+16]        before Go 1.17
 *     jbe (runtime.morestack; jmp to the start)
 *
 * Source: Go's cmd/internal/obj/x86, stacksplit().
 */
import { instructionBoundaries } from "../x86/full-decoder.ts";
import type { FileSource } from "./file-source.ts";
import type { FunctionSite, GoCode } from "./site.ts";

/** Larger functions aren't searched. */
const LARGEST = 1 << 20;
const RET = 0xc3;

/** As hexadecimal text. */
const CHECKS = [/^493b6610/, /^4c8d(?:6424..|a424.{8})4d3b6610/, /^4989e449(?:83ec..|81ec.{8})(?:72..|0f82.{8})4d3b6610/, /^64488b0c25f8ffffff483b6110/];
const JUMP_IF_BELOW = /^(?:76..|0f86.{8})/;

/** Go's minor version from which on arguments are in registers, and r14 holds the goroutine. */
const FIRST_IN_REGISTERS = 17;

/** As much of a function as its check may take. */
const LONGEST_CHECK = 40;

/** The length of the check that the code begins with, its jump included; 0 where there is none. */
export function stackCheck(code: Uint8Array): number {
  const text = Buffer.from(code.buffer, code.byteOffset, Math.min(code.length, LONGEST_CHECK)).toString("hex");
  for (const check of CHECKS) {
    const digits = check.exec(text)?.[0].length;
    if (digits === undefined) continue;
    const jump = JUMP_IF_BELOW.exec(text.slice(digits));
    return jump === null ? 0 : (digits + jump[0].length) / 2;
  }
  return 0;
}

/** Where a function's `ret` instructions are, from its start. */
export function returnOffsets(code: Uint8Array): number[] {
  return instructionBoundaries(code).filter((at) => code[at] === RET);
}

/**
 * The offset of `goid` in the runtime's `g`, which r14 holds from Go 1.17 on. Source: src/runtime/runtime2.go of each
 * version: 1.23 has added a word before it (syscallbp), 1.25 has taken one away (gobuf.ret).
 */
export function goroutineIdOffset(version: number | undefined): number | undefined {
  if (version === undefined || version < FIRST_IN_REGISTERS || version > 26) return undefined;
  return version === 23 || version === 24 ? 160 : 152;
}

/** A function's code, decoded when its returns are asked for. */
class Code implements GoCode {
  readonly checked: number;
  readonly goroutineId: number | undefined;
  readonly inRegisters: boolean;
  readonly #code: Uint8Array;
  #returns: readonly number[] | undefined;

  constructor(code: Uint8Array, size: number, version: number | undefined) {
    this.checked = stackCheck(code);
    this.goroutineId = goroutineIdOffset(version);
    this.inRegisters = version === undefined || version >= FIRST_IN_REGISTERS;
    this.#code = code.subarray(0, size);
  }
  get returns(): readonly number[] {
    this.#returns ??= returnOffsets(this.#code);
    return this.#returns;
  }
}

/** Of a site in a program that Go's compiler made; `version` is Go's minor one. */
export function goCode(source: FileSource, { functionOffset, size }: Pick<FunctionSite, "functionOffset" | "size">, version: number | undefined): GoCode {
  const known = size > LARGEST ? 0 : size;
  return new Code(source.read(functionOffset, Math.max(known, LONGEST_CHECK)), known, version);
}
