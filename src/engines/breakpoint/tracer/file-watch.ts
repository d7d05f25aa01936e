/**
 * Whoever executes or opens a probed file, anywhere on the machine, is held by the kernel until the tracer has attached to
 * it. Root only, and from Linux 6.8 on: before, a program that executes holds a lock that attaching needs.
 *
 *     executable    asked at its execution; the exec stop comes with the new image mapped and nothing of it run
 *     library       asked at each open, whoever opens it, and at its execution (the loader)
 *
 * An executable that is started as the argument of its loader (`ld.so ./program`) isn't noticed: to be asked at each open
 * of executables would have us attach to whoever copies or inspects one.
 *
 * What it costs: every open or execution of these files, by anybody, waits for us: an open that isn't followed
 * took 0.2 ms where it takes 2 µs, on a machine of two busy processors. Other files cost nothing.
 */
import { readFileSync } from "node:fs";
import { effectiveCapabilities } from "../../../sys/capabilities.ts";
import { closeAll } from "../../../sys/descriptor.ts";
import { callError } from "../../../sys/errno.ts";
import { Ask, FanotifyGroup, QUESTION } from "../../../sys/fanotify.ts";
import { syscall } from "../../../sys/ffi/native.ts";
import { atLeast, kernelVersion } from "../../../sys/host.ts";
import { nr } from "../../../sys/numbers.ts";
import { ownProgram } from "../../../sys/own-program.ts";
import { Wait, wait } from "../../../sys/ptrace.ts";
import { spawnProgram } from "../../../sys/spawn.ts";
import { guardCode, REPLY } from "./file-watch-guard.ts";

export interface FileWatchActions {
  /** Attach to the process; `opener` is the thread of it that waits, and it isn't let go before this returns. */
  follow(pid: number, why: "exec" | "open", opener: number): void;
  /** Processes that aren't followed. */
  readonly ignore: ReadonlySet<number>;
}

const LIBRARY = /\.so(\.|$)/;
const AF_UNIX = 1;
const SEQPACKET_NONBLOCK_CLOEXEC = 5 | 0o4000 | 0o2000000;
const EAGAIN = -11;
const EINTR = -4;
const SIGKILL = 9;
/** First argument of open, second of openat and the like: the flags. */
const FLAGS_ARGUMENT: { readonly [number: number]: number } = { 2: 1, 257: 2 };
const EXECUTIONS = new Set([59, 322]);
const O_ACCMODE = 3;
const O_WRONLY = 1;

export class FileWatch {
  /** Can be read when somebody waits. */
  readonly fd: number;
  #guard = 0;
  readonly #actions: FileWatchActions;
  readonly #message = new Uint8Array(128);
  readonly #view = new DataView(this.#message.buffer);

  static available(): boolean {
    return effectiveCapabilities().has("CAP_SYS_ADMIN") && atLeast(kernelVersion(), 6, 8);
  }

  /** Throws SONDE_SYS_… */
  constructor(files: readonly { readonly path: string; readonly display: string }[], actions: FileWatchActions) {
    this.#actions = actions;
    const ends = new Int32Array(32);
    const result = syscall(nr.socketpair, AF_UNIX, SEQPACKET_NONBLOCK_CLOEXEC, 0, new Uint8Array(ends.buffer));
    if (result < 0) throw callError("socketpair", -result);
    const [ours, theirs] = [ends[0] as number, ends[1] as number];
    this.fd = ours;
    let group: FanotifyGroup | undefined;
    try {
      group = new FanotifyGroup();
      this.#guard = spawnProgram(ownProgram("guard", guardCode(group.fd, theirs)), ["sonde-guard", String(process.pid)], [group.fd, theirs]);
      // Only now, that somebody answers.
      for (const { path, display } of files) group.mark(path, LIBRARY.test(display) ? Ask.open | Ask.exec : Ask.exec);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      group?.close();
      closeAll([theirs]);
    }
  }

  /** Attaches to all who wait, and lets them go. False if nobody will ever ask again: the guard was killed. */
  handle(): boolean {
    for (;;) {
      const got = syscall(nr.read, this.fd, this.#message, QUESTION.size);
      if (got === EINTR) continue;
      if (got === EAGAIN) return true;
      if (got !== QUESTION.size) return false;
      try {
        this.#consider(this.#view.getInt32(QUESTION.tid, true), Number(this.#view.getBigUint64(QUESTION.mask, true)));
      } finally {
        syscall(nr.write, this.fd, this.#message, REPLY);
      }
    }
  }

  #consider(tid: number, mask: number): void {
    const pid = processOf(tid);
    if (pid === undefined || this.#actions.ignore.has(pid)) return;
    if ((mask & Ask.exec) !== 0) this.#actions.follow(pid, "exec", tid);
    else if (mayMap(tid)) this.#actions.follow(pid, "open", tid);
  }

  close(): void {
    closeAll([this.fd]);
    if (this.#guard === 0) return;
    syscall(nr.kill, this.#guard, SIGKILL);
    wait(this.#guard, Wait.exited | Wait.all, { tid: 0, code: 0, status: 0 });
  }
}

function processOf(tid: number): number | undefined {
  const pid = /^Tgid:\s+(\d+)/m.exec(textOf(`/proc/${tid}/status`))?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** False for an open that can't become a mapping: for writing alone, or as a part of an execution, which has asked before. */
function mayMap(tid: number): boolean {
  const [number, ...args] = textOf(`/proc/${tid}/syscall`).split(" ");
  if (EXECUTIONS.has(Number(number))) return false;
  const flags = FLAGS_ARGUMENT[Number(number)];
  return flags === undefined || (Number(args[flags]) & O_ACCMODE) !== O_WRONLY;
}

/** Empty if the thread has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
