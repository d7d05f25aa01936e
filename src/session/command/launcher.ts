/**
 * The program that starts a command held: a few instructions without any library, so that nothing in it can be
 * probed and counted. It stops itself; continued, it becomes the command.
 *
 *     prctl(PR_SET_PDEATHSIG, SIGKILL)     if sonde is killed now, the held process goes too
 *     prctl(PR_SET_PTRACER, ANY)           under Yama only an ancestor may trace, and sonde's tracer is none
 *     kill(getpid(), SIGSTOP)              sonde arms meanwhile, and sends SIGCONT
 *     prctl(PR_SET_PDEATHSIG, 0)           from here on the command lives on its own
 *     prctl(PR_SET_PTRACER, 0)             whoever traces it does so by now
 *     execve(argv[1], &argv[2], envp)
 *     exit(errno == ENOENT ? 127 : 126)
 *
 * Without Yama the kernel knows no PR_SET_PTRACER, and it does nothing.
 */
import { machineCode } from "../../elf/static-program.ts";
import { ownProgram } from "../../sys/own-program.ts";

const code = machineCode(`
  bf 01 00 00 00       | mov edi, 1              PR_SET_PDEATHSIG
  be 09 00 00 00       | mov esi, 9              SIGKILL
  b8 9d 00 00 00       | mov eax, 157            prctl
  0f 05                | syscall
  bf 61 6d 61 59       | mov edi, 0x59616d61     PR_SET_PTRACER
  48 c7 c6 ff ff ff ff | mov rsi, -1             PR_SET_PTRACER_ANY
  b8 9d 00 00 00       | mov eax, 157
  0f 05                | syscall
  b8 27 00 00 00       | mov eax, 39             getpid
  0f 05                | syscall
  89 c7                | mov edi, eax
  be 13 00 00 00       | mov esi, 19             SIGSTOP
  b8 3e 00 00 00       | mov eax, 62             kill
  0f 05                | syscall
  bf 01 00 00 00       | mov edi, 1
  31 f6                | xor esi, esi
  b8 9d 00 00 00       | mov eax, 157
  0f 05                | syscall
  bf 61 6d 61 59       | mov edi, 0x59616d61
  31 f6                | xor esi, esi
  b8 9d 00 00 00       | mov eax, 157
  0f 05                | syscall
  48 8b 04 24          | mov rax, [rsp]          argc
  48 8b 7c 24 10       | mov rdi, [rsp + 16]     argv[1]
  48 8d 74 24 18       | lea rsi, [rsp + 24]     &argv[2]
  48 8d 54 c4 10       | lea rdx, [rsp + rax*8 + 16]  behind argv's NULL: envp
  b8 3b 00 00 00       | mov eax, 59             execve
  0f 05                | syscall
  bf 7e 00 00 00       | mov edi, 126
  83 f8 fe             | cmp eax, -2             ENOENT
  75 02                | jne +2
  ff c7                | inc edi
  b8 e7 00 00 00       | mov eax, 231            exit_group
  0f 05                | syscall
`);

/** Its path. */
export const launcherPath = (): string => ownProgram("launcher", code);
