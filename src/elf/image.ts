/** Reads an ELF file's headers: what it is, its segments and its sections. */
import { SondeError } from "../errors/error.ts";
import { type ByteSource, readFully } from "./source.ts";

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PF_X = 1;

export const SHT_SYMTAB = 2;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;

/** Addresses and sizes are plain numbers: a header whose numbers don't fit 53 bits is refused as malformed. */
export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  /** SHF_…, the lower 32 bits. */
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface ElfImage {
  readonly source: ByteSource;
  /** An executable at fixed addresses; a library or position-independent executable; what isn't linked. */
  readonly type: "executable" | "shared" | "object";
  readonly entry: number;
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
}

const TYPES: { readonly [type: number]: ElfImage["type"] } = { 1: "object", 2: "executable", 3: "shared" };
const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const SECTION_SIZE = 64;
/** Far more than any linker writes; bounds the work on a malicious file. */
const MOST_SECTIONS = 1 << 20;
const MOST_SEGMENTS = 1024;
const MOST_OF_A_TYPE = 64;

const MACHINES: { readonly [machine: number]: string } = {
  2: "SPARC",
  3: "32-bit x86",
  8: "MIPS",
  20: "PowerPC",
  21: "64-bit PowerPC",
  22: "IBM Z",
  40: "32-bit ARM",
  43: "64-bit SPARC",
  183: "arm64",
  243: "RISC-V",
  247: "eBPF",
  258: "LoongArch",
};

/**
 * Reads the headers of a 64-bit little-endian x86-64 executable or library; with `objects` of an object file too, as split
 * debug information is one.
 * Throws SONDE_ELF_NOT_ELF, _CLASS, _BYTE_ORDER, _MACHINE, _RELOCATABLE, _CORE, _TRUNCATED, _MALFORMED, _TOO_LARGE.
 * Source: the System V ABI's chapters 4 and 5, and its AMD64 supplement.
 */
export function readElf(source: ByteSource, objects = false): ElfImage {
  const ident = source.read(0, Math.min(20, source.size));
  if (ident.length < 4 || ident[0] !== 0x7f || ident[1] !== 0x45 || ident[2] !== 0x4c || ident[3] !== 0x46) {
    const script = ident[0] === 0x23 && ident[1] === 0x21;
    throw new SondeError("SONDE_ELF_NOT_ELF", `${source.name} is not an ELF file`, {
      where: source.name,
      why: script ? "it is a script, which an interpreter runs" : "it doesn't begin with 7f 45 4c 46",
      mend: script ? "name the interpreter's own executable, or a library that it loads" : "name an executable or a shared library",
    });
  }
  if (ident[4] === 1) throw refusal(source, "SONDE_ELF_CLASS", "is a 32-bit program", "sonde probes 64-bit programs only");
  if (ident[5] === 2) throw refusal(source, "SONDE_ELF_BYTE_ORDER", "is a big-endian program", "sonde probes x86-64 programs only");
  if (ident[4] !== 2 || ident[5] !== 1) throw malformed(source, "its identification names no known class or byte order");

  const header = view(readFully(source, 0, HEADER_SIZE, "ELF header"));
  const type = header.getUint16(16, true);
  const machine = header.getUint16(18, true);
  if (machine !== 62) {
    throw refusal(source, "SONDE_ELF_MACHINE", `is made for ${MACHINES[machine] ?? `machine ${machine}`}`, "sonde probes x86-64 programs only");
  }
  if (type === 1 && !objects) {
    throw refusal(
      source,
      "SONDE_ELF_RELOCATABLE",
      "is an object file that isn't linked yet",
      "no process maps it",
      "name the executable or library that it is linked into",
    );
  }
  if (type === 4) throw refusal(source, "SONDE_ELF_CORE", "is a core dump", "no process runs it", "name the program that it came from");
  if (type < 1 || type > 3) throw malformed(source, `its type is ${type}`);

  const sectionOffset = safe(source, header, 40, "section header offset");
  const sections = readSections(source, header, sectionOffset);
  const segments = readSegments(source, header, sections.first);
  return { source, type: TYPES[type]!, entry: safe(source, header, 24, "entry point"), segments, sections: sections.list };
}

function readSegments(source: ByteSource, header: DataView, firstSection: Section | undefined): Segment[] {
  const offset = safe(source, header, 32, "program header offset");
  let count = header.getUint16(56, true);
  // More than fit into 16 bits: the number is in the first section header.
  if (count === 0xffff && firstSection !== undefined) count = firstSection.info;
  if (count === 0) return [];
  if (header.getUint16(54, true) !== SEGMENT_SIZE) throw malformed(source, `its program headers are ${header.getUint16(54, true)} bytes long`);
  if (count > MOST_SEGMENTS) throw malformed(source, `it claims ${count} segments`);
  const table = view(readFully(source, offset, count * SEGMENT_SIZE, "program header table"));
  const segments: Segment[] = [];
  for (let i = 0, at = 0; i < count; i++, at += SEGMENT_SIZE) {
    segments.push({
      type: table.getUint32(at, true),
      flags: table.getUint32(at + 4, true),
      offset: safe(source, table, at + 8, "segment offset"),
      address: safe(source, table, at + 16, "segment address"),
      fileSize: safe(source, table, at + 32, "segment size"),
      memorySize: safe(source, table, at + 40, "segment size"),
    });
  }
  return segments;
}

function readSections(source: ByteSource, header: DataView, offset: number): { list: Section[]; first: Section | undefined } {
  if (offset === 0) return { list: [], first: undefined };
  if (header.getUint16(58, true) !== SECTION_SIZE) throw malformed(source, `its section headers are ${header.getUint16(58, true)} bytes long`);
  const raw = (table: DataView, index: number, at: number, name: string): Section => ({
    index,
    name,
    type: table.getUint32(at + 4, true),
    flags: table.getUint32(at + 8, true),
    address: safe(source, table, at + 16, "section address"),
    offset: safe(source, table, at + 24, "section offset"),
    size: safe(source, table, at + 32, "section size"),
    link: table.getUint32(at + 40, true),
    info: table.getUint32(at + 44, true),
    entrySize: safe(source, table, at + 56, "section entry size"),
  });
  const first = raw(view(readFully(source, offset, SECTION_SIZE, "section header table")), 0, 0, "");
  const count = header.getUint16(60, true) || first.size;
  const namesIndex = header.getUint16(62, true) === 0xffff ? first.link : header.getUint16(62, true);
  if (count > MOST_SECTIONS) throw malformed(source, `it claims ${count} sections`);
  const table = view(readFully(source, offset, count * SECTION_SIZE, "section header table"));
  let names: Uint8Array = new Uint8Array(0);
  if (namesIndex > 0 && namesIndex < count) {
    const section = raw(table, namesIndex, namesIndex * SECTION_SIZE, "");
    if (section.type !== SHT_NOBITS) names = readFully(source, section.offset, section.size, "table of section names");
  }
  const list: Section[] = [];
  for (let i = 0, at = 0; i < count; i++, at += SECTION_SIZE) {
    list.push(raw(table, i, at, cString(names, table.getUint32(at, true), 256)));
  }
  return { list, first };
}

/** The sections of a type; a file that claims more than any has is not worth the time of reading them all. */
export function sectionsOfType(image: ElfImage, type: number): Section[] {
  return image.sections.filter((section) => section.type === type).slice(0, MOST_OF_A_TYPE);
}

export function findSection(image: ElfImage, name: string): Section | undefined {
  return image.sections.find((section) => section.name === name);
}

/** A section's bytes; none for one that has no bytes in the file. */
export function sectionBytes(image: ElfImage, section: Section): Uint8Array {
  if (section.type === SHT_NOBITS) return new Uint8Array(0);
  return readFully(image.source, section.offset, section.size, `section ${section.name}`);
}

/** The place in the file of an address as linked; undefined if the file has no byte for it. */
export function addressToOffset(image: ElfImage, address: number): number | undefined {
  for (const segment of image.segments) {
    if (segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.fileSize)
      return address - segment.address + segment.offset;
  }
  return undefined;
}

/** The address as linked of a place in the file. */
export function offsetToAddress(image: ElfImage, offset: number): number | undefined {
  for (const segment of image.segments) {
    if (segment.type === PT_LOAD && offset >= segment.offset && offset < segment.offset + segment.fileSize) return offset - segment.offset + segment.address;
  }
  return undefined;
}

/** The executable segment that holds an address, if one does. */
export function codeSegment(image: ElfImage, address: number): Segment | undefined {
  return image.segments.find(
    (segment) => segment.type === PT_LOAD && (segment.flags & PF_X) !== 0 && address >= segment.address && address < segment.address + segment.fileSize,
  );
}

/** The text at `offset` up to a NUL, `most` bytes at most; "" outside. */
export function cString(bytes: Uint8Array, offset: number, most: number): string {
  if (offset >= bytes.length) return "";
  const window = bytes.subarray(offset, Math.min(bytes.length, offset + most));
  const end = window.indexOf(0);
  return Buffer.from(window.buffer, window.byteOffset, end < 0 ? window.length : end).toString("utf8");
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function safe(source: ByteSource, table: DataView, at: number, what: string): number {
  const value = table.getUint32(at, true) + table.getUint32(at + 4, true) * 2 ** 32;
  if (!Number.isSafeInteger(value)) throw malformed(source, `a ${what} is beyond any file`);
  return value;
}

function malformed(source: ByteSource, why: string): SondeError {
  return new SondeError("SONDE_ELF_MALFORMED", `${source.name} is damaged: ${why}`, { where: source.name, mend: "Copy or build the file again." });
}

function refusal(source: ByteSource, code: `SONDE_ELF_${string}`, is: string, why: string, mend = "name a 64-bit x86-64 executable or library"): SondeError {
  return new SondeError(code, `${source.name} ${is}`, { where: source.name, why, mend });
}
