/** What is known of the function at a site: from the shipped prototypes, else from the program's debug information. */

import { type Frames, framesOf } from "../../dwarf/frames.ts";
import { functionAt } from "../../dwarf/function-at.ts";
import { functionsAt } from "../../dwarf/inlined.ts";
import { scopesAt } from "../../dwarf/scopes.ts";
import { signatureOf } from "../../dwarf/signature.ts";
import { signatureAt } from "../../dwarf/signature-at.ts";
import { describe } from "../../dwarf/signature-text.ts";
import { type ElfImage, readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { missingError } from "../../symbols/debug-files/missing.ts";
import { type OpenedDebugInfo, openDebugInfo, openOrFetchDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { prototypeOf } from "../signatures.ts";

/** Where a file's debug information was found, with what was read of it. The files stay open. */
interface OpenFile {
  readonly info: OpenedDebugInfo;
  readonly program: ElfImage;
  readonly signatures: Map<string, Signature | undefined>;
  frames?: Frames;
}
/** Why there is none: put into words when somebody asks, for that reads lists of packages. */
type Lacking = () => SondeError;

/** By file. */
const opened = new Map<string, OpenFile | Lacking>();

const keyOf = ({ file, path }: FunctionSite): string => `${file.device}:${file.inode} ${path}`;

/** `file` as the target names it. Debug information that can't be read is none. */
export function signatureOfSite(file: string, site: FunctionSite): Signature | undefined {
  const known = isAtEntry(site) ? prototypeOf(file, site) : undefined;
  return known ?? unlessUnreadable(() => fromDebugInfo(site));
}

/** The function's declaration, in its own language, as its debug information on the disk has it; undefined where there is none. */
export function declarationOf(site: FunctionSite): string | undefined {
  return unlessUnreadable(() => {
    const found = open(site);
    if (typeof found === "function") return undefined;
    const { debug } = found.info;
    const address = Number(site.address) + site.delta;
    const { scope } = site.source ?? {};
    const entry = isAtEntry(site) ? functionAt(debug, address) : functionsAt(scopesAt(debug, address)).find(({ key }) => scope === undefined || key === scope);
    return entry && describe(entry);
  });
}

/** Why nothing is known at a site: SONDE_DEBUG_INFO_MISSING or what reading it threw; undefined where the debug information doesn't describe it. */
export function whyUntyped(site: FunctionSite): SondeError | undefined {
  const found = open(site);
  return typeof found === "function" ? found() : undefined;
}

/** Has debuginfod's servers asked for what these sites' files lack, where DEBUGINFOD_URLS names some. Never rejects. */
export async function fetchDebugInfoOf(sites: readonly FunctionSite[]): Promise<void> {
  // Sites of lines know entries of what is open already: with those, what that lacks stays as it is.
  const inSource = new Set(sites.filter(({ source }) => source !== undefined).map(keyOf));
  for (const site of new Map(sites.map((one) => [keyOf(one), one])).values()) {
    const known = open(site);
    if (typeof known !== "function" && (known.info.incomplete === undefined || inSource.has(keyOf(site)))) continue;
    const found = await fetched(site);
    if (found !== undefined) opened.set(keyOf(site), found);
  }
}

/** Behind the entry a prototype doesn't say where a parameter is. */
const isAtEntry = ({ delta, source }: FunctionSite): boolean => delta === 0 && source === undefined;

function fromDebugInfo(site: FunctionSite): Signature | undefined {
  const found = open(site);
  if (typeof found === "function") return undefined;
  const { info, signatures } = found;
  const address = Number(site.address) + site.delta;
  const key = `${address} ${isAtEntry(site)} ${site.source?.scope}`;
  if (!signatures.has(key)) signatures.set(key, isAtEntry(site) ? atEntry(info, site) : inside(found, address, site.source?.scope));
  return signatures.get(key);
}

function atEntry({ debug }: OpenedDebugInfo, { address, name, symbol }: FunctionSite): Signature | undefined {
  const entry = functionAt(debug, Number(address));
  return entry && signatureOf(debug, entry, { symbol: symbol ?? name });
}

function inside(file: OpenFile, address: number, scope: number | undefined): Signature | undefined {
  file.frames ??= framesOf(file.program, file.info.image);
  return signatureAt(file.info.debug, address, file.frames, scope === undefined ? undefined : { key: scope });
}

function open(site: FunctionSite): OpenFile | Lacking {
  const key = keyOf(site);
  const known = opened.get(key);
  if (known !== undefined) return known;
  const found = openAnew(site);
  opened.set(key, found);
  return found;
}

function openAnew({ path, display }: FunctionSite): OpenFile | Lacking {
  try {
    const program = readElf(new FileSource(path, display));
    const info = openDebugInfo(path, program, { display });
    return "missing" in info ? () => missingError(info.missing) : { info, program, signatures: new Map() };
  } catch (error) {
    if (error instanceof SondeError) return () => error;
    throw error;
  }
}

async function fetched({ path, display }: FunctionSite): Promise<OpenFile | Lacking | undefined> {
  try {
    const program = readElf(new FileSource(path, display));
    const info = await openOrFetchDebugInfo(path, program, { display });
    return "missing" in info ? () => missingError(info.missing, info.failures) : { info, program, signatures: new Map() };
  } catch (error) {
    if (error instanceof SondeError) return undefined;
    throw error;
  }
}

function unlessUnreadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SondeError) return undefined;
    throw error;
  }
}
