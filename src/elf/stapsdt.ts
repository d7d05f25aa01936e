/** Reads the notes that programs describe their static probes with: `.note.stapsdt`, as sys/sdt.h and what imitates it write them. */
import { type ElfImage, findSection, PT_NOTE, SHT_NOTE, sectionsOfType } from "./image.ts";
import { parseNotes } from "./notes.ts";
import { readFully } from "./source.ts";

/** One place where a probe is. Addresses are as the file is linked now, prelinked or not. */
export interface StapsdtNote {
  readonly provider: string;
  readonly name: string;
  /** Of the instruction: a nop. */
  readonly location: number;
  /** Where the probe's 16-bit count of those who listen is; 0: it has none. */
  readonly semaphore: number;
  /** The arguments as the assembler's operands: "8@%rax -4@-20(%rbp)". */
  readonly args: string;
}
/** What was left out, and how often. `why` completes "… was left out: " ("its name is empty"). */
export interface LeftOut {
  readonly why: string;
  readonly count: number;
}
export interface StapsdtNotes {
  /** In the file's order. */
  readonly notes: readonly StapsdtNote[];
  readonly leftOut: readonly LeftOut[];
}

const NT_STAPSDT = 3;
const ADDRESSES = 24;
/** All blocks of notes together. A Java virtual machine, which has the most, takes 60 KB. */
const LARGEST_BLOCKS = 4 * 1024 * 1024;
/** A provider's or a probe's name. */
const LONGEST_NAME = 256;
/** Twelve operands, each with the mangled name of a variable. */
const LONGEST_ARGS = 16 * 1024;
const MOST_NOTES = 1 << 15;

/** Counts what is left out by its reason. */
export class LeftOutCounts {
  readonly #counts = new Map<string, number>();
  constructor(counted: readonly LeftOut[] = []) {
    for (const { why, count } of counted) this.#counts.set(why, count);
  }
  add(why: string): void {
    this.#counts.set(why, (this.#counts.get(why) ?? 0) + 1);
  }
  list(): LeftOut[] {
    return [...this.#counts].map(([why, count]) => ({ why, count }));
  }
}

/**
 * All notes of static probes. A file without section headers has those that are in segments: linkers leave `.note.stapsdt`
 * out of memory unless told otherwise. What isn't such a note as it should be is left out and counted.
 * Throws SONDE_ELF_TRUNCATED, SONDE_ELF_TOO_LARGE where the headers lie of what the file has.
 *
 *     location:8 | base:8 | semaphore:8 | provider, NUL | name, NUL | arguments, NUL
 *
 * Prelinking moves a program's addresses, but not those in notes, which aren't loaded: all are off by what the section
 * `.stapsdt.base` is away from `base`. Source: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
export function readStapsdtNotes(image: ElfImage): StapsdtNotes {
  const leftOut = new LeftOutCounts();
  const notes: StapsdtNote[] = [];
  const base = findSection(image, ".stapsdt.base")?.address;
  for (const block of blocks(image, leftOut)) {
    for (const note of notesIn(block, leftOut)) {
      if (note.owner !== "stapsdt" || note.type !== NT_STAPSDT) continue;
      if (notes.length >= MOST_NOTES) {
        leftOut.add(`no more than ${MOST_NOTES} are read of a file`);
        continue;
      }
      const read = readStapsdt(note.content, base);
      if (typeof read === "string") leftOut.add(read);
      else notes.push(read);
    }
  }
  return { notes, leftOut: leftOut.list() };
}

function* blocks(image: ElfImage, leftOut: LeftOutCounts): Generator<Uint8Array> {
  const sections = sectionsOfType(image, SHT_NOTE).map(({ offset, size }) => ({ offset, size }));
  const segments = image.segments.filter(({ type }) => type === PT_NOTE).map(({ offset, fileSize: size }) => ({ offset, size }));
  let room = LARGEST_BLOCKS;
  for (const { offset, size } of image.sections.length > 0 ? sections : segments) {
    if (size > room) leftOut.add("the file has more notes than are read");
    else {
      room -= size;
      yield readFully(image.source, offset, size, "notes");
    }
  }
}

function notesIn(block: Uint8Array, leftOut: LeftOutCounts) {
  const notes = parseNotes(block);
  const last = notes.at(-1)?.content;
  const end = last === undefined ? 0 : last.byteOffset - block.byteOffset + last.length;
  // The last one may lack its padding.
  if (block.length - end >= 4) leftOut.add("its note is cut short");
  return notes;
}

/** A text: why it can't be read. */
function readStapsdt(content: Uint8Array, actualBase: number | undefined): StapsdtNote | string {
  if (content.length < ADDRESSES + 3) return "its note is cut short";
  const table = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const linkedBase = table.getBigUint64(8, true);
  const moved = actualBase === undefined || linkedBase === 0n ? 0n : BigInt(actualBase) - linkedBase;
  const address = (at: number): number => {
    const linked = table.getBigUint64(at, true);
    return linked === 0n ? 0 : Number(BigInt.asUintN(64, linked + moved));
  };
  const [location, semaphore] = [address(0), address(16)];
  if (location === 0 || !Number.isSafeInteger(location) || !Number.isSafeInteger(semaphore)) return "its address is beyond any file";
  const provider = endedText(content, ADDRESSES, LONGEST_NAME);
  const name = provider && endedText(content, provider.end, LONGEST_NAME);
  const args = name && endedText(content, name.end, LONGEST_ARGS);
  if (args === undefined) return "its names or operands don't end, or are too long";
  if (provider!.text === "" || name!.text === "") return "its name is empty";
  if ([provider!, name!, args].some(({ text }) => CONTROL.test(text))) return "its names or operands have control characters";
  return { provider: provider!.text, name: name!.text, location, semaphore, args: args.text };
}

/** What would do something to a terminal. */
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029\ufffd]/u;

/** A text of at most `most` bytes that a NUL ends, and where the next one begins. */
function endedText(bytes: Uint8Array, start: number, most: number): { readonly text: string; readonly end: number } | undefined {
  const length = bytes.subarray(start, start + most + 1).indexOf(0);
  if (length < 0) return undefined;
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("utf8"), end: start + length + 1 };
}
