/**
 * One eBPF instruction as data. Maps and kernel functions stand in it by name or index, so that a program is a
 * deterministic value; only loading puts file descriptors and BTF ids in.
 *
 *     ┌────────┬────┬────┬────────────┬──────────────────────┐
 *     │ code 8 │dst4│src4│ offset s16 │ immediate s32        │   https://docs.kernel.org/bpf/standardization/instruction-set.html
 *     └────────┴────┴────┴────────────┴──────────────────────┘
 *
 * LD_IMM64 (code 0x18) takes two slots of 8 bytes; jump offsets and `to` count slots as the kernel does.
 */
export interface Instruction {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly offset: number;
  /** For LD_IMM64 a 64-bit value; else a signed 32-bit one. */
  readonly imm: bigint | number;
  /** LD_IMM64 of a map (src 1) or of an address inside the first value of an array map (src 2, `offset` into it in `imm`): the index of the map in the image. */
  readonly map?: number;
  /** CALL of a kernel function by name (src 2). */
  readonly kfunc?: string;
  /** CALL of a local function (src 1), or the target of a jump: the index of an instruction in this array, not yet an offset. The encoder computes the offset. */
  readonly target?: number;
  readonly comment?: string;
}

/** Where an instruction comes from; each entry holds from its instruction (index into the array) on. */
export interface LineEntry {
  readonly index: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
}
