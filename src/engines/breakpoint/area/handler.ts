/**
 * The handler of SIGTRAP that arming leaves in a target: if the tracer is killed, threads run into breakpoints alone. It
 * sends them to the site's slot, where the tracer would have sent them; a trap that isn't ours does what it did before.
 *
 * Called as void (int, siginfo_t *rsi, ucontext_t *rdx); rip of the interrupted code is at rdx + 168 (uc_mcontext, REG_RIP),
 * its flags at + 176, si_code at rsi + 8. It touches no memory but its frame. It looks the site up from the
 * table's start on, which costs only while there is no tracer.
 */
import { int32, machineCode } from "../../../elf/static-program.ts";
import { HANDLER_AT } from "./layout.ts";

/** lea …, [rip + area]: the displacement from the instruction's end, at `end` in the handler. */
const toArea = (end: number): string => int32(-(HANDLER_AT + end));

const listing = `
  8b 4e 08                   | 00: mov ecx, [rsi+0x8]    si_code
  83 f9 02                   | 03: cmp ecx, 0x2    TRAP_TRACE: a step
  75 09                      | 06: jne 11
  f6 82 b1 00 00 00 01       | 08: test [rdx+0xb1], 0x1    the program's own trap flag?
  74 5c                      | 0f: je 6d    no: the step of a tracer that died at it
  81 f9 80 00 00 00          | 11: cmp ecx, 0x80    SI_KERNEL: an int3
  75 78                      | 17: jne 91
  4c 8b 82 a8 00 00 00       | 19: mov r8, [rdx+0xa8]    rip
  4c 8d 0d ${toArea(0x27)}   | 20: lea r9, [area]
  4c 89 c0                   | 27: mov rax, r8    in an area: in a slot already
  4c 29 c8                   | 2a: sub rax, r9
  49 3b 41 20                | 2d: cmp rax, [r9+0x20]
  72 3a                      | 31: jb 6d
  4d 8b 49 18                | 33: mov r9, [r9+0x18]    the next area
  4d 85 c9                   | 37: test r9, r9
  75 eb                      | 3a: jne 27
  49 ff c8                   | 3c: dec r8    the site
  4c 8d 0d ${toArea(0x46)}   | 3f: lea r9, [area]
  41 8b 79 30                | 46: mov edi, [r9+0x30]    the count
  31 c0                      | 4a: xor eax, eax
  39 f8                      | 4c: cmp eax, edi
  73 1e                      | 4e: jae 6e
  4d 39 84 c1 00 10 00 00    | 50: cmp [r9+rax*8+0x1000], r8
  74 04                      | 58: je 5e
  ff c0                      | 5a: inc eax
  eb ee                      | 5c: jmp 4c
  48 c1 e0 06                | 5e: shl rax, 0x6
  49 03 41 28                | 62: add rax, [r9+0x28]
  48 89 82 a8 00 00 00       | 66: mov [rdx+0xa8], rax    its slot
  c3                         | 6d: ret
  4d 8b 49 18                | 6e: mov r9, [r9+0x18]
  4d 85 c9                   | 72: test r9, r9
  75 cf                      | 75: jne 46
  41 8a 00                   | 77: mov al, [r8]    taken out meanwhile?
  3c cc                      | 7a: cmp al, 0xcc
  74 13                      | 7c: je 91
  3c 03                      | 7e: cmp al, 0x3    int 3 in two bytes, cd 03: not ours
  75 07                      | 80: jne 89
  41 80 78 ff cd             | 82: cmp [r8-0x1], 0xcd
  74 08                      | 87: je 91
  4c 89 82 a8 00 00 00       | 89: mov [rdx+0xa8], r8    then the instruction itself
  c3                         | 90: ret
  48 8d 05 ${toArea(0x98)}   | 91: lea rax, [area]
  83 78 40 00                | 98: cmp [rax+0x40], 0x0    the program ignored it
  74 08                      | 9c: je a6
  81 f9 80 00 00 00          | 9e: cmp ecx, 0x80    sent by somebody: ignored as before
  75 c7                      | a4: jne 6d
  48 83 ec 28                | a6: sub rsp, 0x28    the default, and the signal once more
  31 c0                      | aa: xor eax, eax
  48 89 04 24                | ac: mov [rsp], rax
  48 89 44 24 08             | b0: mov [rsp+0x8], rax
  48 89 44 24 10             | b5: mov [rsp+0x10], rax
  48 89 44 24 18             | ba: mov [rsp+0x18], rax
  b8 0d 00 00 00             | bf: mov eax, 0xd    rt_sigaction
  bf 05 00 00 00             | c4: mov edi, 0x5    SIGTRAP
  48 89 e6                   | c9: mov rsi, rsp
  31 d2                      | cc: xor edx, edx
  41 ba 08 00 00 00          | ce: mov r10d, 0x8
  0f 05                      | d4: syscall
  b8 27 00 00 00             | d6: mov eax, 0x27    getpid
  0f 05                      | db: syscall
  89 c7                      | dd: mov edi, eax
  b8 ba 00 00 00             | df: mov eax, 0xba    gettid
  0f 05                      | e4: syscall
  89 c6                      | e6: mov esi, eax
  ba 05 00 00 00             | e8: mov edx, 0x5    SIGTRAP
  b8 ea 00 00 00             | ed: mov eax, 0xea    tgkill
  0f 05                      | f2: syscall
  48 83 c4 28                | f4: add rsp, 0x28
  c3                         | f8: ret
`;

const RESTORER = machineCode(`
  b8 0f 00 00 00 | mov eax, 15    rt_sigreturn
  0f 05          | syscall
`);

export const handlerCode = machineCode(listing);
/** Where the handler returns to, from the handler's start. */
export const RESTORER_AT = 256;

/** Handler and restorer as they lie from HANDLER_AT on. */
export function handlerBytes(): Uint8Array {
  const bytes = new Uint8Array(RESTORER_AT + RESTORER.length);
  bytes.set(handlerCode);
  bytes.set(RESTORER, RESTORER_AT);
  return bytes;
}

const SA_SIGINFO = 0x4;
const SA_RESTORER = 0x0400_0000;
const SA_ONSTACK = 0x0800_0000;
const SA_RESTART = 0x1000_0000;

/** The kernel's struct sigaction: handler, flags, restorer, mask. */
export function sigaction(handler: number, restorer: number): Uint8Array {
  const words = new BigUint64Array(4);
  words[0] = BigInt(handler);
  words[1] = handler === 0 || handler === 1 ? 0n : BigInt(SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART);
  words[2] = BigInt(restorer);
  return new Uint8Array(words.buffer);
}
