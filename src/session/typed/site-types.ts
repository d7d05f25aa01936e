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
import { unlessRefused } from "../../errors/unless-refused.ts";
import { withKnownNames } from "../../prototypes/usdt.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { missingError, undescribedError } from "../../symbols/debug-files/missing.ts";
import { type OpenedDebugInfo, openDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { recordSignature } from "../../symbols/kernel/events.ts";
import type { FunctionSite, StaticProbe } from "../../symbols/site.ts";
import type { ProbePlaces } from "../probe.ts";
import { fileOfSite, prototypeOf } from "../signatures.ts";

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

/** Of one of a probe's sites, by its index. Debug information that can't be read is none. */
export function signatureOfPlace(places: Pick<ProbePlaces, "sites" | "targets" | "from">, index: number): Signature | undefined {
  const site = places.sites[index]!;
  if (site.usdt !== undefined) return staticSignature(site.name, site.usdt);
  if (site.event !== undefined) return site.event.kind === "tracepoint" ? (site.declared ?? recordSignature(site)) : undefined;
  const known = isAtEntry(site) ? prototypeOf(fileOfSite(places, index), site) : undefined;
  return known ?? unlessRefused(() => fromDebugInfo(site)) ?? site.declared;
}

/** Of a static probe, `provider:name`, with the names that are known of its arguments. */
export function staticSignature(name: string, { signature }: StaticProbe): Signature {
  const colon = name.indexOf(":");
  return withKnownNames(name.slice(0, colon), name.slice(colon + 1), signature);
}

/** The function's declaration, in its own language, as its debug information on the disk has it; undefined where there is none. */
export function declarationOf(site: FunctionSite): string | undefined {
  return unlessRefused(() => {
    const found = open(site);
    if (typeof found === "function") return undefined;
    const { debug } = found.info;
    const address = Number(site.address) + site.delta;
    const { scope } = site.source ?? {};
    const entry = isAtEntry(site) ? functionAt(debug, address) : functionsAt(scopesAt(debug, address)).find(({ key }) => scope === undefined || key === scope);
    return entry && describe(entry);
  });
}

/** Why nothing is known at a site: SONDE_DEBUG_INFO_MISSING or what reading it threw; undefined where something is. */
export function whyUntyped(site: FunctionSite): SondeError | undefined {
  if (site.usdt !== undefined || site.event !== undefined) return undefined;
  const found = open(site);
  if (typeof found === "function") return found();
  return fromDebugInfo(site) === undefined ? undescribedError(site.display, [site.name], found.info.split.missing) : undefined;
}

/** A site of each file of which more debug information could be had. Sites of lines know entries of what is open: that stays as it is. */
export function lackingAmong(sites: readonly FunctionSite[]): FunctionSite[] {
  const inSource = new Set(sites.filter(({ source }) => source !== undefined).map(keyOf));
  return [...new Map(sites.map((one) => [keyOf(one), one])).values()].filter((site) => {
    const known = open(site);
    return typeof known === "function" || (known.info.incomplete !== undefined && !inSource.has(keyOf(site)));
  });
}

/** After a download was tried; with what went wrong there. */
export function openAgain(site: FunctionSite, failures: readonly string[]): void {
  opened.set(keyOf(site), openAnew(site, failures));
}

/** Whether sonde ships a prototype of the function at a site. */
export const isShipped = (file: string, site: FunctionSite): boolean => isAtEntry(site) && prototypeOf(file, site) !== undefined;

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

function openAnew({ path, display }: FunctionSite, failures: readonly string[] = []): OpenFile | Lacking {
  let source: FileSource | undefined;
  try {
    source = new FileSource(path, display);
    const program = readElf(source);
    const info = openDebugInfo(path, program, { display });
    if (!("missing" in info)) return { info, program, signatures: new Map() };
    source.close();
    return () => missingError(info.missing, failures);
  } catch (error) {
    source?.close();
    if (error instanceof SondeError) return () => error;
    throw error;
  }
}
