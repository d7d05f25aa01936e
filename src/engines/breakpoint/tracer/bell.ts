/**
 * The bell: what makes the tracer's wait return when a descriptor can be read. It is a program of a few instructions, a
 * child and tracee of the tracer: it polls, and when there is something it runs into an int3. While that isn't taken care
 * of it rings again as soon as it is let go.
 *
 *     prctl(PR_SET_PDEATHSIG, SIGKILL)     if the tracer dies, it goes too
 *     getppid() == argv[1]?  no: int3      the tracer died before that; nobody traces us, so this is the end
 *     ptrace(PTRACE_TRACEME)               before anything can make it ring
 *     for (;;)
 *       poll(descriptors, n, -1) > 0?      POLLHUP and POLLERR too; interrupted: again
 *         int3                             the tracer sees a stop
 */
import { int32, machineCode } from "../../../elf/static-program.ts";
import { syscall } from "../../../sys/ffi/native.ts";
import { nr } from "../../../sys/numbers.ts";
import { ownProgram } from "../../../sys/own-program.ts";
import { Wait, wait } from "../../../sys/ptrace.ts";
import { spawnProgram } from "../../../sys/spawn.ts";

const SIGKILL = 9;
const POLLIN = 1;

/** Ends with the process whose number is argv[1], its parent. */
export const dieWithParent = machineCode(`
  bf 01 00 00 00       | mov edi, 1              PR_SET_PDEATHSIG
  be 09 00 00 00       | mov esi, 9              SIGKILL
  b8 9d 00 00 00       | mov eax, 157            prctl
  0f 05                | syscall
  48 8b 74 24 10       | mov rsi, [rsp + 16]     argv[1]
  31 db                | xor ebx, ebx
  0f b6 06             | movzx eax, byte [rsi]   a decimal number
  84 c0                | test al, al
  74 0c                | je +12
  6b db 0a             | imul ebx, ebx, 10
  8d 5c 03 d0          | lea ebx, [rbx + rax - '0']
  48 ff c6             | inc rsi
  eb ed                | jmp -19
  b8 6e 00 00 00       | mov eax, 110            getppid
  0f 05                | syscall
  39 d8                | cmp eax, ebx
  74 01                | je +1
  cc                   | int3`);

function bellCode(fds: readonly number[]): Uint8Array {
  const traceMe = machineCode(`
    31 ff                | xor edi, edi            PTRACE_TRACEME
    b8 65 00 00 00       | mov eax, 101            ptrace
    0f 05                | syscall`);
  // The last one first: the stack grows downwards.
  const entries = fds.toReversed().flatMap((fd) => [...machineCode(`48 b8 ${int32(fd)} ${int32(POLLIN)} | mov rax, fd and POLLIN\n 50 | push rax`)]);
  const loop = machineCode(`
    48 89 e7             | mov rdi, rsp
    be ${int32(fds.length)} | mov esi, n
    48 c7 c2 ff ff ff ff | mov rdx, -1
    b8 07 00 00 00       | mov eax, 7              poll
    0f 05                | syscall
    85 c0                | test eax, eax
    7e e6                | jle -26
    cc                   | int3
    eb e3                | jmp -29`);
  return Uint8Array.from([...dieWithParent, ...traceMe, ...entries, ...loop]);
}

export class Bell {
  #pid = 0;
  #fds: readonly number[] = [];

  /** Rings while one of the descriptors can be read, or its other end is gone. */
  static start(fds: readonly number[]): Bell {
    const bell = new Bell();
    bell.restart(fds);
    return bell;
  }
  /** Another one after each restart. */
  get pid(): number {
    return this.#pid;
  }
  /** Watches these from now on. */
  restart(fds: readonly number[]): void {
    this.close();
    this.#fds = fds;
    this.#pid = spawnProgram(ownProgram("bell", bellCode(fds)), ["sonde-bell", String(process.pid)], fds);
  }
  /** It has ended, and that was taken note of: somebody has killed it. */
  revive(): void {
    this.#pid = 0;
    this.restart(this.#fds);
  }
  close(): void {
    if (this.#pid === 0) return;
    syscall(nr.kill, this.#pid, SIGKILL);
    wait(this.#pid, Wait.exited | Wait.all, { tid: 0, code: 0, status: 0 });
    this.#pid = 0;
  }
}
