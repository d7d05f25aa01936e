/**
 * fanotify(7): being asked before a file is opened or executed by anybody on the machine. Whoever does so waits, unkillably
 * until Linux 5.0, for the answer; when the last descriptor is closed, the kernel lets all of them through.
 */
import { closeAll } from "./descriptor.ts";
import { callError } from "./errno.ts";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const CLASS_CONTENT = 4;
const UNLIMITED = 0x10 | 0x20;
/** The thread that asks, not its process. Linux 4.20. */
const REPORT_TID = 0x100;
const CLOEXEC = 1;
const MARK_ADD = 1;
const AT_FDCWD = -100;
/** How a file is opened for whoever reads the question. */
const O_CLOEXEC = 0o2000000;
const O_LARGEFILE = 0o100000;

/** What is asked about. An execution asks both, exec first; so does that of a program whose loader the file is. */
export const Ask = { open: 0x1_0000, exec: 0x4_0000 } as const;

/** struct fanotify_event_metadata, of which each read of this many bytes gives one. */
export const QUESTION = { size: 24, mask: 8, fd: 16, tid: 20 } as const;
/** In the answer behind the question's descriptor. */
export const ALLOW = 1;

/** A group of questions. Reading waits for one. */
export class FanotifyGroup {
  readonly fd: number;
  readonly #path = new Uint8Array(4097);

  /** Throws SONDE_SYS_… without CAP_SYS_ADMIN, or where the kernel has no CONFIG_FANOTIFY_ACCESS_PERMISSIONS. */
  constructor() {
    this.fd = syscall(nr.fanotify_init, CLASS_CONTENT | UNLIMITED | REPORT_TID | CLOEXEC, O_CLOEXEC | O_LARGEFILE);
    if (this.fd < 0) throw callError("fanotify_init", -this.fd, { needs: ["CAP_SYS_ADMIN"] });
  }
  /** Asks before this file (its inode) is used; from here on whoever uses it waits. */
  mark(path: string, mask: number): void {
    this.#path.fill(0);
    new TextEncoder().encodeInto(path, this.#path.subarray(0, 4096));
    const result = syscall(nr.fanotify_mark, this.fd, MARK_ADD, mask, AT_FDCWD, this.#path);
    if (result < 0) throw callError("fanotify_mark", -result, { doing: `be asked before ${path} is used`, where: path });
  }
  close(): void {
    closeAll([this.fd]);
  }
}
