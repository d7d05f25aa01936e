/** From a target as written to the functions it names, in all the files that it means. */
import { goVersion } from "../elf/go-version.ts";
import { codeSegment, readElf } from "../elf/image.ts";
import { isGoBinary } from "../elf/notes.ts";
import { unwindRange } from "../elf/unwind-table.ts";
import { SondeError } from "../errors/error.ts";
import { measure } from "../x86/length-decoder.ts";
import { uprobeRefusal } from "../x86/probeable.ts";
import { relocate } from "../x86/relocate/relocate.ts";
import { isShortPush } from "../x86/simple-decoder.ts";
import { checkBoundary } from "./boundary.ts";
import { symbolsElsewhere } from "./debug-files/symbols.ts";
import { goCode } from "./go-code.ts";
import { IndirectFunctions } from "./ifunc.ts";
import { inFiles, type Resolved } from "./in-files.ts";
import { byDebugInfo } from "./inlined-sites.ts";
import { enclosing, lineSites } from "./line-sites.ts";
import { notFound } from "./not-found.ts";
import { type OpenFile, siteOf } from "./open-file.ts";
import { place } from "./place.ts";
import type { FunctionSite } from "./site.ts";
import { type FunctionEntry, SymbolIndex } from "./symbol-index.ts";
import { parseTarget, type Target } from "./target.ts";

export interface ResolveOptions {
  /** Look in these processes: their mappings, their root. None: every process. */
  readonly pids?: readonly number[];
  /**
   * Whether the probe is at the entry (or at an instruction), or at the return as well: by another return address on the
   * stack (`return`), or by an engine that leaves the stack alone (`leave`).
   */
  readonly mode: "entry" | "return" | "leave";
  /** The engine displaces instructions itself: patterns leave out what it can't; else what the kernel wouldn't probe. */
  readonly unjudged?: boolean;
}

const INT3 = 0xcc;
const LONGEST_INSTRUCTION = 15;
/** How many names a note lists. */
const SHOWN_NAMES = 5;

/**
 * The functions, or places in functions, that a target names, in all files that it means.
 * Throws SONDE_TARGET_…, SONDE_FILE_…, SONDE_ELF_…, SONDE_FUNCTION_…, SONDE_OFFSET_…, SONDE_ADDRESS_…, SONDE_RETURN_…, SONDE_PROCESS_….
 */
export function resolveTarget(text: string, options: ResolveOptions): Resolved {
  const target = parseTarget(text);
  if (options.mode !== "entry" && isInside(target)) {
    throw new SondeError("SONDE_RETURN_OFFSET", `${target.text} is a place inside a function, and only a function is called and returns`, {
      where: target.text,
      mend: "Name the function alone, or probe the place with a handler at the hit alone.",
    });
  }
  const pids = options.pids ?? [];
  return inFiles(target, pids, ({ source, path, display }, notes) => {
    const image = readElf(source);
    const indirect = new IndirectFunctions({ ...source.identity, path, image }, pids);
    try {
      const index = new SymbolIndex(image, () => symbolsElsewhere(path, image, { display }));
      const sites = resolveIn({ source, image, indirect, index, path, display }, target, notes, options);
      if (!isGoBinary(image)) return sites;
      const version = goVersion(image);
      return sites.map((site) => ({ ...site, go: goCode(source, site, version) }));
    } finally {
      indirect.close();
    }
  });
}

const isInside = ({ place }: Target): boolean => place.kind === "line" || (place.kind === "function" && place.delta > 0);

function resolveIn(file: OpenFile, target: Target, notes: string[], { mode, unjudged }: ResolveOptions): FunctionSite[] {
  const place = target.place;
  if (place.kind === "address") return [resolveAddress(file, target, place.address)];
  if (place.kind === "line") return lineSites(file, target, place, notes);
  const named = place.kind === "function" ? file.index.find(place.name) : file.index.match(place.pattern);
  const further = place.kind === "function" && place.delta === 0 ? byDebugInfo(file, place.name, named) : undefined;
  const entries = further === undefined ? named : [...named, ...further.entries];
  const inlined = mode === "entry" ? (further?.inlined ?? []) : [];
  if (further !== undefined && further.inlined.length > 0) noteInlined(further.inlined, entries, target, mode, notes);
  if (entries.length === 0 && inlined.length > 0) return [...inlined];
  if (entries.length === 0) throw notFound(file, target);
  if (place.kind === "function" && place.delta > 0) {
    return entries.map((entry) => {
      if (entry.indirect) {
        throw new SondeError("SONDE_OFFSET_INDIRECT", `${target.text} is an offset into an indirect function, whose symbol is the resolver`, {
          where: target.text,
          why: "the code that is called is chosen for this processor and has another address",
          mend: `See the addresses with: sonde list '${target.file}:${entry.name}'`,
        });
      }
      checkBoundary(file.image, file.index, entry, place.delta, target.text);
      return siteOf(file, entry, place.delta);
    });
  }
  const sites = new Map<number, FunctionSite>();
  const unprobeable: string[] = [];
  const isLeftOut = (entry: FunctionEntry): boolean => place.kind === "pattern" && (unjudged === true ? isUnmovable(file, entry) : isUnprobeable(file, entry));
  let refused: SondeError | undefined;
  for (const entry of entries) {
    if (!entry.indirect) {
      if (isLeftOut(entry)) unprobeable.push(entry.name);
      else if (!sites.has(entry.offset)) sites.set(entry.offset, siteOf(file, entry, 0));
      continue;
    }
    try {
      for (const implementation of implementationEntries(file, entry, target, notes)) {
        if (isLeftOut(implementation)) unprobeable.push(entry.name);
        else if (!sites.has(implementation.offset)) sites.set(implementation.offset, siteOf(file, implementation, 0));
      }
    } catch (error) {
      if (place.kind === "function" || !(error instanceof SondeError)) throw error;
      refused ??= error;
      notes.push(`${entry.name} is left out: ${error.message}`);
    }
  }
  if (unprobeable.length > 0) {
    notes.push(`${file.display}: ${listed(unprobeable)} can't be probed, because of how they begin: left out`);
  }
  if (sites.size === 0) {
    throw (
      refused ??
      new SondeError("SONDE_SITE_REFUSED", `no function that ${target.text} matches can be probed`, {
        where: target.text,
        why: notes.at(-1) ?? "",
        mend: "Name another pattern.",
      })
    );
  }
  return [...[...sites.values()].sort((a, b) => a.functionOffset - b.functionOffset), ...inlined];
}

/** Throws SONDE_RETURN_INLINED where the function's return is wanted and it is inlined everywhere. */
function noteInlined(
  inlined: readonly FunctionSite[],
  entries: readonly FunctionEntry[],
  { text }: Target,
  mode: ResolveOptions["mode"],
  notes: string[],
): void {
  const places = `${inlined.length} ${inlined.length === 1 ? "place" : "places"}`;
  if (mode === "entry") notes.push(`${text} is inlined at ${places}, which ${inlined.length === 1 ? "is" : "are"} probed${entries.length > 0 ? " too" : ""}`);
  else if (entries.length > 0) notes.push(`${text} is also inlined at ${places}: what is inlined has no call and no return, and isn't probed`);
  else {
    throw new SondeError("SONDE_RETURN_INLINED", `${text} is inlined at ${places}, and nowhere called: what is inlined has no call and no return`, {
      where: text,
      mend: "Probe the hit alone, or a line behind it (bin:file.c:120).",
    });
  }
}

/** Whether the kernel wouldn't probe a function at its entry; a pattern leaves such functions out. */
function isUnprobeable(file: OpenFile, entry: FunctionEntry): boolean {
  if (isShortPush(file.source.byteAt(entry.offset))) return false;
  const code = file.source.read(entry.offset, 32);
  // Nearly all begin with something probeable; the others are placed for trial.
  if (uprobeRefusal(code, () => measure(code, 0)?.length ?? 1) === undefined) return false;
  try {
    place(siteOf(file, entry, 0), { mode: "call", exact: false, reads: "all" });
    return false;
  } catch {
    return true;
  }
}

/** Whether no engine of ours could execute a function's first instruction elsewhere. */
function isUnmovable(file: OpenFile, entry: FunctionEntry): boolean {
  const code = file.source.read(entry.offset, Math.min(LONGEST_INSTRUCTION, file.source.size - entry.offset));
  // The full decoder is loaded for the few that the quick one can't measure.
  if (code[0] !== INT3 && measure(code, 0) !== undefined) return false;
  return "refused" in relocate(code, entry.address, entry.address);
}

/** The functions that are called in place of an indirect one. */
function implementationEntries(file: OpenFile, entry: FunctionEntry, target: Target, notes: string[]): FunctionEntry[] {
  const found = file.indirect.implementationsOf(entry);
  if (found.addresses.length === 0) {
    throw found.vdso
      ? new SondeError("SONDE_FUNCTION_VDSO", `${entry.name} runs in the kernel's own page (vdso), which no probe reaches`, {
          where: target.text,
          why: `${file.display} hands its calls to the vdso`,
          mend: "Probe the functions that call it.",
        })
      : new SondeError("SONDE_FUNCTION_INDIRECT", `${entry.name} is an indirect function, and which code it calls can't be told`, {
          where: target.text,
          why: "no process that may be read has called it, and its resolver's code doesn't show the candidates",
          mend: "Give a process that uses it with -p PID.",
        });
  }
  if (found.vdso) notes.push(`${entry.name}: calls that go to the kernel's own page (vdso) are not seen`);
  if (found.from === "resolver" && found.addresses.length > 1) {
    notes.push(`${entry.name} is an indirect function and no process tells which implementation is in use: all ${found.addresses.length} are probed`);
  }
  return found.addresses.flatMap((address) => {
    const segment = codeSegment(file.image, address);
    if (segment === undefined) return [];
    const named = file.index.at(address);
    const range = named?.address === address && named.size > 0 ? named : unwindRange(file.image, address);
    const size = range?.address === address ? range.size : 0;
    const names = named?.address === address ? [named.name, ...named.aliases] : [];
    const aliases = [...new Set([...entry.aliases, ...names])].filter((name) => name !== entry.name);
    return [{ name: entry.name, aliases, address, size, offset: address - segment.address + segment.offset, indirect: false }];
  });
}

/** A place by its address: in the function that covers it, or alone. */
function resolveAddress(file: OpenFile, target: Target, wanted: bigint): FunctionSite {
  const address = wanted <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wanted) : -1;
  const segment = codeSegment(file.image, address);
  if (segment === undefined) {
    const code = file.image.segments.filter((candidate) => candidate.type === 1 && (candidate.flags & 1) !== 0);
    throw new SondeError("SONDE_ADDRESS_NOT_CODE", `0x${wanted.toString(16)} is not an address of code in ${file.display}`, {
      where: target.text,
      why: `its code is at ${code.map((part) => `0x${part.address.toString(16)}–0x${(part.address + part.fileSize).toString(16)}`).join(", ") || "no address"}`,
      mend: "Write the virtual address as linked (as objdump and nm show it), not the one in a running process.",
    });
  }
  const entry = enclosing(file, address);
  if (entry === undefined) {
    return siteOf(
      file,
      { name: `0x${wanted.toString(16)}`, aliases: [], address, size: 0, offset: address - segment.address + segment.offset, indirect: false },
      0,
    );
  }
  const delta = address - entry.address;
  if (delta > 0) checkBoundary(file.image, file.index, entry, delta, target.text);
  return siteOf(file, entry, delta);
}

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  return `${names.slice(0, SHOWN_NAMES).join(", ")}${more}`;
}
