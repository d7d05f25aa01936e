/** What unwinding reads: a process's memory by pages, or pieces that were copied of it. */

export interface UnwindMemory {
  /** All of the bytes, valid until the next read, or undefined. */
  read(address: number, length: number): Uint8Array | undefined;
}

/** Bytes that lay at an address. */
export interface MemoryPiece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

const PAGE = 4096;
/** Pages that are kept for one stack. */
const MOST_PAGES = 1024;

/**
 * A process's memory: a stack is read page by page, each once. It holds what was read, so it is made anew for each stack.
 *
 * @param read fills in from an address on, and gives how many bytes there were; less than one for none
 */
export function pagedMemory(read: (address: number, into: Uint8Array) => number): UnwindMemory {
  const pages = new Map<number, Uint8Array | undefined>();
  const pageAt = (start: number): Uint8Array | undefined => {
    if (pages.has(start)) return pages.get(start);
    if (pages.size >= MOST_PAGES) pages.clear();
    const bytes = new Uint8Array(PAGE);
    const page = read(start, bytes) === PAGE ? bytes : undefined;
    pages.set(start, page);
    return page;
  };
  return {
    read(address, length) {
      if (!isRange(address, length)) return undefined;
      const at = address % PAGE;
      const start = address - at;
      const first = pageAt(start);
      if (first === undefined || at + length <= PAGE) return first?.subarray(at, at + length);
      const bytes = new Uint8Array(length);
      bytes.set(first.subarray(at));
      for (let done = PAGE - at; done < length; done += PAGE) {
        const page = pageAt(address + done);
        if (page === undefined) return undefined;
        bytes.set(page.subarray(0, Math.min(PAGE, length - done)), done);
      }
      return bytes;
    },
  };
}

/** Copied pieces, and behind them what never changes: code and constants as the files have them. A read that no one of them holds whole fails. */
export function copiedMemory(pieces: readonly MemoryPiece[], behind?: UnwindMemory): UnwindMemory {
  return {
    read(address, length) {
      if (!isRange(address, length)) return undefined;
      for (const { address: start, bytes } of pieces) {
        if (address >= start && address + length <= start + bytes.length) return bytes.subarray(address - start, address - start + length);
      }
      return behind?.read(address, length);
    },
  };
}

const isRange = (address: number, length: number): boolean => Number.isSafeInteger(address) && address >= 0 && length > 0 && length <= PAGE;
