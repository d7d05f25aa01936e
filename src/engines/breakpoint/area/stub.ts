/**
 * The stub: code by which a thread of the target makes system calls for us. It is written where nothing ever runs, and it
 * holds in itself all that the thread must have afterwards, so that a tracer killed at any moment harms nothing: the thread
 * makes its calls, takes its own registers and mask of signals back, and goes on where it was. The stack isn't touched.
 * Where the tracer lives it never runs to its end: see inject.ts.
 *
 *     mov rdi, …; mov rsi, …; …; mov eax, nr; syscall      for each call
 *     rt_sigprocmask(SIG_SETMASK, &mask, 0, 8)
 *     mov rcx, …; mov rdx, …; …; mov rax, …                what the calls have changed
 *     jmp [rip]; original rip; mask; texts
 *
 * Neither mov nor syscall changes a flag.
 */
import { Reg } from "../../../sys/ptrace.ts";

/** An argument: a number, the result of the call that was to be kept, or the address of these bytes. */
export type StubArgument = number | bigint | "kept" | { readonly text: Uint8Array };
export interface StubCall {
  readonly nr: number;
  /** What it gives is an argument of later ones. */
  readonly keep?: boolean;
  readonly args: readonly StubArgument[];
}

const SIGPROCMASK = 14;
const SIG_SETMASK = 2;

/** mov reg, imm64 for the six arguments in their order. */
const ARGUMENT_MOVES = [
  [0x48, 0xbf],
  [0x48, 0xbe],
  [0x48, 0xba],
  [0x49, 0xba],
  [0x49, 0xb8],
  [0x49, 0xb9],
] as const;
/** mov reg, rbx. */
const FROM_KEPT = [
  [0x48, 0x89, 0xdf],
  [0x48, 0x89, 0xde],
  [0x48, 0x89, 0xda],
  [0x49, 0x89, 0xda],
  [0x49, 0x89, 0xd8],
  [0x49, 0x89, 0xd9],
] as const;
const MOV_RBX_RAX = [0x48, 0x89, 0xc3] as const;
const MOV_EAX = 0xb8;
const SYSCALL = [0x0f, 0x05] as const;

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

const quad = (value: number | bigint): number[] => [...new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer)];

/** The stub for these calls, to stand at `at`; afterwards the thread has `regs` and blocks the signals of `mask`. */
export function stubCode(at: number, calls: readonly StubCall[], regs: BigUint64Array, mask: bigint): Uint8Array {
  // Texts stand behind the code, whose length doesn't depend on where: once to measure, once for good.
  const make = (data: number): { readonly code: number[]; readonly data: number[] } => {
    const code: number[] = [];
    const tail: number[] = [...quad(regs[Reg.rip] as bigint), ...quad(mask)];
    const one = ({ nr, args, keep }: StubCall): void => {
      for (const [i, arg] of args.entries()) {
        if (arg === "kept") code.push(...FROM_KEPT[i]!);
        else if (typeof arg === "object") {
          code.push(...ARGUMENT_MOVES[i]!, ...quad(data + tail.length));
          tail.push(...arg.text);
        } else code.push(...ARGUMENT_MOVES[i]!, ...quad(arg));
      }
      code.push(MOV_EAX, ...quad(nr).slice(0, 4), ...SYSCALL, ...(keep === true ? MOV_RBX_RAX : []));
    };
    for (const call of calls) one(call);
    one({ nr: SIGPROCMASK, args: [SIG_SETMASK, data + 8, 0, 8] });
    for (const [reg, rex, opcode] of TAKEN_BACK) code.push(rex, opcode, ...quad(regs[reg] as bigint));
    code.push(0xff, 0x25, 0, 0, 0, 0);
    return { code, data: tail };
  };
  const { code, data } = make(at + make(0).code.length);
  return Uint8Array.from([...code, ...data]);
}
