/** From a static probe's target as written to its sites, in all the files that it means. */
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { symbolsElsewhere } from "../debug-files/symbols.ts";
import { inFiles, type Resolved, type TargetFile } from "../in-files.ts";
import type { FunctionSite } from "../site.ts";
import { findUsdt, leftOutText, type NotFound } from "./find.ts";
import { readUsdtProbes, type UsdtProbe, type UsdtSite } from "./probes.ts";
import { parseUsdtTarget, type UsdtTarget } from "./target.ts";
import { variablesOf } from "./variables.ts";

/**
 * The places of the probes that a target names: those of one may be many, where the function that it is in was inlined.
 * Throws SONDE_TARGET_…, SONDE_FILE_…, SONDE_ELF_…, SONDE_USDT_…, SONDE_PROCESS_….
 */
export function resolveUsdt(text: string, pids: readonly number[]): Resolved {
  const target = parseUsdtTarget(text);
  return inFiles(target, pids, (file, notes) => sitesIn(file, target, notes));
}

function sitesIn(file: TargetFile, target: UsdtTarget, notes: string[]): FunctionSite[] {
  const { source, path, display } = file;
  const image = readElf(source);
  const all = readUsdtProbes(
    image,
    variablesOf(image, () => symbolsElsewhere(path, image, { display })),
  );
  const found = findUsdt(all, target, display);
  if ("kind" in found) throw notFound(found, target);
  const lost = leftOutText(all);
  if (lost !== undefined) notes.push(`${display}: ${lost}`);
  // The file is closed before anybody asks for arguments: they are read now.
  return found.flatMap((probe) => probe.sites.map((site) => siteOf(file, probe, site)));
}

function siteOf({ source, path, display }: TargetFile, { provider, name }: UsdtProbe, site: UsdtSite): FunctionSite {
  return {
    path,
    display,
    file: source.identity,
    functionOffset: site.offset,
    address: site.address,
    size: 0,
    name: `${provider}:${name}`,
    aliases: [],
    delta: 0,
    usdt: { signature: site.signature, semaphore: site.semaphore },
  };
}

const CODES = { none: "SONDE_USDT_NONE", name: "SONDE_USDT_NOT_FOUND", several: "SONDE_USDT_SEVERAL" } as const;

const notFound = ({ kind, message, why, mend }: NotFound, target: UsdtTarget): SondeError =>
  new SondeError(CODES[kind], message, { where: target.text, ...(why !== undefined && { why }), mend });
