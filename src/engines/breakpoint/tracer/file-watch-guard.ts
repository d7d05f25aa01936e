/**
 * The guard between fanotify and the tracer: a program of a few instructions that alone holds the group's descriptor, hands
 * each question on, and answers it when the tracer has replied, but after a second at the latest. So nobody on the machine
 * hangs because the tracer does: it may itself wait for the very file (its own opens are answered at once), for another
 * tracer that waits for it, or for a file system that doesn't answer. If either of the two is killed, the kernel answers.
 *
 *     for (;;)
 *       read a question from fanotify                              a number of ours is put into its first word
 *       if it isn't the tracer's own, and can be written to the socket:
 *         poll the socket for a reply, a second at most            none: the next ones don't wait, till one has come
 *         read it; another number than the question's: poll again
 *       write ALLOW to fanotify, close the question's descriptor
 */
import { int32, machineCode } from "../../../elf/static-program.ts";
import { ALLOW, QUESTION } from "../../../sys/fanotify.ts";
import { dieWithParent } from "./bell.ts";

/** In milliseconds. */
export const PATIENCE = 1000;
/** Bytes of the reply: the question's first word. */
export const REPLY = 4;

/** `socket` keeps the boundaries of messages, and doesn't wait when it is full. */
export function guardCode(fanotify: number, socket: number): Uint8Array {
  const code = machineCode(`
    41 be ${int32(fanotify)}         | mov r14d, fanotify
    41 bf ${int32(socket)}           | mov r15d, socket
    45 31 e4                         | xor r12d, r12d           the last question's number
    41 bd ${int32(PATIENCE)}         | mov r13d, PATIENCE
    48 81 ec 80 00 00 00             | sub rsp, 128
                                     | next:
    44 89 f7                         | mov edi, r14d
    48 89 e6                         | mov rsi, rsp
    ba ${int32(QUESTION.size)}       | mov edx, 24
    31 c0                            | xor eax, eax             read
    0f 05                            | syscall
    83 f8 fc                         | cmp eax, -4              EINTR
    74 ec                            | je next
    83 f8 18                         | cmp eax, 24
    75 e7                            | jne next
    8b 44 24 14                      | mov eax, [rsp + 20]      who asks
    39 d8                            | cmp eax, ebx             the tracer, as dieWithParent has found
    74 71                            | je allow
    41 ff c4                         | inc r12d
    44 89 24 24                      | mov [rsp], r12d
    44 89 ff                         | mov edi, r15d
    48 89 e6                         | mov rsi, rsp
    ba ${int32(QUESTION.size)}       | mov edx, 24
    b8 01 00 00 00                   | mov eax, 1               write
    0f 05                            | syscall
    83 f8 18                         | cmp eax, 24
    75 53                            | jne allow
                                     | wait:
    44 89 7c 24 20                   | mov [rsp + 32], r15d     struct pollfd
    c7 44 24 24 01 00 00 00          | mov dword [rsp + 36], 1  POLLIN
    48 8d 7c 24 20                   | lea rdi, [rsp + 32]
    be 01 00 00 00                   | mov esi, 1
    44 89 ea                         | mov edx, r13d
    b8 07 00 00 00                   | mov eax, 7               poll
    0f 05                            | syscall
    83 f8 fc                         | cmp eax, -4
    74 da                            | je wait
    83 f8 01                         | cmp eax, 1
    75 25                            | jne late
    44 89 ff                         | mov edi, r15d
    48 8d 74 24 30                   | lea rsi, [rsp + 48]
    ba ${int32(REPLY)}               | mov edx, 4
    31 c0                            | xor eax, eax             read
    0f 05                            | syscall
    83 f8 04                         | cmp eax, 4
    75 0f                            | jne late
    41 bd ${int32(PATIENCE)}         | mov r13d, PATIENCE
    44 39 64 24 30                   | cmp [rsp + 48], r12d     a reply that came late
    75 b2                            | jne wait
    eb 03                            | jmp allow
                                     | late:
    45 31 ed                         | xor r13d, r13d
                                     | allow:
    c7 44 24 14 ${int32(ALLOW)}      | mov dword [rsp + 20], ALLOW
    44 89 f7                         | mov edi, r14d
    48 8d 74 24 10                   | lea rsi, [rsp + 16]      the descriptor and the answer
    ba 08 00 00 00                   | mov edx, 8
    b8 01 00 00 00                   | mov eax, 1               write
    0f 05                            | syscall
    8b 7c 24 10                      | mov edi, [rsp + 16]
    b8 03 00 00 00                   | mov eax, 3               close
    0f 05                            | syscall
    e9 42 ff ff ff                   | jmp next`);
  return Uint8Array.from([...dieWithParent, ...code]);
}
