/** From a static probe's target as written to its sites, in all the files that it means. */
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { symbolsElsewhere } from "../debug-files/symbols.ts";
import { FileSource } from "../file-source.ts";
import { filesFor } from "../process-files.ts";
import type { Resolved } from "../resolve.ts";
import type { FunctionSite } from "../site.ts";
import { findUsdt, type NotFound } from "./find.ts";
import { readUsdtProbes, type UsdtProbe, type UsdtSite } from "./probes.ts";
import { parseUsdtTarget, type UsdtTarget } from "./target.ts";
import { variablesOf } from "./variables.ts";

/**
 * The places of the probes that a target names: those of one may be many, where the function that it is in was inlined. As for
 * functions, all files of the name count, and one without the probe is passed over if another one has it.
 * Throws SONDE_TARGET_…, SONDE_FILE_…, SONDE_ELF_…, SONDE_USDT_…, SONDE_PROCESS_….
 */
export function resolveUsdt(text: string, pids: readonly number[]): Resolved {
  const target = parseUsdtTarget(text);
  const { files, notes: fileNotes } = filesFor(target.file, pids);
  const notes = [...fileNotes];
  const sites: FunctionSite[] = [];
  let failure: SondeError | undefined;
  for (const { path, display } of files) {
    const source = new FileSource(path, display);
    try {
      sites.push(...sitesIn(source, path, display, target, notes));
    } catch (error) {
      if (!(error instanceof SondeError) || files.length === 1) throw error;
      failure ??= error;
    } finally {
      source.close();
    }
  }
  if (sites.length === 0) throw failure ?? new SondeError("SONDE_FILE_NOT_FOUND", `no file of ${target.text} could be read`, { where: target.text });
  return { sites, notes };
}

function sitesIn(source: FileSource, path: string, display: string, target: UsdtTarget, notes: string[]): FunctionSite[] {
  const image = readElf(source);
  const all = readUsdtProbes(
    image,
    variablesOf(image, () => symbolsElsewhere(path, image, { display })),
  );
  const found = findUsdt(all, target, display);
  if ("kind" in found) throw notFound(found, target);
  const { leftOut } = all;
  const lost = leftOut.reduce((sum, { count }) => sum + count, 0);
  if (lost > 0) notes.push(`${display}: ${lost} notes of static probes are left out: ${leftOut.map(({ why }) => why).join("; ")}`);
  // The file is closed before anybody asks for arguments: they are read now.
  return found.flatMap((probe) => probe.sites.map((site) => siteOf(source, path, display, probe, site)));
}

function siteOf(source: FileSource, path: string, display: string, { provider, name }: UsdtProbe, site: UsdtSite): FunctionSite {
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
