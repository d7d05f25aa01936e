/**
 * The handler of SIGTRAP that arming leaves in a target: if the tracer is killed, threads run into breakpoints alone. It
 * sends them to the site's slot, where the tracer would have sent them; a trap that isn't ours does what it did before.
 *
 * Called as void (int, siginfo_t *rsi, ucontext_t *rdx); rip of the interrupted code is at rdx + 168 (uc_mcontext, REG_RIP),
 * si_code at rsi + 8. It touches no memory but its frame.
 */
import { machineCode } from "../../../elf/static-program.ts";
import { HANDLER_AT } from "./layout.ts";

/** lea r9, [rip + area]: the displacement from the instruction's end, at `end` in the handler. */
const toArea = (end: number): string =>
  Buffer.from(Int32Array.of(-(HANDLER_AT + end)).buffer)
    .toString("hex")
    .replace(/(..)/g, "$1 ");

const listing = `
  4c 8b 82 a8 00 00 00 | 00: mov r8, [rdx + 168]    rip
  4c 8d 0d ${toArea(14)} | 07: lea r9, [area]
  4c 89 c0             | 0e: mov rax, r8            in this area: in a slot already
  4c 29 c8             | 11: sub rax, r9
  49 3b 41 20          | 14: cmp rax, [r9 + 32]
  72 5e                | 18: jb 78
  4d 8b 49 18          | 1a: mov r9, [r9 + 24]      the next area
  4d 85 c9             | 1e: test r9, r9
  75 eb                | 21: jne 0e
  81 7e 08 80 00 00 00 | 23: cmp dword [rsi + 8], 128   SI_KERNEL: an int3
  75 4d                | 2a: jne 79
  49 ff c8             | 2c: dec r8                 the site
  4c 8d 0d ${toArea(54)} | 2f: lea r9, [area]
  41 8b 49 30          | 36: mov ecx, [r9 + 48]     the count
  31 c0                | 3a: xor eax, eax
  39 c8                | 3c: cmp eax, ecx
  73 1f                | 3e: jae 5f
  4d 39 84 c1 00 10 00 00 | 40: cmp [r9 + rax * 8 + 4096], r8
  74 04                | 48: je 4e
  ff c0                | 4a: inc eax
  eb ee                | 4c: jmp 3c
  48 c1 e0 06          | 4e: shl rax, 6
  49 03 41 28          | 52: add rax, [r9 + 40]     its slot
  48 89 82 a8 00 00 00 | 56: mov [rdx + 168], rax
  c3                   | 5d: ret
  90                   | 5e: nop
  4d 8b 49 18          | 5f: mov r9, [r9 + 24]
  4d 85 c9             | 63: test r9, r9
  75 ce                | 66: jne 36
  41 80 38 cc          | 68: cmp byte [r8], 0xcc    taken out meanwhile?
  74 0b                | 6c: je 79
  4c 89 82 a8 00 00 00 | 6e: mov [rdx + 168], r8    then the instruction itself
  c3                   | 75: ret
  90 90                | 76: nop
  c3                   | 78: ret
  48 8d 05 ${Buffer.from(Int32Array.of(-(HANDLER_AT + 0x80)).buffer)
    .toString("hex")
    .replace(/(..)/g, "$1 ")} | 79: lea rax, [area]
  83 78 40 00          | 80: cmp dword [rax + 64], 0    the program ignored it
  74 09                | 84: je 8f
  81 7e 08 80 00 00 00 | 86: cmp dword [rsi + 8], 128
  75 e9                | 8d: jne 78                 sent by somebody: ignored as before
  48 83 ec 28          | 8f: sub rsp, 40            the default, and the signal once more
  31 c0                | 93: xor eax, eax
  48 89 04 24          | 95: mov [rsp], rax
  48 89 44 24 08       | 99: mov [rsp + 8], rax
  48 89 44 24 10       | 9e: mov [rsp + 16], rax
  48 89 44 24 18       | a3: mov [rsp + 24], rax
  b8 0d 00 00 00       | a8: mov eax, 13            rt_sigaction
  bf 05 00 00 00       | ad: mov edi, 5             SIGTRAP
  48 89 e6             | b2: mov rsi, rsp
  31 d2                | b5: xor edx, edx
  41 ba 08 00 00 00    | b7: mov r10d, 8
  0f 05                | bd: syscall
  b8 27 00 00 00       | bf: mov eax, 39            getpid
  0f 05                | c4: syscall
  89 c7                | c6: mov edi, eax
  b8 ba 00 00 00       | c8: mov eax, 186           gettid
  0f 05                | cd: syscall
  89 c6                | cf: mov esi, eax
  ba 05 00 00 00       | d1: mov edx, 5
  b8 ea 00 00 00       | d6: mov eax, 234           tgkill
  0f 05                | db: syscall
  48 83 c4 28          | dd: add rsp, 40
  c3                   | e1: ret
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
