/**
 * fanotify(7): being asked before a file is opened or executed by anybody. Whoever does so waits for the answer; when the
 * descriptor is closed, the kernel lets all of them through.
 */
import { closeAll } from "./descriptor.ts";
import { callError } from "./errno.ts";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";

const CLASS_CONTENT = 4;
const NONBLOCK = 2;
const UNLIMITED = 0x10 | 0x20;
const MARK_ADD = 1;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const ALLOW = 1;
const METADATA_BYTES = 24;

export const Ask = { open: 0x1_0000, exec: 0x4_0000 } as const;

export interface FileEvent {
  /** Ask.open or Ask.exec. */
  readonly mask: number;
  readonly pid: number;
  /** The file, open for reading; closed by `allow`. */
  readonly fd: number;
}

export class FileQuestions {
  readonly fd: number;
  readonly #buffer = new Uint8Array(4096);
  readonly #view = new DataView(this.#buffer.buffer);
  readonly #answer = new Uint8Array(128);
  readonly #path = new Uint8Array(4097);

  /** Throws SONDE_SYS_… without CAP_SYS_ADMIN. */
  constructor() {
    this.fd = syscall(nr.fanotify_init, CLASS_CONTENT | NONBLOCK | UNLIMITED, O_CLOEXEC);
    if (this.fd < 0) throw callError("fanotify_init", -this.fd, { needs: ["CAP_SYS_ADMIN"] });
  }
  watch(path: string, mask: number): void {
    this.#path.fill(0);
    new TextEncoder().encodeInto(path, this.#path);
    const result = syscall(nr.fanotify_mark, this.fd, MARK_ADD, mask, AT_FDCWD, this.#path);
    if (result < 0) throw callError("fanotify_mark", -result, { doing: `be asked before ${path} is opened` });
  }
  /** Those that wait now. Each must be answered. */
  read(): FileEvent[] {
    const got = syscall(nr.read, this.fd, this.#buffer, this.#buffer.length);
    const events: FileEvent[] = [];
    for (let at = 0; at + METADATA_BYTES <= got; at += this.#view.getUint32(at, true))
      events.push({ mask: Number(this.#view.getBigUint64(at + 8, true)), fd: this.#view.getInt32(at + 16, true), pid: this.#view.getInt32(at + 20, true) });
    return events;
  }
  allow({ fd }: FileEvent): void {
    const view = new DataView(this.#answer.buffer);
    view.setInt32(0, fd, true);
    view.setUint32(4, ALLOW, true);
    syscall(nr.write, this.fd, this.#answer, 8);
    closeAll([fd]);
  }
  close(): void {
    closeAll([this.fd]);
  }
}
