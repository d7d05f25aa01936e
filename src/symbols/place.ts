/** From functions to the sites in them: where the breakpoint goes, and what a hit will cost. */
import { release } from "node:os";
import { SondeError } from "../errors/error.ts";
import { disassemble, instructionLength } from "../x86/full-decoder.ts";
import { measure } from "../x86/length-decoder.ts";
import { type PlacementRequest, placeBehindRefused, placeEntry } from "../x86/placement.ts";
import { uprobeRefusal } from "../x86/probeable.ts";
import type { Register } from "../x86/registers.ts";
import { decodeSimple, isEmulated, isShortPush } from "../x86/simple-decoder.ts";
import { FileSource } from "./file-source.ts";
import type { FunctionSite, Site } from "./site.ts";

export interface PlaceOptions {
  /** A handler at the entry alone; one at entry and return; one at the return alone. */
  readonly mode: "hit" | "call" | "return";
  /** At the function's start, whatever it costs. */
  readonly exact: boolean;
  /** The registers of the target that the entry handler reads. */
  readonly reads: ReadonlySet<Register> | "all";
  /** A call counts once: in a function of Go, behind the check of the stack, which begins the function anew where the stack was moved. */
  readonly once?: boolean;
  /** The engine itself judges what it can probe; else the kernel's rules are applied here. */
  readonly unjudged?: boolean;
}

/** Larger functions are not searched for jumps: they are not moved in. */
const LARGEST_SEARCHED = 1 << 20;
/** What is searched of a function whose end isn't known. */
const UNKNOWN_SEARCHED = 4096;
const LONGEST_INSTRUCTION = 15;

/** Throws SONDE_SITE_REFUSED where the kernel wouldn't probe the instruction. */
export function place(site: FunctionSite, options: PlaceOptions): Site {
  return placeAll([site], options)[0] as Site;
}

/** The same for many: each file is opened once. All or none. */
export function placeAll(sites: readonly FunctionSite[], options: PlaceOptions): Site[] {
  const sources = new Map<string, FileSource>();
  try {
    return sites.map((site) => {
      let source = sources.get(site.path);
      if (source === undefined) {
        source = new FileSource(site.path, site.display);
        sources.set(site.path, source);
        if (source.identity.inode !== site.file.inode || source.identity.device !== site.file.device) throw replaced(site);
      }
      return placeIn(source, site, options);
    });
  } finally {
    for (const source of sources.values()) source.close();
  }
}

function placeIn(source: FileSource, site: FunctionSite, options: PlaceOptions): Site {
  // There is no better place than a push, and among ten thousand functions most begin with one.
  if (site.delta === 0 && site.go === undefined) {
    const first = source.byteAt(site.functionOffset);
    if (isShortPush(first)) return makeSite(site, 0, SHORT_PUSHES[(first as number) & 7] as Uint8Array, true);
  }
  const searched = site.size > LARGEST_SEARCHED ? LONGEST_INSTRUCTION : site.size > 0 ? site.size : UNKNOWN_SEARCHED;
  const longNops = emulatesLongNops();
  const checked = site.delta === 0 && site.source === undefined && options.once === true ? (site.go?.checked ?? 0) : 0;
  let at = site.delta + checked;
  let code: Uint8Array;
  if (at > 0) code = source.read(site.functionOffset + at, LONGEST_INSTRUCTION);
  else {
    const whole = source.read(site.functionOffset, searched + LONGEST_INSTRUCTION);
    const body = whole.subarray(0, searched);
    if (!options.exact && site.source === undefined && site.size <= LARGEST_SEARCHED) {
      const request: PlacementRequest = {
        move: options.mode === "hit" ? "prologue" : "endbr",
        reads: options.reads,
        sizeKnown: site.size > 0,
        longNops,
        around: (reach) => {
          const from = Math.max(0, site.functionOffset - reach);
          return { bytes: source.read(from, site.functionOffset - from + body.length + reach), start: from - site.functionOffset };
        },
      };
      const refused = (to: number): boolean => refusal(whole.subarray(to)) !== undefined;
      at = placeEntry(body, request);
      // Where the kernel wouldn't take the instruction that was moved to, it may take the first; and where it wouldn't take that, a later one.
      if (refused(at)) at = at > 0 && !refused(0) ? 0 : (placeBehindRefused(body, request, refused) ?? 0);
    }
    code = whole.subarray(at);
  }
  const reason = options.unjudged === true ? undefined : refusal(code);
  if (reason !== undefined) {
    throw new SondeError("SONDE_SITE_REFUSED", `${site.name}${at > 0 ? `+0x${at.toString(16)}` : ""} in ${site.display} can't be probed: ${reason}`, {
      where: `${site.display}:${site.name}`,
      why: `the bytes there are ${hex(code.subarray(0, 8))}`,
      mend: "Probe another instruction of the function (function+0x…).",
    });
  }
  const simple = decodeSimple(code, 0);
  // A copy: the window that it was read through would otherwise stay in memory for each site.
  const bytes = code.slice(0, lengthOf(code));
  return makeSite(site, at, bytes, simple !== undefined && isEmulated(code, 0, simple, longNops));
}

/** The instructions themselves, one array for all sites. */
const SHORT_PUSHES: readonly Uint8Array[] = Array.from({ length: 8 }, (_, register) => Uint8Array.of(0x50 + register));

/** An instruction that is put into words when somebody asks. */
class PlacedInstruction {
  readonly bytes: Uint8Array;
  readonly #function: bigint;
  readonly #at: number;

  constructor(bytes: Uint8Array, functionAddress: bigint, at: number) {
    this.bytes = bytes;
    this.#function = functionAddress;
    this.#at = at;
  }

  get text(): string {
    return disassemble(this.bytes, this.#function + BigInt(this.#at));
  }
}

function makeSite(site: FunctionSite, at: number, bytes: Uint8Array, emulated: boolean): Site {
  // Field by field: copying with `...` takes several times as long, and there may be tens of thousands.
  return {
    path: site.path,
    display: site.display,
    file: site.file,
    functionOffset: site.functionOffset,
    address: site.address,
    size: site.size,
    name: site.name,
    symbol: site.symbol,
    aliases: site.aliases,
    go: site.go,
    delta: site.delta,
    source: site.source,
    usdt: site.usdt,
    offset: site.functionOffset + at,
    instruction: new PlacedInstruction(bytes, site.address, at),
    cost: emulated ? "emulated" : "stepped",
    stackDelta: 0,
  };
}

function refusal(code: Uint8Array): string | undefined {
  return uprobeRefusal(code, () => lengthOf(code));
}

/** 0 if it doesn't decode. The full decoder is asked only where measuring doesn't do. */
function lengthOf(code: Uint8Array): number {
  return measure(code, 0)?.length ?? instructionLength(code.subarray(0, LONGEST_INSTRUCTION));
}

function replaced(site: FunctionSite): SondeError {
  return new SondeError("SONDE_FILE_REPLACED", `${site.display} was replaced while it was looked at`, { where: site.display, mend: "Start again." });
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

let longNops: boolean | undefined;

/** The kernel emulates nops of several bytes from 6.17 on. */
function emulatesLongNops(): boolean {
  if (longNops === undefined) {
    const [major = 0, minor = 0] = release()
      .split(".")
      .map((part) => Number.parseInt(part, 10));
    longNops = major > 6 || (major === 6 && minor >= 17);
  }
  return longNops;
}
