/** For each file that is named: how many of its functions can be armed by a jump at their entry, and at each place where they are left too. */
import { readElf } from "../../src/elf/image.ts";
import { FileCode } from "../../src/engines/inline/code/file-code.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { SymbolIndex } from "../../src/symbols/symbol-index.ts";
import { isWindow } from "../../src/x86/windows/windows.ts";

const results = process.argv.slice(2).map((path) => {
  const begun = performance.now();
  const image = readElf(new FileSource(path));
  const index = new SymbolIndex(image);
  const sizes = new Map<number, number>();
  for (const table of index.tables)
    for (let i = 0; i < table.count; i++) if (table.isFunction(i)) sizes.set(table.address(i), Math.max(sizes.get(table.address(i)) ?? 0, table.size(i)));
  const all = new FileCode(image, index).windows([...sizes].map(([address, size]) => ({ address, size })));
  const result = { functions: sizes.size, entry: 0, both: 0, single: 0, exits: 0, exitsArmable: 0, seconds: 0 };
  for (const one of all) {
    if (one === undefined) continue;
    const exits = one.exits.filter(({ window }) => isWindow(window)).length;
    result.exits += one.exits.length;
    result.exitsArmable += exits;
    if (!isWindow(one.entry)) continue;
    result.entry++;
    if (one.entry.instructions === 1) result.single++;
    if (exits === one.exits.length) result.both++;
  }
  result.seconds = (performance.now() - begun) / 1000;
  return result;
});
process.stdout.write(`${JSON.stringify(results)}\n`);
