/**
 * The stub: code by which a thread of the target makes system calls for us. It is written where nothing ever runs, and it
 * holds in itself all that the thread must have afterwards, so that a tracer killed at any moment harms nothing: the thread
 * makes its calls, takes its own registers and mask of signals back, and goes on where it was. The stack isn't touched.
 * Where the tracer lives it never runs to its end: see inject.ts.
 *
 *     0    mov rdi, …; mov rsi, …; …; mov eax, nr; syscall      for each call
 *          rt_sigprocmask(SIG_SETMASK, &mask, 0, 8)
 *          jmp end
 *          texts
 *     190  end: mov rbx, …; mov rcx, …; …; mov rax, …           what the calls have changed
 *     290  jmp [rip]
 *     296  original rip
 *     304  mask
 *     312  when it was written (ns since the boot)
 *
 * Neither mov, jmp nor syscall changes a flag. The end lies at a fixed place, so that a later tracer that finds a thread in
 * here reads from it what the thread must have.
 */
import { Reg } from "../../../sys/ptrace.ts";

/** An argument: a number, the result of the call that was to be kept, the address of these bytes, or the u32 at an address of the target. */
export type StubArgument = number | bigint | "kept" | { readonly text: Uint8Array } | { readonly load: number };
export interface StubCall {
  readonly nr: number;
  /** What it gives is an argument of later ones. */
  readonly keep?: boolean;
  readonly args: readonly StubArgument[];
}

export const STUB_BYTES = 320;
const END_AT = 190;
const RIP_AT = 296;
const MASK_AT = 304;
const TIME_AT = 312;

const SIGPROCMASK = 14;
const SIG_SETMASK = 2;

/** mov reg, imm64 for the six arguments in their order; without REX.W it is mov r32, imm32, which clears the upper half. */
const ARGUMENT_MOVES = [
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
  [0x49, 0xb9],
] as const;
const REX_W = 8;
/** mov reg, rbx. */
const FROM_KEPT = [
  [0x48, 0x89, 0xdf],
  [0x48, 0x89, 0xde],
  [0x48, 0x89, 0xda],
  [0x49, 0x89, 0xda],
  [0x49, 0x89, 0xd8],
  [0x49, 0x89, 0xd9],
] as const;
/** mov eax, [moffs64]; then mov reg, eax. */
const LOAD_EAX = 0xa1;
const FROM_EAX = [
  [0x89, 0xc7],
  [0x89, 0xc6],
  [0x89, 0xc2],
  [0x41, 0x89, 0xc2],
  [0x41, 0x89, 0xc0],
  [0x41, 0x89, 0xc1],
] as const;
const MOV_RBX_RAX = [0x48, 0x89, 0xc3] as const;
const MOV_EAX = 0xb8;
const SYSCALL = [0x0f, 0x05] as const;
const JMP = 0xe9;
const JMP_BYTES = 5;
const JMP_THROUGH_NEXT = [0xff, 0x25, 0, 0, 0, 0] as const;

/** What calls and arguments change, and how each is taken back. */
const TAKEN_BACK = [
  [Reg.rbx, 0x48, 0xbb],
  [Reg.rcx, 0x48, 0xb9],
  [Reg.rdx, 0x48, 0xba],
  [Reg.rsi, 0x48, 0xbe],
  [Reg.rdi, 0x48, 0xbf],
  [Reg.r8, 0x49, 0xb8],
  [Reg.r9, 0x49, 0xb9],
  [Reg.r10, 0x49, 0xba],
  [Reg.r11, 0x49, 0xbb],
  [Reg.rax, 0x48, 0xb8],
] as const;
const TAKE_BACK_BYTES = 10;

const quad = (value: number | bigint): number[] => [...new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer)];
const word = (value: number): number[] => quad(value).slice(0, 4);

function argument(index: number, value: number | bigint): number[] {
  const [rex, opcode] = ARGUMENT_MOVES[index]!;
  const wide = BigInt.asUintN(64, BigInt(value));
  return wide >> 32n === 0n ? [rex & ~REX_W, opcode, ...quad(wide).slice(0, 4)] : [rex, opcode, ...quad(wide)];
}

/** The stub for these calls, to stand at `at`; afterwards the thread has `regs` and blocks the signals of `mask`. */
export function stubCode(at: number, calls: readonly StubCall[], regs: BigUint64Array, mask: bigint): Uint8Array {
  const bytes = new Uint8Array(STUB_BYTES);
  let used = 0;
  let texts = END_AT;
  const put = (...more: readonly number[]): void => {
    if (used + more.length + JMP_BYTES > texts) throw new RangeError(`${calls.length} system calls are too long for a stub`);
    bytes.set(more, used);
    used += more.length;
  };
  const call = ({ nr, args, keep }: StubCall): void => {
    for (const [i, arg] of args.entries()) {
      if (arg === "kept") put(...FROM_KEPT[i]!);
      else if (typeof arg === "object" && "load" in arg) put(LOAD_EAX, ...quad(arg.load), ...FROM_EAX[i]!);
      else if (typeof arg === "object") {
        texts -= arg.text.length;
        put(...argument(i, at + texts));
        bytes.set(arg.text, texts);
      } else put(...argument(i, arg));
    }
    put(MOV_EAX, ...word(nr), ...SYSCALL);
    if (keep === true) put(...MOV_RBX_RAX);
  };
  for (const one of calls) call(one);
  call({ nr: SIGPROCMASK, args: [SIG_SETMASK, at + MASK_AT, 0, 8] });
  bytes.set([JMP, ...word(END_AT - used - JMP_BYTES)], used);
  const end = TAKEN_BACK.flatMap(([reg, rex, opcode]) => [rex, opcode, ...quad(regs[reg] as bigint)]);
  bytes.set([...end, ...JMP_THROUGH_NEXT, ...quad(regs[Reg.rip] as bigint), ...quad(mask), ...quad(process.hrtime.bigint())], END_AT);
  return bytes;
}

const viewOf = (stub: Uint8Array): DataView => new DataView(stub.buffer, stub.byteOffset, stub.length);

/** When a stub was written; 0 where there is none. */
export const writtenAt = (stub: Uint8Array): bigint => viewOf(stub).getBigUint64(TIME_AT, true);

/** What a thread in this stub will have at its end: `regs` are changed. Gives its mask of signals. */
export function endOf(stub: Uint8Array, regs: BigUint64Array): bigint {
  const view = viewOf(stub);
  for (const [i, [reg]] of TAKEN_BACK.entries()) regs[reg] = view.getBigUint64(END_AT + i * TAKE_BACK_BYTES + 2, true);
  regs[Reg.rip] = view.getBigUint64(RIP_AT, true);
  regs[Reg.origRax] = BigInt.asUintN(64, -1n);
  return view.getBigUint64(MASK_AT, true);
}
