/** An ELF file on disk, read in the parts that are asked for; whoever opens it closes it. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { ByteSource } from "../elf/source.ts";
import { SondeError } from "../errors/error.ts";
import type { FileIdentity } from "./site.ts";

/** Reads near one another (the code of 10,000 functions) are served from one window. */
const WINDOW = 64 * 1024;

export class FileSource implements ByteSource {
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly identity: FileIdentity;
  readonly #descriptor: number;
  #window: Uint8Array = new Uint8Array(0);
  #windowAt = 0;

  /** Throws SONDE_FILE_NOT_FOUND, _DIRECTORY, _NOT_REGULAR, _PERMISSION, _UNREADABLE. `display` is for messages. */
  constructor(path: string, display = path) {
    this.path = path;
    this.name = display;
    try {
      // Not to wait for a writer, should it be a pipe.
      this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw fileError(error, display);
    }
    const stat = fstatSync(this.#descriptor, { bigint: true });
    if (!stat.isFile()) {
      closeSync(this.#descriptor);
      if (stat.isDirectory()) {
        throw new SondeError("SONDE_FILE_DIRECTORY", `${display} is a directory`, { where: display, mend: "Name the executable or library in it." });
      }
      throw new SondeError("SONDE_FILE_NOT_REGULAR", `${display} is not a regular file`, { where: display, mend: "Name an executable or a library." });
    }
    this.size = Number(stat.size);
    this.identity = { device: stat.dev, inode: stat.ino };
  }

  read(offset: number, length: number): Uint8Array {
    if (length > WINDOW / 4) return this.#readAt(offset, length);
    this.#slide(offset, length);
    return this.#window.subarray(offset - this.#windowAt, offset - this.#windowAt + length);
  }

  /** One byte, for which no view is made; undefined behind the end. */
  byteAt(offset: number): number | undefined {
    this.#slide(offset, 1);
    return this.#window[offset - this.#windowAt];
  }

  #slide(offset: number, length: number): void {
    if (offset >= this.#windowAt && offset + length <= this.#windowAt + this.#window.length) return;
    // A page of slack before: functions are visited by ascending address, but their neighbours may be asked for.
    this.#windowAt = Math.max(0, offset - 4096);
    this.#window = this.#readAt(this.#windowAt, WINDOW);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readAt(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const bytes = new Uint8Array(wanted);
    let done = 0;
    while (done < wanted) {
      const got = readSync(this.#descriptor, bytes, done, wanted - done, offset + done);
      if (got === 0) break;
      done += got;
    }
    return done === wanted ? bytes : bytes.subarray(0, done);
  }
}

function fileError(error: unknown, display: string): SondeError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new SondeError("SONDE_FILE_NOT_FOUND", `there is no file ${display}`, { where: display, mend: "Check the path.", cause: error });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new SondeError("SONDE_FILE_PERMISSION", `${display} may not be read by this user`, {
      where: display,
      mend: "Run as root, or as the file's owner.",
      exit: 3,
      cause: error,
    });
  }
  return new SondeError("SONDE_FILE_UNREADABLE", `${display} can't be opened: ${code ?? String(error)}`, { where: display, cause: error });
}
