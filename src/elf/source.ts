/** Where an ELF file's bytes come from: memory, or a file of which only parts are read. */
import { SondeError } from "../errors/error.ts";

export interface ByteSource {
  /** What the bytes belong to, for messages. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, or fewer where the source ends early. May be a view that is valid for good. */
  read(offset: number, length: number): Uint8Array;
}

/** A source over bytes that are in memory already. */
export function memorySource(bytes: Uint8Array, name = "ELF image"): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length)),
  };
}

/** The largest table that is read: a file that claims more is refused before memory is asked for. */
export const LARGEST_TABLE = 256 * 1024 * 1024;

/** The bytes asked for, all of them; `what` names the part in the message. Throws SONDE_ELF_TRUNCATED, SONDE_ELF_TOO_LARGE. */
export function readFully(source: ByteSource, offset: number, length: number, what: string): Uint8Array {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0 || offset + length > source.size) {
    throw new SondeError("SONDE_ELF_TRUNCATED", `${source.name} is cut short: its ${what} would end behind the end of the file`, {
      where: source.name,
      why: `the ${what} takes ${length} bytes from ${offset}; the file has ${source.size}`,
      mend: "Copy or build the file again.",
    });
  }
  if (length > LARGEST_TABLE) {
    throw new SondeError("SONDE_ELF_TOO_LARGE", `the ${what} of ${source.name} is larger than sonde reads`, {
      where: source.name,
      why: `it takes ${length} bytes; the limit is ${LARGEST_TABLE}`,
      mend: "Strip the file, or probe it by address.",
    });
  }
  const bytes = source.read(offset, length);
  if (bytes.length < length) {
    throw new SondeError("SONDE_ELF_TRUNCATED", `${source.name} became shorter while it was read`, { where: source.name, mend: "Try again." });
  }
  return bytes;
}
