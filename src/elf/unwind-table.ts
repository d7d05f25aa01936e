/** Finds where functions begin and end from the table for unwinding (`.eh_frame_hdr`), which stripped files have too. */
import { addressToOffset, type ElfImage, findSection, sectionBytes } from "./image.ts";

export interface CodeRange {
  readonly address: number;
  readonly size: number;
}

const PC_RELATIVE_INT32 = 0x1b;
const DATA_RELATIVE_INT32 = 0x3b;
const UINT32 = 0x03;

/**
 * The function that covers an address. Only the encodings that today's compilers write are read; undefined for others,
 * as where no function covers the address. The header is a table sorted by address:
 *
 *     version:1 encodings:3 frame:4 count:4 | (function:4 entry:4) × count         (both relative to the header)
 *
 * Source: the Linux Standard Base, "Exception Frames".
 */
export function unwindRange(image: ElfImage, address: number): CodeRange | undefined {
  const section = findSection(image, ".eh_frame_hdr");
  if (section === undefined || section.size < 12) return undefined;
  const header = dataView(sectionBytes(image, section));
  if (
    header.byteLength < 12 ||
    header.getUint8(0) !== 1 ||
    header.getUint8(1) !== PC_RELATIVE_INT32 ||
    header.getUint8(2) !== UINT32 ||
    header.getUint8(3) !== DATA_RELATIVE_INT32
  ) {
    return undefined;
  }
  const count = Math.min(header.getUint32(8, true), Math.floor((header.byteLength - 12) / 8));
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (header.getInt32(12 + middle * 8, true) + section.address <= address) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const start = header.getInt32(12 + (low - 1) * 8, true) + section.address;
  const entry = header.getInt32(16 + (low - 1) * 8, true) + section.address;
  const size = rangeSize(image, entry, start);
  return size !== undefined && address < start + size ? { address: start, size } : undefined;
}

/** The size in a frame's description: length:4 parent:4 function:4 size:4. */
function rangeSize(image: ElfImage, entryAddress: number, start: number): number | undefined {
  const offset = addressToOffset(image, entryAddress);
  if (offset === undefined) return undefined;
  const bytes = image.source.read(offset, 16);
  if (bytes.length < 16) return undefined;
  const entry = dataView(bytes);
  // An extended length, or another pointer encoding than the one that the header's has: not ours to guess.
  if (entry.getUint32(0, true) === 0xffffffff || entry.getInt32(8, true) + entryAddress + 8 !== start) return undefined;
  const size = entry.getUint32(12, true);
  return size > 0 ? size : undefined;
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where all functions begin that the table has, by address; none where it isn't encoded as usual. */
export function functionStarts(image: ElfImage): number[] {
  const section = findSection(image, ".eh_frame_hdr");
  if (section === undefined || section.size < 12) return [];
  const header = dataView(sectionBytes(image, section));
  if (header.byteLength < 12 || header.getUint8(0) !== 1 || header.getUint8(2) !== UINT32 || header.getUint8(3) !== DATA_RELATIVE_INT32) return [];
  const count = Math.min(header.getUint32(8, true), Math.floor((header.byteLength - 12) / 8));
  return Array.from({ length: count }, (_, i) => header.getInt32(12 + i * 8, true) + section.address);
}
