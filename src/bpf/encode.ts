/** Instructions to the bytes that the kernel reads, and back: here indices become slot offsets, and names become numbers. */
import { SondeBug } from "../errors/error.ts";
import type { Instruction } from "./instruction.ts";
import { CallKind, Class, classOf, ImmKind, isCall, isGoto, isJump, Jmp, LD_IMM64, Source } from "./opcodes.ts";

/** What stands behind the indices and names in a program; asked once for each use. */
export interface Resolver {
  /** The file descriptor of a map of the image. */
  map(index: number): number;
  /** BTF id of a kernel function; `offset` is 0 for the kernel itself, else an index into the program's `fd_array`. */
  kfunc(name: string): { readonly id: number; readonly offset: number };
}

export const SLOT_BYTES = 8;

export const slotsOf = (instruction: Instruction): 1 | 2 => (instruction.code === LD_IMM64 ? 2 : 1);

/** The slot at which each instruction begins, and behind them the number of slots: what line and function info count in. */
export function slotIndices(instructions: readonly Instruction[]): number[] {
  const slots: number[] = [];
  let next = 0;
  for (const instruction of instructions) {
    slots.push(next);
    next += slotsOf(instruction);
  }
  slots.push(next);
  return slots;
}

const fitsInt16 = (n: number): boolean => n >= -0x8000 && n <= 0x7fff;
const fitsInt32 = (n: number): boolean => n >= -0x8000_0000 && n <= 0x7fff_ffff;

/**
 * Little-endian bytes for BPF_PROG_LOAD. With `isa` 4, a `goto` that is too far for 16 bits becomes `gotol`;
 * everything else that doesn't fit its field is a SondeBug that names the instruction.
 */
export function encode(instructions: readonly Instruction[], resolve: Resolver, isa: 3 | 4 = 3): Uint8Array {
  const slots = slotIndices(instructions);
  const total = slots[instructions.length]!;
  const bytes = new Uint8Array(total * SLOT_BYTES);
  const view = new DataView(bytes.buffer);

  instructions.forEach((instruction, index) => {
    const slot = slots[index]!;
    const at = slot * SLOT_BYTES;
    const bug = (what: string): SondeBug => new SondeBug(`instruction ${index} of a program: ${what}`);
    let { code, offset } = instruction;
    let low: number;
    let high = 0;

    if (code === LD_IMM64) {
      ({ low, high } = wideImmediate(instruction, resolve, distance, bug));
    } else {
      if (typeof instruction.imm === "bigint" && BigInt.asIntN(32, instruction.imm) !== instruction.imm)
        throw bug(`immediate ${instruction.imm} has more than 32 bits`);
      low = Number(instruction.imm);
      if (isCall(code)) {
        if (instruction.src === CallKind.kfunc && instruction.kfunc !== undefined) {
          const { id, offset: descriptor } = resolve.kfunc(instruction.kfunc);
          low = id;
          offset = descriptor;
        } else if (instruction.src === CallKind.local && instruction.target !== undefined) {
          low = distance(instruction.target);
        }
      } else if (isJump(code) && instruction.target !== undefined) {
        const by = distance(instruction.target);
        if (isGoto(code) && classOf(code) === Class.jmp32) low = by;
        else if (fitsInt16(by)) offset = by;
        else if (isa >= 4 && isGoto(code)) {
          code = Class.jmp32 | Jmp.ja | Source.imm;
          low = by;
        } else throw bug(`a jump over ${by} slots is too far`);
      }
    }
    if (!fitsInt16(offset)) throw bug(`offset ${offset} has more than 16 bits`);
    if (!Number.isInteger(low) || !fitsInt32(low)) throw bug(`immediate ${low} isn't a signed 32-bit number`);
    if (!isRegister(instruction.dst) || !isRegister(instruction.src)) throw bug(`register r${instruction.dst} or r${instruction.src} doesn't exist`);
    view.setUint8(at, code);
    view.setUint8(at + 1, (instruction.src << 4) | instruction.dst);
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, low, true);
    if (code === LD_IMM64) view.setInt32(at + 12, high, true);

    /** From the slot behind this one, as the kernel counts. */
    function distance(target: number): number {
      const to = slots[target];
      if (to === undefined || to === total) throw bug(`its target ${target} isn't an instruction`);
      return to - slot - 1;
    }
  });
  return bytes;
}

const isRegister = (n: number): boolean => Number.isInteger(n) && n >= 0 && n <= 10;

/** The two halves of LD_IMM64's immediate, by what `src` says it is. */
function wideImmediate(
  instruction: Instruction,
  resolve: Resolver,
  distance: (target: number) => number,
  bug: (what: string) => SondeBug,
): { low: number; high: number } {
  const { src, imm, map, target } = instruction;
  if (src === ImmKind.map && map !== undefined) return { low: resolve.map(map), high: 0 };
  if (src === ImmKind.mapValue && map !== undefined) return { low: resolve.map(map), high: Number(imm) | 0 };
  if (src === ImmKind.func && target !== undefined) return { low: distance(target), high: 0 };
  const value = BigInt(imm);
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw bug(`immediate ${value} has more than 64 bits`);
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}

/**
 * Instructions from bytes (little-endian). Jumps and local calls get their `target` back; descriptors and BTF ids stay
 * numbers in `imm`, because only the kernel knows what they stood for. Throws a SondeBug on bytes that aren't a program.
 */
export function decode(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const total = bytes.byteLength / SLOT_BYTES;
  if (!Number.isInteger(total)) throw new SondeBug(`a program of ${bytes.byteLength} bytes isn't a whole number of instructions`);
  const indexOfSlot = new Map<number, number>();
  const raw: { slot: number; instruction: Instruction }[] = [];
  for (let slot = 0; slot < total; slot++) {
    const at = slot * SLOT_BYTES;
    indexOfSlot.set(slot, raw.length);
    const code = view.getUint8(at);
    const registers = view.getUint8(at + 1);
    const low = view.getInt32(at + 4, true);
    const instruction = { code, dst: registers & 15, src: registers >> 4, offset: view.getInt16(at + 2, true), imm: low };
    const start = slot;
    if (code !== LD_IMM64) raw.push({ slot: start, instruction });
    else {
      slot += 1;
      if (slot >= total) throw new SondeBug("a program ends in the middle of a 64-bit load");
      const high = view.getInt32(at + 12, true);
      const imm =
        instruction.src === ImmKind.number
          ? BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0))
          : instruction.src === ImmKind.mapValue
            ? BigInt.asUintN(64, (BigInt(high) << 32n) | BigInt(low >>> 0))
            : low;
      raw.push({ slot: start, instruction: { ...instruction, imm } });
    }
  }
  return raw.map(({ slot, instruction }): Instruction => {
    const by = slotDistance(instruction);
    if (by === undefined) return instruction;
    const target = indexOfSlot.get(slot + 1 + by);
    if (target === undefined) throw new SondeBug(`the jump in slot ${slot} leads nowhere`);
    const inOffset = isJump(instruction.code) && !isCall(instruction.code) && !isLong(instruction);
    return inOffset ? { ...instruction, offset: 0, target } : { ...instruction, imm: 0, target };
  });
}

const isLong = (instruction: Instruction): boolean => isGoto(instruction.code) && classOf(instruction.code) === Class.jmp32;

/** How many slots a decoded jump or local reference leads on, if it is one. */
function slotDistance(instruction: Instruction): number | undefined {
  const { code, src, imm, offset } = instruction;
  if (code === LD_IMM64) return src === ImmKind.func ? Number(imm) : undefined;
  if (isCall(code)) return src === CallKind.local ? Number(imm) : undefined;
  if (!isJump(code) || code === (Class.jmp | Jmp.exit)) return undefined;
  return isLong(instruction) ? Number(imm) : offset;
}
