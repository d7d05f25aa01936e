/** Lists all functions with their parameters: `index-functions FILE CACHE`; with `cached` from what that kept, with `size` the size too. Says on stdout how long what took. */
import { readFileSync, writeFileSync } from "node:fs";
import { decodeIndex, encodeIndex, type FunctionIndex, indexFunctions } from "../../src/dwarf/index.ts";
import { debugSections, type SectionName } from "../../src/dwarf/sections.ts";
import { DebugInfo } from "../../src/dwarf/units.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";

const [path, cache, cached] = process.argv.slice(2) as [string, string, string?];
const begun = performance.now();

function build(): FunctionIndex {
  const index = indexFunctions(new DebugInfo({ sections: debugSections(readElf(memorySource(readFileSync(path), path)))! }));
  writeFileSync(cache, encodeIndex(index));
  return index;
}

const index = cached === undefined ? build() : decodeIndex(readFileSync(cache))!;
const ready = performance.now();
let parameters = 0;
let characters = 0;
for (let i = 0; i < index.count; i++) {
  if (index.low(i) === undefined) continue;
  characters += index.name(i).length;
  for (let j = 0; j < index.parameters(i); j++, parameters++) characters += index.parameterName(i, j).length;
}
const named = index.named("main").length;
const listed = performance.now();

const SECTIONS: readonly SectionName[] = [
  "info",
  "abbrev",
  "str",
  "line_str",
  "line",
  "loclists",
  "loc",
  "rnglists",
  "ranges",
  "addr",
  "str_offsets",
  "aranges",
];
const size = (): number => {
  const sections = debugSections(readElf(memorySource(readFileSync(path), path)))!;
  return SECTIONS.reduce((sum, name) => sum + sections.get(name).length, 0);
};
process.stdout.write(
  `${JSON.stringify({ seconds: (listed - begun) / 1000, ready: (ready - begun) / 1000, functions: index.count, parameters, characters, named, bytes: cached === "size" ? size() : 0 })}\n`,
);
