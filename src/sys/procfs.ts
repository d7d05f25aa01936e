/** What /proc says of processes: their mappings, names, threads, namespaces, and whether a filter of system calls guards them. */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from "node:fs";
import { SondeError } from "../errors/error.ts";

/** One line of /proc/PID/maps. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** "r-xp" and the like. */
  readonly permissions: string;
  readonly offset: number;
  /** As stat(2) encodes it; on some file systems (btrfs, overlayfs) another one than stat(2) gives for the same file. */
  readonly device: bigint;
  readonly inode: bigint;
  /** Without " (deleted)"; "" for anonymous memory. */
  readonly path: string;
  /** The file has no name any more. */
  readonly deleted: boolean;
  /** The name below /proc/PID/map_files. */
  readonly range: string;
}

const DELETED = " (deleted)";
const LINE = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+) *(.*)$/;

/** Every mapping of a process, or those of a file. Throws SONDE_PROCESS_NOT_FOUND, _PERMISSION. */
export function readMappings(pid: number): Mapping[] {
  return parseMappings(readMappingsText(pid));
}

function readMappingsText(pid: number): string {
  const text = readProcessText(pid, "maps");
  // Of a first thread that has ended the kernel tells nothing; the others have the same memory.
  const other = text === "" ? threadsThatRun(pid)[0] : undefined;
  return other === undefined ? text : readProcessText(pid, `task/${other}/maps`);
}

/** Only the lines of what may be executed, for those who look often and seldom see anything new. */
export function readCodeMappings(pid: number): string {
  return readMappingsText(pid)
    .split("\n")
    .filter((line) => line[line.indexOf(" ") + 3] === "x")
    .join("\n");
}

/** Text of /proc/PID/maps → its lines. Newlines in paths are escaped by the kernel. */
export function parseMappings(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of text.split("\n")) {
    const parts = LINE.exec(line);
    if (parts === null) continue;
    const [, start, end, permissions, offset, major, minor, inode, name] = parts as unknown as string[] & { length: 9 };
    const shown = (name as string).replace(/\\012/g, "\n");
    const deleted = shown.endsWith(DELETED) && shown.startsWith("/");
    mappings.push({
      start: Number.parseInt(start as string, 16),
      end: Number.parseInt(end as string, 16),
      permissions: permissions as string,
      offset: Number.parseInt(offset as string, 16),
      device: makeDevice(BigInt(`0x${major}`), BigInt(`0x${minor}`)),
      inode: BigInt(inode as string),
      path: deleted ? shown.slice(0, -DELETED.length) : shown,
      deleted,
      range: `${start}-${end}`,
    });
  }
  return mappings;
}

/** Major and minor numbers as stat(2) packs them (glibc's gnu_dev_makedev). */
function makeDevice(major: bigint, minor: bigint): bigint {
  return ((major & 0xfffff000n) << 32n) | ((major & 0xfffn) << 8n) | ((minor & 0xffffff00n) << 12n) | (minor & 0xffn);
}

/** Of the auxiliary vector (include/uapi/linux/auxvec.h). */
const AT_ENTRY = 9n;

/** Where the program begins, as the kernel has told its loader; undefined of a process that has ended, or may not be looked into. */
export function programEntry(pid: number): number | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(readFileSync(`/proc/${pid}/auxv`));
  } catch {
    return undefined;
  }
  const words = new BigUint64Array(bytes.buffer, 0, bytes.length >>> 3);
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_ENTRY) return Number(words[i + 1]);
  return undefined;
}

/** Text that may be written to: nobody else sees it, and the program itself doesn't write there. */
export const isArmable = (mapping: Mapping): boolean =>
  mapping.permissions[1] !== "w" && mapping.permissions[2] === "x" && mapping.permissions[3] === "p" && mapping.inode !== 0n;

/** All processes, as the root of our pid namespace numbers them. */
export function listProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The raw text of every process's maps that we may read; processes that go away meanwhile are left out. The bytes are only valid until the next. */
export function* allMaps(): Iterable<{ readonly pid: number; readonly text: Buffer }> {
  // One buffer for all: readFileSync takes a new one of 64 KiB for each.
  let buffer = Buffer.allocUnsafe(128 * 1024);
  for (const pid of listProcesses()) {
    let length = 0;
    let descriptor: number | undefined;
    try {
      descriptor = openSync(`/proc/${pid}/maps`, "r");
      for (;;) {
        if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
        const got = readSync(descriptor, buffer, length, buffer.length - length, null);
        if (got === 0) break;
        length += got;
      }
    } catch {
      // Gone, or not ours to read.
      continue;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
    if (length > 0) yield { pid, text: buffer.subarray(0, length) };
  }
}

/** Processes that map a file. `path` as the kernel shows it, without symbolic links. */
export function processesMapping(file: { readonly device: bigint; readonly inode: bigint; readonly path: string }): number[] {
  const pids: number[] = [];
  const inode = ` ${file.inode} `;
  for (const { pid, text } of allMaps()) {
    if (text.includes(inode) && parseMappings(text.toString("utf8")).some((mapping) => isMappingOf(mapping, file))) pids.push(pid);
  }
  return pids;
}

/** Whether a mapping is of this file: by inode, and by device or, where the file system gives mappings another device, by path. */
export function isMappingOf(mapping: Mapping, file: { readonly device: bigint; readonly inode: bigint; readonly path: string }): boolean {
  return mapping.inode === file.inode && mapping.inode !== 0n && (mapping.device === file.device || mapping.path === file.path);
}

/** Processes of this name: their comm, or the last part of their executable's path. */
export function processesNamed(name: string): number[] {
  const short = name.slice(0, 15);
  return listProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd() === short || executableOf(pid)?.split("/").pop() === name;
    } catch {
      return false;
    }
  });
}

/** The path of a process's executable, without " (deleted)"; undefined for kernel threads and where it may not be read. */
export function executableOf(pid: number): string | undefined {
  try {
    const link = readlinkSync(`/proc/${pid}/exe`);
    return link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  try {
    // Its first thread may have ended before the others.
    return !hasEnded(readProcessText(pid, "status")) || threadsThatRun(pid).length > 0;
  } catch {
    return false;
  }
}

/** A zombie's state is Z, a dead one's X: its memory is gone. */
const hasEnded = (status: string): boolean => /^State:\s+[ZX]/m.test(status);

/** Whether a thread of a process is a zombie: the first one stays as long as there are others. */
export function isThreadGone(pid: number, tid: number): boolean {
  try {
    return hasEnded(readProcessText(pid, `task/${tid}/status`));
  } catch {
    return true;
  }
}

/** Whether its first thread has ended and others go on. */
export const hasLostLeader = (pid: number): boolean => isThreadGone(pid, pid) && isAlive(pid);

const threadsThatRun = (pid: number): number[] => threadsOf(pid).filter((tid) => !isThreadGone(pid, tid));

/** Its name, at most 15 characters. Throws SONDE_PROCESS_NOT_FOUND, _PERMISSION. */
export function commOf(pid: number): string {
  return readProcessText(pid, "comm").trimEnd();
}

/** The kernel cuts the list of a process's threads short where the one ends that it has just listed: it is asked again, at most so often. */
const LISTINGS = 16;

/** The ids of its threads; some may have ended. Throws SONDE_PROCESS_NOT_FOUND, _PERMISSION. */
export function threadsOf(pid: number): number[] {
  const found = new Set<number>();
  for (let listings = 0; listings < LISTINGS; listings++) {
    const count = Number(/^Threads:\s+(\d+)/m.exec(readProcessText(pid, "status"))?.[1] ?? 0);
    let listed: string[];
    try {
      listed = readdirSync(`/proc/${pid}/task`);
    } catch (error) {
      throw processError(pid, error);
    }
    for (const tid of listed) found.add(Number(tid));
    if (listed.length >= count) break;
  }
  return [...found];
}

/** Who traces a process; 0 for nobody. Throws SONDE_PROCESS_NOT_FOUND, _PERMISSION. */
export function tracerOf(pid: number): number {
  return Number(/^TracerPid:\s+(\d+)/m.exec(readProcessText(pid, "status"))?.[1] ?? 0);
}

/** Whether system calls are filtered: 0 no, 1 strict, 2 by a program. Throws SONDE_PROCESS_NOT_FOUND, _PERMISSION. */
export function seccompMode(pid: number): 0 | 1 | 2 {
  const mode = /^Seccomp:\s+(\d)/m.exec(readProcessText(pid, "status"))?.[1];
  return mode === "2" ? 2 : mode === "1" ? 1 : 0;
}

/** The process as its innermost pid namespace numbers it (1 in a container, say). */
export function innerPid(pid: number): number {
  const ids = /^NSpid:\s+(.*)$/m.exec(readProcessText(pid, "status"))?.[1]?.trim().split(/\s+/);
  return Number(ids?.at(-1) ?? pid);
}

/** An id of its mount namespace; undefined where it may not be read. */
export function mountNamespace(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

/** What to put before a path to see it as the process does: "" if it sees what we see. */
export function rootOf(pid: number): string {
  let root: string;
  try {
    root = readlinkSync(`/proc/${pid}/root`);
  } catch {
    return "";
  }
  return root === "/" && mountNamespace(pid) === mountNamespace("self") ? "" : `/proc/${pid}/root`;
}

function readProcessText(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    throw processError(pid, error);
  }
}

function processError(pid: number, error: unknown): SondeError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EACCES" || code === "EPERM") {
    return new SondeError("SONDE_PROCESS_PERMISSION", `process ${pid} may not be looked into by this user`, {
      where: `pid ${pid}`,
      why: `reading /proc/${pid} needs its owner's rights or CAP_SYS_PTRACE`,
      mend: "Run as root or as the process's owner.",
      exit: 3,
      cause: error,
    });
  }
  return new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${pid}`, {
    where: `pid ${pid}`,
    mend: "Check the number, as `ps` shows it.",
    cause: error,
  });
}
