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
 * Without Yama the kernel knows no PR_SET_PTRACER, and it does nothing. A static ELF file: its header, one program header, the code (x86-64 System V ABI: at the start rsp points to argc).
 */
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, hashOf, writeWhole } from "../../sys/cache-folder.ts";

const BASE = 0x40_0000;
const HEADERS = 64 + 56;

/** What stands in front of the bar of each line, in hexadecimal. */
const machineCode = (listing: string): Uint8Array =>
  Uint8Array.from(listing.split("\n").flatMap((line) => (line.split("|")[0]!.match(/[0-9a-f]{2}/g) ?? []).map((byte) => Number.parseInt(byte, 16))));

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

/** The whole file. */
export function launcherFile(): Uint8Array {
  const file = new Uint8Array(HEADERS + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 62, true); // x86-64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE + HEADERS), true); // entry
  view.setBigUint64(32, 64n, true); // program headers
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true); // PT_LOAD
  view.setUint32(68, 5, true); // r-x
  view.setBigUint64(80, BigInt(BASE), true);
  view.setBigUint64(88, BigInt(BASE), true);
  view.setBigUint64(96, BigInt(file.length), true);
  view.setBigUint64(104, BigInt(file.length), true);
  view.setBigUint64(112, 0x1000n, true);
  file.set(code, HEADERS);
  return file;
}

/** Its path, written if it isn't there. */
export function launcherPath(): string {
  const file = launcherFile();
  const path = join(cacheFolder(), `launcher-${hashOf(Buffer.from(file).toString("latin1")).slice(0, 16)}`);
  if (!existsSync(path)) {
    writeWhole(path, file, 0o700);
    chmodSync(path, 0o700);
  }
  return path;
}
