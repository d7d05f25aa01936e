/** The program that costs are measured on: made here, byte by byte, for there may be no compiler. It calls each of its functions so often, and `mark` before and behind each. */

export interface SubjectFunction {
  readonly name: string;
  readonly code: readonly number[];
  /** So often it is called in a round. */
  readonly calls: number;
}

const BASE = 0x40_0000;
const HEADERS = 64 + 56;
const SECTIONS = 4;

/** An executable: ELF64, x86-64, static. Its functions are called with the address of a text in rdi. */
export function subject(functions: readonly SubjectFunction[], rounds: number): Buffer {
  const all: SubjectFunction[] = [{ name: "mark", code: [0x90, 0xc3], calls: 1 }, ...functions];
  const text = Buffer.from("/usr/lib/a-text-to-read\0", "latin1");
  // Each round: call mark; then for each function: mov ebx, calls; 1: lea rdi, text; call f; dec ebx; jnz 1b; call mark.
  const perFunction = 5 + 7 + 5 + 2 + 2 + 5;
  const mainBytes = 5 + 5 + functions.length * perFunction + 3 + 6 + 9;
  const start = HEADERS + Math.ceil(mainBytes / 16) * 16;
  const at = new Map<string, number>();
  let end = start;
  for (const { name, code } of all) {
    at.set(name, end);
    end += Math.ceil(code.length / 16) * 16;
  }
  const textAt = end;
  end += Math.ceil(text.length / 16) * 16;
  const main: number[] = [];
  const word = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255];
  const here = (): number => HEADERS + main.length;
  const call = (name: string): void => void main.push(0xe8, ...word(at.get(name)! - (here() + 5)));
  // mov r12d, rounds
  main.push(0x41, 0xbc, ...word(rounds));
  const round = main.length;
  call("mark");
  for (const { name, calls } of functions) {
    main.push(0xbb, ...word(calls));
    const loop = main.length;
    main.push(0x48, 0x8d, 0x3d, ...word(textAt - (here() + 7)));
    call(name);
    main.push(0xff, 0xcb);
    main.push(0x75, (loop - (main.length + 2)) & 255);
    call("mark");
  }
  // dec r12d; jnz round; exit(0)
  main.push(0x41, 0xff, 0xcc);
  main.push(0x0f, 0x85, ...word(round - (main.length + 6)));
  main.push(0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05);
  const strings = Buffer.from(`\0${all.map(({ name }) => name).join("\0")}\0`, "latin1");
  const symbolsAt = Math.ceil(end / 8) * 8;
  const stringsAt = symbolsAt + 24 * (all.length + 1);
  const sectionsAt = Math.ceil((stringsAt + strings.length) / 8) * 8;
  const file = Buffer.alloc(sectionsAt + 64 * SECTIONS);
  file.fill(0xcc, HEADERS, end);
  Buffer.from(main).copy(file, HEADERS);
  for (const { name, code } of all) Buffer.from(code).copy(file, at.get(name)!);
  text.copy(file, textAt);
  strings.copy(file, stringsAt);
  for (const [i, { name, code }] of all.entries()) {
    const entry = symbolsAt + 24 * (i + 1);
    file.writeUInt32LE(strings.indexOf(`\0${name}\0`, 0, "latin1") + 1, entry);
    // STB_GLOBAL, STT_FUNC; in section 1.
    file.writeUInt8(0x12, entry + 4);
    file.writeUInt16LE(1, entry + 6);
    file.writeBigUInt64LE(BigInt(BASE + at.get(name)!), entry + 8);
    file.writeBigUInt64LE(BigInt(code.length), entry + 16);
  }
  header(file, sectionsAt, end);
  const section = (index: number, type: number, flags: number, address: number, from: number, size: number, link = 0, info = 0, entry = 0): void => {
    const s = sectionsAt + 64 * index;
    file.writeUInt32LE(type, s + 4);
    file.writeBigUInt64LE(BigInt(flags), s + 8);
    file.writeBigUInt64LE(BigInt(address), s + 16);
    file.writeBigUInt64LE(BigInt(from), s + 24);
    file.writeBigUInt64LE(BigInt(size), s + 32);
    file.writeUInt32LE(link, s + 40);
    file.writeUInt32LE(info, s + 44);
    file.writeBigUInt64LE(8n, s + 48);
    file.writeBigUInt64LE(BigInt(entry), s + 56);
  };
  // PROGBITS, SYMTAB, STRTAB.
  section(1, 1, 6, BASE + HEADERS, HEADERS, end - HEADERS);
  section(2, 2, 0, 0, symbolsAt, 24 * (all.length + 1), 3, 1, 24);
  section(3, 3, 0, 0, stringsAt, strings.length);
  return file;
}

/** elf(5): ET_EXEC for x86-64 with one PT_LOAD that can be read and executed. */
function header(file: Buffer, sectionsAt: number, loaded: number): void {
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(BASE + HEADERS), 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(BigInt(sectionsAt), 40);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(SECTIONS, 60);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(5, 68);
  file.writeBigUInt64LE(BigInt(BASE), 80);
  file.writeBigUInt64LE(BigInt(BASE), 88);
  file.writeBigUInt64LE(BigInt(loaded), 96);
  file.writeBigUInt64LE(BigInt(loaded), 104);
  file.writeBigUInt64LE(4096n, 112);
}
