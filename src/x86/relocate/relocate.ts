/**
 * Instructions that are executed elsewhere: the slot of a breakpoint's instruction, the copy of a jump's window.
 *
 * Every instruction is executed by the processor itself; what depends on where it stands is written anew, and a jump leads
 * back. No register, flag or byte of memory differs from what the original would have left:
 *
 *     mov eax, [rip+d]     mov eax, [rip+d']                        the bytes, but for the displacement
 *     jcc L                jcc near L                                  └ jump back, as everywhere
 *     loop L               loop a; jmp next; a: jmp L; next:        it has no longer form
 *     call L               push [rip+original return]; jmp L        flags untouched, unwinders see real addresses
 *     call [rsp+8]         push [rip+original return]; jmp [rsp+16]
 *     syscall              syscall; mov rcx, original               the kernel left the slot's address in rcx
 *
 * What can't be kept: x87 instructions note their own address, which fnstenv stores; a call through memory just below
 * the stack pointer by another register than rsp would read what the push wrote; and a shadow stack would miss calls, so
 * that threads which have one are for the engines to refuse.
 *
 * The order of opcode, ModRM, SIB and displacement: Intel SDM vol. 2, chapter 2.
 */
import { measure } from "../length-decoder.ts";
import { type Displaced, displace, type Refusal, signed32 } from "./displaced.ts";
import { reaches, rebiased, type SlotPosition, SlotWriter } from "./slot-writer.ts";

export { isCommonBeginning } from "./displaced.ts";
export type { Refusal, SlotPosition };

export interface Slot {
  readonly code: Uint8Array;
  /** Of the displaced original bytes. */
  readonly length: number;
  readonly positions: readonly SlotPosition[];
  /** Offset in `code` where execution arrives when it falls through, i.e. of the jump back; undefined where it never does. */
  readonly after: number | undefined;
  readonly kind: "plain" | "call" | "jump" | "conditional" | "return" | "syscall";
}

const SLOT_BYTES = 64;

const KINDS = {
  plain: "plain",
  call: "call",
  "call-indirect": "call",
  jump: "jump",
  "jump-indirect": "jump",
  conditional: "conditional",
  loop: "conditional",
  return: "return",
  syscall: "syscall",
  interrupt: "syscall",
} as const;

const TOO_FAR: Refusal = { refused: "what it addresses relative to itself is more than 2 GiB from where it would be executed" };

function fallsThrough(kind: Slot["kind"]): boolean {
  return kind === "plain" || kind === "conditional" || kind === "syscall";
}

/** The moved bytes, with a displacement relative to rip meaning what it meant. */
function copied(writer: SlotWriter, instruction: Displaced): Uint8Array | undefined {
  const { bytes, address, ripRelative } = instruction;
  if (ripRelative === undefined) return bytes;
  return rebiased(bytes, ripRelative.at, ripRelative.narrow, writer.distance(address, 0));
}

function writeCopy(writer: SlotWriter, instruction: Displaced): Refusal | undefined {
  const bytes = copied(writer, instruction);
  if (bytes !== undefined) {
    writer.copy(bytes);
    return undefined;
  }
  const { opcode } = instruction;
  const [first, modrm] = [instruction.bytes[opcode] as number, instruction.bytes[opcode + 1] as number];
  const rex = opcode > 0 ? (instruction.bytes[opcode - 1] as number) : 0;
  if (first !== 0x8d || rex < 0x48 || rex > 0x4f) return TOO_FAR;
  // lea r64, [rip+d] → mov r64, imm64: REX.R becomes REX.B
  writer.copy([rex & 4 ? 0x49 : 0x48, 0xb8 | ((modrm >> 3) & 7)]);
  writer.quad(instruction.address + instruction.bytes.length + signed32(instruction.bytes, opcode + 2));
  return undefined;
}

/** `jmp` through the operand of an indirect call, after its return address has been pushed. */
function jumpThroughOperand(writer: SlotWriter, instruction: Displaced): Uint8Array | Refusal {
  const { opcode } = instruction;
  const bytes = copied(writer, instruction);
  if (bytes === undefined) return TOO_FAR;
  const modrm = bytes[opcode + 1] as number;
  const jump = bytes.slice();
  // ff /2 → ff /4
  jump[opcode + 1] = (modrm & 0b11_000_111) | (4 << 3);
  const [mode, operand] = [modrm >> 6, modrm & 7];
  const rex = opcode > 0 ? (bytes[opcode - 1] as number) : 0;
  const extended = (rex & 0xf1) === 0x41;
  if (operand !== 4 || extended) return jump;
  if (mode === 3) return { refused: "it calls the address in rsp, which pushing the return address changes" };
  const sib = bytes[opcode + 2] as number;
  if ((sib & 7) !== 4) return jump;
  const displacement = mode === 0 ? 0 : mode === 1 ? ((bytes[opcode + 3] as number) << 24) >> 24 : signed32(bytes, opcode + 3);
  const indexed = ((sib >> 3) & 7) !== 4 || (rex & 0xf2) === 0x42;
  if (!indexed && displacement > -16 && displacement < 0) return { refused: "it calls through the place on the stack where it pushes the return address" };
  if (!reaches(displacement + 8)) return { refused: "its operand can't be named any more when the return address is pushed" };
  const moved = new Uint8Array(opcode + 7);
  moved.set(jump.subarray(0, opcode + 3));
  // [rsp+…+disp32]
  moved[opcode + 1] = 0b10_100_100;
  new DataView(moved.buffer).setInt32(opcode + 3, displacement + 8, true);
  return moved;
}

/** push qword [rip+literal], the address where the original call returns to. */
function pushReturn(writer: SlotWriter, next: number): void {
  writer.copy([0xff, 0x35]);
  writer.literal(next);
}

/** Bytes of jumps; of `SlotWriter.jump` where 32 bits reach, and where they don't. */
const SHORT_JUMP = 2;
const NEAR_JUMP = 5;
const FAR_JUMP = 6;

/** Whether a branch's target is another instruction that moved along: then the copy is meant. */
type Inside = (target: number) => boolean;

function writeConditional(writer: SlotWriter, instruction: Displaced, target: number, inside: Inside): void {
  const { bytes, opcode } = instruction;
  const first = bytes[opcode] as number;
  const condition = (first === 0x0f ? (bytes[opcode + 1] as number) : first) & 15;
  if (inside(target)) {
    writer.copy([0x0f, 0x80 | condition]);
    writer.jumpToCopy(target);
  } else if (reaches(writer.distance(target, 6))) {
    writer.copy([0x0f, 0x80 | condition]);
    writer.word(writer.distance(target, 4));
  } else {
    // The opposite condition steps over a jump that reaches everywhere.
    writer.copy([0x70 | (condition ^ 1), FAR_JUMP]);
    writer.position(target);
    writer.copy([0xff, 0x25]);
    writer.literal(target);
  }
}

function writeLoop(writer: SlotWriter, instruction: Displaced, next: number, target: number, inside: Inside): void {
  writer.copy(instruction.bytes.subarray(0, -1));
  writer.copy([SHORT_JUMP]);
  writer.position(next);
  writer.copy([0xeb, inside(target) || reaches(writer.distance(target, SHORT_JUMP + NEAR_JUMP)) ? NEAR_JUMP : FAR_JUMP]);
  writer.position(target);
  writeJump(writer, target, inside);
}

function writeJump(writer: SlotWriter, target: number, inside: Inside): void {
  if (inside(target)) {
    writer.copy([0xe9]);
    writer.jumpToCopy(target);
  } else writer.jump(target);
}

/** The instruction's copy, but for the way back. */
function write(writer: SlotWriter, instruction: Displaced, inside: Inside): Refusal | undefined {
  const { address, bytes, flow } = instruction;
  const next = address + bytes.length;
  const target = instruction.target ?? 0;
  writer.position(address);
  switch (flow) {
    case "plain":
    case "return":
    case "jump-indirect":
    case "interrupt":
      return writeCopy(writer, instruction);
    case "jump":
      writeJump(writer, target, inside);
      return undefined;
    case "conditional":
      writeConditional(writer, instruction, target, inside);
      return undefined;
    case "loop":
      writeLoop(writer, instruction, next, target, inside);
      return undefined;
    case "call":
      pushReturn(writer, next);
      writer.position(target);
      writeJump(writer, target, inside);
      return undefined;
    case "call-indirect": {
      pushReturn(writer, next);
      // The operand is read here: until it jumps, nothing has happened.
      writer.position(address, 8);
      const jump = jumpThroughOperand(writer, instruction);
      if ("refused" in jump) return jump;
      writer.copy(jump);
      return undefined;
    }
    case "syscall":
      writer.copy(bytes);
      writer.position(next, 0, next);
      // mov rcx, imm64
      writer.copy([0x48, 0xb9]);
      writer.quad(next);
      return undefined;
  }
}

function finish(writer: SlotWriter, kind: Slot["kind"], length: number, next: number, slotBytes: number): Slot | Refusal {
  const after = fallsThrough(kind) ? writer.offset : undefined;
  if (after !== undefined) {
    writer.position(next);
    writer.jump(next);
  }
  const { code, positions } = writer.finish();
  if (code.length > slotBytes) return { refused: `it would take ${code.length} bytes there, and there are ${slotBytes}` };
  return { code, length, positions, after, kind };
}

const NOTHING_INSIDE: Inside = () => false;

/**
 * The slot of the instruction at the start of `code`: its first 15 bytes, or less where the mapping ends.
 *
 * @param address of the instruction.
 * @param slot where `Slot.code` will stand.
 */
export function relocate(code: Uint8Array, address: number, slot: number, slotBytes = SLOT_BYTES): Slot | Refusal {
  const instruction = displace(code, address);
  if ("refused" in instruction) return instruction;
  const writer = new SlotWriter(slot);
  writer.begin(address);
  const refusal = write(writer, instruction, NOTHING_INSIDE);
  if (refusal !== undefined) return refusal;
  const { length } = instruction.bytes;
  return finish(writer, KINDS[instruction.flow], length, address + length, slotBytes);
}

/** Code that runs before the instruction at an address of the original, to stand at `at`; undefined for none. */
export type ProbeCode = (address: number, at: number) => Uint8Array | undefined;

const at = (index: number, refusal: Refusal): Refusal => (index === 0 ? refusal : { refused: `its instruction at +${index}: ${refusal.refused}` });

/** Bytes at the start of `code`, at least `needed` if there are as many, that are int3 or nops: what compilers and linkers put between functions. */
export function paddingBytes(code: Uint8Array, needed: number): number {
  let length = 0;
  while (length < needed && length < code.length) {
    const nop = code[length] === 0xcc ? 1 : nopBytes(code, length);
    if (nop === 0) break;
    length += nop;
  }
  return length;
}

/** The length of 90, 66 90, or 0f 1f with any operand; 0 of anything else. */
function nopBytes(code: Uint8Array, at: number): number {
  const measured = measure(code, at);
  if (measured === undefined) return 0;
  const { opcode, length } = measured;
  if (code[opcode] === 0x90) return code.subarray(at, opcode).every((prefix) => prefix === 0x66) ? length : 0;
  return code[opcode] === 0x0f && code[opcode + 1] === 0x1f ? length : 0;
}

/**
 * The copy of the whole instructions that cover at least `bytes` bytes at the start of `code`.
 *
 * Behind a jump or return that ends it too early, int3 and nops are taken along; that nothing begins there, and that
 * nothing jumps into the window from outside, the caller must know. A branch back to the window's own start goes to the
 * original address: it is to be seen by whoever stands there.
 *
 * `positions` has the instructions in their order: the first with a given rip is where a thread that stands there is to go on.
 *
 * @param code to be displaced, 15 bytes more than `bytes` or up to the end of the mapping.
 * @param probe code to be run before the instruction at an original address, made for the address where it will stand; it
 * ends by falling through. A branch to that instruction from within the window, and a thread that is moved, come to it too.
 */
export function relocateWindow(code: Uint8Array, address: number, bytes: number, slot: number, slotBytes: number, probe?: ProbeCode): Slot | Refusal {
  const instructions: Displaced[] = [];
  let length = 0;
  while (length < bytes) {
    const instruction = displace(code.subarray(length), address + length);
    if ("refused" in instruction) return at(length, instruction);
    // The inline engine isn't there to put the rip right that the program's handler sees.
    if (instruction.faults) return at(length, { refused: "it's there to fault, and would where nobody expects it" });
    instructions.push(instruction);
    length += instruction.bytes.length;
    const { flow } = instruction;
    if (length >= bytes || flow === "plain" || flow === "conditional" || flow === "loop") continue;
    const padding = fallsThrough(KINDS[flow]) || KINDS[flow] === "call" ? 0 : paddingBytes(code.subarray(length), bytes - length);
    if (length + padding < bytes)
      return { refused: `its instruction at +${length - instruction.bytes.length} must be the last that is moved, and ${bytes} bytes are needed` };
    length += padding;
  }
  const starts = new Set(instructions.map((instruction) => instruction.address));
  const inside: Inside = (target) => target !== address && starts.has(target);
  const writer = new SlotWriter(slot);
  for (const [index, instruction] of instructions.entries()) {
    const { target } = instruction;
    if (target !== undefined && target > address && target < address + length && !starts.has(target)) {
      return at(instruction.address - address, { refused: "it jumps between the instructions that are moved" });
    }
    const last = index === instructions.length - 1;
    writer.begin(instruction.address);
    const before = probe?.(instruction.address, slot + writer.offset);
    if (before !== undefined && before.length > 0) {
      writer.position(instruction.address);
      writer.copy(before);
    }
    const refusal = write(writer, instruction, inside);
    if (refusal !== undefined) return at(instruction.address - address, refusal);
    if (last) return finish(writer, KINDS[instruction.flow], length, address + length, slotBytes);
  }
  return { refused: "no bytes were asked for" };
}
