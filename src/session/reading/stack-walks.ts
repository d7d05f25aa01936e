/**
 * Handlers that unwind stacks themselves learn it here: where one has no rule for a frame it sends a copy of the stack, which is
 * unwound by the program's tables; the rules of its frames go into the handlers' map (schema/stack-walk.ts).
 */
import type { SessionImage } from "../../compiler/image.ts";
import type { Armed, MapAccess } from "../../engines/engine.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { COPY, PIECE_BYTES, RULE_KEY } from "../../schema/stack-walk.ts";
import { copiedMemory, type UnwindMemory } from "../../symbols/unwind/memory.ts";
import type { ProcessModules } from "../../symbols/unwind/modules.ts";
import { ofFrame, registersOf } from "../../symbols/unwind/registers.ts";
import { type Unwound, unwind } from "../../symbols/unwind/unwind.ts";
import { NO_RULE } from "../../symbols/unwind/walk-rule.ts";
import { ProcessMemory } from "../../sys/process-memory.ts";

/** A stack that a handler couldn't unwind to its end. */
export interface CopiedStack {
  /** The number that the handler gave it. */
  readonly id: bigint;
  readonly pid: number;
  /** Frames that the handler found itself; the first of `frames` is the last of them. */
  readonly known: number;
  readonly frames: readonly bigint[];
  readonly cut: boolean;
}

export class StackWalks {
  readonly #rules: MapAccess;
  readonly #copies: readonly BigUint64Array[];
  readonly #modulesOf: (pid: number, again: boolean) => ProcessModules | undefined;

  /** `modulesOf`: what a process maps; `again`: looked at just now. */
  constructor(armed: Armed, image: SessionImage & { readonly walks: object }, modulesOf: (pid: number, again: boolean) => ProcessModules | undefined) {
    const { rules, copies } = image.walks as NonNullable<SessionImage["walks"]>;
    const { stride, cpus } = image.cpuRegion;
    this.#rules = armed.map(rules);
    this.#copies = Array.from({ length: cpus }, (_, cpu) => new BigUint64Array(armed.cpuRegion, cpu * stride + copies, 1));
    this.#modulesOf = modulesOf;
  }

  /** `at`: where the copy's record has its payload. */
  read(record: DataView, at: number): CopiedStack {
    for (const word of this.#copies) Atomics.store(word, 0, 0n);
    const pid = record.getUint32(at + COPY.pid, true);
    const found = this.#unwind(record, at, pid, false);
    // Something may have been mapped since.
    const { frames, end } = found?.end.k === "unmapped" || found === undefined ? (this.#unwind(record, at, pid, true) ?? found ?? NOTHING) : found;
    const known = record.getUint32(at + COPY.at, true);
    const id = record.getBigUint64(at + COPY.id, true);
    return { id, pid, known, frames: frames.map(({ pc }) => BigInt(pc)), cut: end.k !== "complete" };
  }

  #unwind(record: DataView, at: number, pid: number, again: boolean): Unwound | undefined {
    const modules = this.#modulesOf(pid, again);
    if (modules === undefined) return undefined;
    const length = Math.min(Number(record.getBigUint64(at + COPY.length, true)), PIECE_BYTES);
    const bytes = new Uint8Array(record.buffer, record.byteOffset + at + COPY.piece, length);
    const pieces = [{ address: Number(record.getBigUint64(at + COPY.start, true)), bytes }];
    const isFirst = record.getUint32(at + COPY.at, true) === 1;
    const word = (offset: number): bigint => record.getBigUint64(at + offset, true);
    const registers = isFirst
      ? registersOf(Array.from({ length: REGISTERS }, (_, i) => word(COPY.regs + 8 * i)))
      : ofFrame({ pc: word(COPY.pc), rsp: word(COPY.rsp), rbp: word(COPY.rbp) });
    const learn = (pc: number, called: boolean, rule: bigint): void => this.#learn(pid, pc, called, rule);
    const code = codeOf(pid, modules);
    try {
      return unwind(registers, { memory: copiedMemory(pieces, code.memory), codeAt: (address) => modules.at(address) }, { called: !isFirst, learn });
    } finally {
      code.close();
    }
  }

  #learn(pid: number, pc: number, called: boolean, rule: bigint): void {
    if (rule === NO_RULE) return;
    const key = new DataView(new ArrayBuffer(RULE_KEY.bytes));
    key.setUint32(RULE_KEY.pid, pid, true);
    key.setUint32(RULE_KEY.called, called ? 1 : 0, true);
    key.setBigUint64(RULE_KEY.pc, BigInt(pc), true);
    const value = new DataView(new ArrayBuffer(8));
    value.setBigUint64(0, rule, true);
    this.#rules.update(new Uint8Array(key.buffer), new Uint8Array(value.buffer), "any");
  }
}

/** Words of pt_regs. */
const REGISTERS = 21;
const NOTHING: Unwound = { frames: [], end: { k: "no-cfi", pc: 0 } };

/** Code as it is now, which doesn't change as a stack does: what no table describes is told by its instructions. */
function codeOf(pid: number, modules: ProcessModules): { readonly memory: UnwindMemory; close(): void } {
  let opened: ProcessMemory | undefined | null = null;
  const memory: UnwindMemory = {
    read(address, length) {
      if (modules.at(address) === undefined || modules.at(address + length - 1) === undefined) return undefined;
      if (opened === null) opened = unlessRefused(() => new ProcessMemory(pid));
      return opened?.bytes(address, length);
    },
  };
  return { memory, close: () => opened?.close() };
}
