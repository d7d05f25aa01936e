/** Damaged tables: real programs' sections with some bytes changed give something or nothing, soon, and no error but ours. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { frameTable } from "../../src/dwarf/frame-table.ts";
import { frameRows, framesOf } from "../../src/dwarf/frames.ts";
import { inlinedPlaces } from "../../src/dwarf/inlined.ts";
import { readLineHeader, runLineProgram } from "../../src/dwarf/line-program.ts";
import { findLine, lineAt } from "../../src/dwarf/lines.ts";
import { variablesAt } from "../../src/dwarf/scopes.ts";
import { debugSections, type SectionName, sectionsInMemory } from "../../src/dwarf/sections.ts";
import { DebugInfo } from "../../src/dwarf/units.ts";
import { findSection, readElf, sectionBytes } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { SondeError } from "../../src/errors/error.ts";
import { lined, statementsOf } from "./lines-programs.ts";
import { debugOf } from "./typed-programs.ts";

const HOSTILE = { timeout: 90_000 };
/** Generous: the machine is shared; what isn't bounded takes for ever. */
const MOST_MS = 4000;
const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x40, 3)), {
  minLength: 1,
  maxLength: 6,
});
function changed(bytes: Uint8Array, list: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [where, byte] of list) copy[Math.floor(where * copy.length)] = byte;
  return copy;
}
function bounded(work: () => void): void {
  const start = performance.now();
  try {
    work();
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
  }
  expect(performance.now() - start).toBeLessThan(MOST_MS);
}

test.each([["-gdwarf-5"], ["-gdwarf-4"], ["-gdwarf-3"]])("line programs of %s", HOSTILE, (flag) => {
  const sections = debugSections(readElf(memorySource(readFileSync(lined("-O2", flag)))))!;
  const [line, str, lineStr] = [sections.get("line"), sections.get("str"), sections.get("line_str")];
  fc.assert(
    fc.property(edits, (list) => {
      bounded(() => {
        const bad = { line: changed(line, list), str, lineStr };
        const header = readLineHeader(bad, 0);
        if (header !== undefined) expect(runLineProgram(bad, header).count).toBeLessThanOrEqual(line.length);
      });
    }),
    { numRuns: 2000 },
  );
});

test("tables of frames", HOSTILE, () => {
  const image = readElf(memorySource(readFileSync(lined("-O2"))));
  const part = (name: string): { readonly bytes: Uint8Array; readonly address: number } => {
    const section = findSection(image, name)!;
    return { bytes: sectionBytes(image, section), address: section.address };
  };
  const [frames, header] = [part(".eh_frame"), part(".eh_frame_hdr")];
  fc.assert(
    fc.property(edits, edits, fc.boolean(), (list, ofHeader, withHeader) => {
      bounded(() => {
        const bad = { ...frames, bytes: changed(frames.bytes, list), exceptions: true };
        const table = frameTable(withHeader ? { ...bad, header: { ...header, bytes: changed(header.bytes, ofHeader) } } : bad);
        for (const entry of table.entries()) frameRows(entry);
        for (let address = 0x401000; address < 0x402000; address += 97) table.find(address);
      });
    }),
    { numRuns: 1500 },
  );
});

test.each([["-gdwarf-5"], ["-gdwarf-4"]])("scopes, places and lines of %s", HOSTILE, (flag) => {
  const program = lined("-O2", flag);
  const image = readElf(memorySource(readFileSync(program)));
  const frames = framesOf(image);
  const sections = debugSections(image)!;
  const names: readonly SectionName[] = ["info", "abbrev", "line", "loclists", "loc", "rnglists", "ranges"];
  const present = names.filter((name) => sections.get(name).length > 0);
  const all: readonly SectionName[] = [...names, "str", "line_str", "addr"];
  const addresses = statementsOf(debugOf(program), /lined/).map((one) => one.address);
  fc.assert(
    fc.property(fc.constantFrom(...present), edits, (name, list) => {
      bounded(() => {
        const bad = Object.fromEntries(all.map((one) => [one, one === name ? changed(sections.get(one), list) : sections.get(one)]));
        const debug = new DebugInfo({ sections: sectionsInMemory(bad) });
        for (const address of addresses.filter((_, i) => i % 11 === 0)) {
          lineAt(debug, address);
          variablesAt(debug, address, frames);
        }
        findLine(debug, { file: "lined.h", line: 12 });
        inlinedPlaces(debug, "square", frames);
      });
    }),
    { numRuns: 600 },
  );
});
