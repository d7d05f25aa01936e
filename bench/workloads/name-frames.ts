/** Names a million frames of 10,000 distinct addresses: `name-frames FILE`, a program or library. Says on stdout how long it took, in all and until each address was met once. */
import { readSymbolTable } from "../../src/elf/symbol-table.ts";
import { FrameNames } from "../../src/symbols/unwind/frames-text.ts";
import { Module } from "../../src/symbols/unwind/module.ts";
import { type MappedModule, mappedAt, mappedModule } from "../../src/symbols/unwind/modules.ts";

const FRAMES = 1_000_000;
const DISTINCT = 10_000;

const path = process.argv[2] as string;
const module = Module.ofFile(path, path);
if (module?.image === undefined) throw new Error(`${path} is no program`);
const { image } = module;
const mapped: readonly MappedModule[] = image.segments
  .filter(({ type, flags }) => type === 1 && (flags & 1) !== 0)
  .map(({ offset, address, fileSize }) => mappedModule({ start: 0x5000_0000_0000 + address, end: 0x5000_0000_0000 + address + fileSize, offset }, module));
const code = { at: (address: number) => mappedAt(mapped, address), compiledAt: () => undefined };

const table = readSymbolTable(image, "symtab") ?? readSymbolTable(image, "dynsym");
if (table === undefined) throw new Error(`${path} has no symbols`);
const functions = Array.from({ length: table.count }, (_, i) => i).filter((i) => table.isFunction(i) && table.size(i) > 8);
const addresses = new Float64Array(DISTINCT);
for (let i = 0; i < DISTINCT; i++) {
  const one = functions[Math.floor((i * functions.length) / DISTINCT)]!;
  // Several in one function where there are less functions than addresses.
  addresses[i] = mapped[0]!.bias + table.address(one) + 1 + ((i * 7) % (table.size(one) - 1));
}

const names = new FrameNames();
let inlined = 0;
let lines = 0;
const name = (address: number): void => {
  const frames = names.of(code, address, true);
  inlined += frames.length - 1;
  if (frames[0]!.line > 0) lines++;
};
const begun = performance.now();
for (const address of addresses) name(address);
const met = performance.now();
// The same ones in no order.
for (let i = DISTINCT, at = 1; i < FRAMES; i++) {
  at = (at * 1103515245 + 12345) % 2147483648;
  name(addresses[at % DISTINCT]!);
}
const ended = performance.now();
process.stdout.write(
  `${JSON.stringify({ seconds: (ended - begun) / 1000, first: (met - begun) / 1000, distinct: new Set(addresses).size, lines, inlined })}\n`,
);
module.close();
