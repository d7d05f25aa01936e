/** The sites of a source line: where a debugger would stop for it, in each function and inlined copy that has it. */
import type { Entry } from "../dwarf/entry.ts";
import { findLine, type LinePlace, type LineResult } from "../dwarf/lines.ts";
import { codeSegment } from "../elf/image.ts";
import { unwindRange } from "../elf/unwind-table.ts";
import { SondeError } from "../errors/error.ts";
import { checkBoundary } from "./boundary.ts";
import { missingError } from "./debug-files/missing.ts";
import { openDebugInfo } from "./debug-files/open.ts";
import { demangle } from "./names/demangle.ts";
import { type OpenFile, siteOf } from "./open-file.ts";
import type { FunctionSite } from "./site.ts";
import type { FunctionEntry } from "./symbol-index.ts";
import type { Place, Target } from "./target.ts";

type Line = Extract<Place, { kind: "line" }>;

/**
 * Notes say it where the line has no code and the next one that has is meant. Throws SONDE_DEBUG_INFO_MISSING, SONDE_SOURCE_NOT_FOUND,
 * SONDE_LINE_NOT_FOUND, SONDE_OFFSET_…, SONDE_DWARF_UNREADABLE.
 */
export function lineSites(file: OpenFile, target: Target, place: Line, notes: string[]): FunctionSite[] {
  const opened = openDebugInfo(file.path, file.image, { display: file.display });
  if ("missing" in opened) throw missingError(opened.missing);
  const found = findLine(opened.debug, { file: place.file, line: place.line, ...(place.column === undefined ? {} : { column: place.column }) });
  if (found.k !== "found") throw lineNotFound(found, file, target, place);
  if (!found.exact) notes.push(elsewhere(found, place));
  const sites = found.places.flatMap((one) => siteAt(file, target, one) ?? []);
  if (sites.length === 0) {
    throw new SondeError("SONDE_LINE_NOT_FOUND", `the code of ${target.text} isn't in ${file.display}`, {
      where: target.text,
      why: "the debug information names addresses that the file has no code at: it may be of another build",
      mend: "Take the debug information of this very build.",
    });
  }
  return sites;
}

function siteAt(file: OpenFile, target: Target, place: LinePlace): FunctionSite | undefined {
  const { address } = place;
  const entry = enclosing(file, address);
  if (entry === undefined) return undefined;
  const delta = address - entry.address;
  if (delta > 0) checkBoundary(file.image, file.index, entry, delta, target.text);
  const inlined = place.inlinedIn !== undefined;
  return siteOf(file, entry, delta, {
    kind: "line",
    name: (inlined ? nameOf(place.function) : undefined) ?? entry.name,
    file: place.file,
    line: place.line,
    column: place.column,
    in: inlined ? entry.name : undefined,
    scope: place.function?.key,
  });
}

/** The function whose code is at an address as linked: by its symbol, else by the unwind table. */
export function enclosing({ index, image }: Pick<OpenFile, "index" | "image">, address: number): FunctionEntry | undefined {
  if (codeSegment(image, address) === undefined) return undefined;
  const named = index.at(address);
  if (named !== undefined) return named;
  const range = unwindRange(image, address);
  const segment = range === undefined ? undefined : codeSegment(image, range.address);
  if (range === undefined || segment === undefined) return undefined;
  const offset = range.address - segment.address + segment.offset;
  return { name: `0x${range.address.toString(16)}`, aliases: [], address: range.address, size: range.size, offset, indirect: false };
}

/** A function as the programmer wrote it; undefined if the debug information has no name of it. */
function nameOf(entry: Entry | undefined): string | undefined {
  const linked = entry?.linkageName;
  return (linked === undefined ? undefined : demangle(linked)?.text) ?? entry?.name;
}

const at = ({ file, line, column }: Line): string => `${file}:${line}${column === undefined ? "" : `:${column}`}`;

function elsewhere({ line, column }: Extract<LineResult, { k: "found" }>, place: Line): string {
  if (line !== place.line) return `${at(place)} has no code: line ${line} is probed, the next one that has`;
  return `${place.file}:${line} has no code at column ${place.column}: column ${column} is probed`;
}

function lineNotFound(found: Exclude<LineResult, { k: "found" }>, { display }: OpenFile, { text, file }: Target, place: Line): SondeError {
  if (found.k === "no file") {
    return new SondeError("SONDE_SOURCE_NOT_FOUND", `${display} has no code of a source file ${JSON.stringify(place.file)}`, {
      where: text,
      why: "a file's path ends so, for each that the debug information knows",
      mend:
        found.near.length > 0
          ? `Did you mean ${found.near.map((name) => `"${file}:${name}:${place.line}"`).join(" or ")}?`
          : `Name a function: sonde list '${file}:*'`,
    });
  }
  return new SondeError("SONDE_LINE_NOT_FOUND", `no line of ${place.file} from ${place.line} on has code in ${display}`, {
    where: text,
    why: found.before === undefined ? "the file has no code there at all" : `the last line that has code is ${found.before}`,
    mend: found.before === undefined ? "Name another file, or a function." : `Write "${file}:${place.file}:${found.before}"`,
  });
}
