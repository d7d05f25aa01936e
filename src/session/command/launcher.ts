/**
 * The program that starts a command held: a few instructions without any library, so that nothing in it can be
 * probed and counted. It stops itself; continued, it becomes the command.
 *
 *     prctl(PR_SET_PDEATHSIG, SIGKILL)     if sonde is killed now, the held process goes too
 *     kill(getpid(), SIGSTOP)              sonde arms meanwhile, and sends SIGCONT
 *     prctl(PR_SET_PDEATHSIG, 0)           from here on the command lives on its own
 *     execve(argv[1], &argv[2], envp)
 *     exit(errno == ENOENT ? 127 : 126)
 *
 * A static ELF file: its header, one program header, the code (x86-64 System V ABI: at the start rsp points to argc).
 */
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, hashOf, writeWhole } from "../../sys/cache-folder.ts";

const BASE = 0x40_0000;
const HEADERS = 64 + 56;

const code = Uint8Array.from([
  0xbf,
  0x01,
  0x00,
  0x00,
  0x00, //             mov edi, 1 (PR_SET_PDEATHSIG)
  0xbe,
  0x09,
  0x00,
  0x00,
  0x00, //             mov esi, 9 (SIGKILL)
  0xb8,
  0x9d,
  0x00,
  0x00,
  0x00, //             mov eax, 157 (prctl)
  0x0f,
  0x05, //                               syscall
  0xb8,
  0x27,
  0x00,
  0x00,
  0x00, //             mov eax, 39 (getpid)
  0x0f,
  0x05, //                               syscall
  0x89,
  0xc7, //                               mov edi, eax
  0xbe,
  0x13,
  0x00,
  0x00,
  0x00, //             mov esi, 19 (SIGSTOP)
  0xb8,
  0x3e,
  0x00,
  0x00,
  0x00, //             mov eax, 62 (kill)
  0x0f,
  0x05, //                               syscall
  0xbf,
  0x01,
  0x00,
  0x00,
  0x00, //             mov edi, 1
  0x31,
  0xf6, //                               xor esi, esi
  0xb8,
  0x9d,
  0x00,
  0x00,
  0x00, //             mov eax, 157
  0x0f,
  0x05, //                               syscall
  0x48,
  0x8b,
  0x04,
  0x24, //                   mov rax, [rsp]            argc
  0x48,
  0x8b,
  0x7c,
  0x24,
  0x10, //             mov rdi, [rsp + 16]       argv[1]
  0x48,
  0x8d,
  0x74,
  0x24,
  0x18, //             lea rsi, [rsp + 24]       &argv[2]
  0x48,
  0x8d,
  0x54,
  0xc4,
  0x10, //             lea rdx, [rsp + rax*8 + 16]   behind argv's NULL: envp
  0xb8,
  0x3b,
  0x00,
  0x00,
  0x00, //             mov eax, 59 (execve)
  0x0f,
  0x05, //                               syscall
  0xbf,
  0x7e,
  0x00,
  0x00,
  0x00, //             mov edi, 126
  0x83,
  0xf8,
  0xfe, //                         cmp eax, -2 (ENOENT)
  0x75,
  0x02, //                               jne +2
  0xff,
  0xc7, //                               inc edi
  0xb8,
  0xe7,
  0x00,
  0x00,
  0x00, //             mov eax, 231 (exit_group)
  0x0f,
  0x05, //                               syscall
]);

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
