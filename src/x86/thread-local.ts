/** Where a thread's own variable lies, told from the code of a function that gives its address (`__errno_location`), without running it. */
import { iced } from "./full-decoder.ts";

/** An address, or (`fromThread`) how far from the thread pointer it is. */
interface Known {
  readonly fromThread: boolean;
  readonly value: bigint;
}

/** Such functions have three to six instructions. */
const MOST_INSTRUCTIONS = 12;
const wrap = (n: bigint): bigint => BigInt.asIntN(64, n);

function sum(a: Known | undefined, b: Known | undefined): Known | undefined {
  if (a === undefined || b === undefined || (a.fromThread && b.fromThread)) return undefined;
  return { fromThread: a.fromThread || b.fromThread, value: wrap(a.value + b.value) };
}

/**
 * The distance of the function's result from the thread pointer (fs:0). All that compilers make of an address in static
 * thread-local storage is followed: the offset is a constant, or stands in the GOT (ELF Handling for Thread-Local Storage,
 * 4.4.6). Undefined if the code does anything else. `read` gives a word of the target's memory.
 */
export function threadLocalResult(code: Uint8Array, address: bigint, read: (address: bigint) => bigint | undefined): bigint | undefined {
  const { Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register } = iced();
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = address;
  const instruction = new Instruction();
  /** A 32-bit register clears the upper half of the 64-bit one, which stands for both. */
  const full = (register: number): number => (register >= Register.EAX && register <= Register.R15D ? register - Register.EAX + Register.RAX : register);
  const registers = new Map<number, Known>();
  const operand = (n: number): Known | undefined => {
    const kind = instruction.opKind(n);
    if (kind === OpKind.Register) return registers.get(instruction.opRegister(n));
    if (kind !== OpKind.Memory) return { fromThread: false, value: wrap(instruction.immediate(n)) };
    if (instruction.isIpRelMemoryOperand) {
      const value = read(instruction.ipRelMemoryAddress);
      return value === undefined ? undefined : { fromThread: false, value: wrap(value) };
    }
    const { memoryBase, memoryIndex, memorySegment, memoryDisplacement } = instruction;
    const isSelf = memorySegment === Register.FS && memoryBase === Register.None && memoryIndex === Register.None && memoryDisplacement === 0n;
    return isSelf ? { fromThread: true, value: 0n } : undefined;
  };
  const place = (): Known | undefined => {
    if (instruction.isIpRelMemoryOperand) return { fromThread: false, value: wrap(instruction.ipRelMemoryAddress) };
    if (instruction.memoryIndex !== Register.None) return undefined;
    return sum(registers.get(instruction.memoryBase), { fromThread: false, value: wrap(instruction.memoryDisplacement) });
  };
  try {
    for (let n = 0; n < MOST_INSTRUCTIONS && decoder.canDecode; n++) {
      decoder.decodeOut(instruction);
      const { mnemonic } = instruction;
      if (instruction.isInvalid) return undefined;
      if (mnemonic === Mnemonic.Endbr64 || mnemonic === Mnemonic.Nop) continue;
      if (mnemonic === Mnemonic.Ret) {
        const result = registers.get(Register.RAX);
        return result?.fromThread ? result.value : undefined;
      }
      if (instruction.opKind(0) !== OpKind.Register) return undefined;
      const target = instruction.opRegister(0);
      const to = full(target);
      let value: Known | undefined;
      if (mnemonic === Mnemonic.Mov) value = operand(1);
      else if (mnemonic === Mnemonic.Lea) value = place();
      else if (mnemonic === Mnemonic.Add) value = sum(operand(0), operand(1));
      else if (mnemonic === Mnemonic.Sub) {
        const less = operand(1);
        value = less === undefined || less.fromThread ? undefined : sum(operand(0), { fromThread: false, value: -less.value });
      }
      // What is narrower than an address is none, but for a constant that is moved.
      if (to !== target && mnemonic !== Mnemonic.Mov) value = undefined;
      if (to !== target && value !== undefined) value = value.fromThread ? undefined : { fromThread: false, value: BigInt.asUintN(32, value.value) };
      if (value === undefined) registers.delete(to);
      else registers.set(to, value);
    }
    return undefined;
  } finally {
    instruction.free();
    decoder.free();
  }
}
