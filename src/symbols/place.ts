/** From a function to the site in it: where the breakpoint goes, and what a hit will cost. */
import { release } from "node:os";
import type { Register } from "../x86/registers.ts";
import { disassemble, functionBranches, instructionLength } from "../x86/full-decoder.ts";
import { placeEntry } from "../x86/placement.ts";
import { decodeSimple, isEmulated } from "../x86/simple-decoder.ts";
import { FileSource } from "./file-source.ts";
import type { FunctionSite, Site } from "./site.ts";

export interface PlaceOptions {
  /** A handler at the entry alone; one at entry and return; one at the return alone. */
  readonly mode: "hit" | "call" | "return";
  /** At the function's start, whatever it costs. */
  readonly exact: boolean;
  /** The registers of the target that the entry handler reads. */
  readonly reads: ReadonlySet<Register> | "all";
}

/** Larger functions are not searched for jumps: they are not moved in. */
const LARGEST_SEARCHED = 1 << 20;
const LONGEST_INSTRUCTION = 15;

export function place(site: FunctionSite, options: PlaceOptions): Site {
  const source = new FileSource(site.path, site.display);
  try {
    const wanted = site.size > 0 ? Math.min(site.size, LARGEST_SEARCHED) : 4096;
    const code = source.read(site.functionOffset, Math.max(wanted, site.delta + LONGEST_INSTRUCTION));
    const body = code.subarray(0, wanted);
    const move = options.exact || site.delta > 0 ? "none" : options.mode === "hit" ? "prologue" : "endbr";
    const longNops = emulatesLongNops();
    const at = site.delta > 0 ? site.delta : placeEntry(body, {
      move, reads: options.reads, sizeKnown: site.size > 0 && site.size <= LARGEST_SEARCHED, longNops, branches: () => functionBranches(body),
    });
    const simple = decodeSimple(code, at);
    const length = simple?.length ?? instructionLength(code.subarray(at, at + LONGEST_INSTRUCTION));
    const bytes = code.slice(at, at + length);
    const address = site.address + BigInt(at);
    return {
      ...site,
      offset: site.functionOffset + at,
      instruction: { bytes, get text() { return disassemble(bytes, address); } },
      cost: simple !== undefined && isEmulated(code, at, simple, longNops) ? "emulated" : "stepped",
      stackDelta: 0,
    };
  } finally {
    source.close();
  }
}

let longNops: boolean | undefined;

/** The kernel emulates nops of several bytes from 6.17 on. */
function emulatesLongNops(): boolean {
  if (longNops === undefined) {
    const [major = 0, minor = 0] = release().split(".").map((part) => Number.parseInt(part, 10));
    longNops = major > 6 || (major === 6 && minor >= 17);
  }
  return longNops;
}
