/** What is known of the function at a site: from the shipped prototypes, else from the program's debug information. */
import { functionAt } from "../../dwarf/function-at.ts";
import { debugSections } from "../../dwarf/sections.ts";
import { signatureOf } from "../../dwarf/signature.ts";
import { DebugInfo } from "../../dwarf/units.ts";
import { readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { FileSource } from "../../symbols/file-source.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { prototypeOf } from "../signatures.ts";

interface OpenDebugInfo {
  readonly debug: DebugInfo;
  readonly signatures: Map<number, Signature | undefined>;
}
/** By file: its debug information, if it has any. The files stay open. */
const opened = new Map<string, OpenDebugInfo | undefined>();

/** `file` as the target names it. Debug information that can't be read is none. */
export function signatureOfSite(file: string, site: FunctionSite): Signature | undefined {
  const known = prototypeOf(file, site);
  // Behind the entry nothing says where a parameter is.
  if (known !== undefined || site.delta !== 0) return known;
  try {
    return fromDebugInfo(site);
  } catch (error) {
    if (error instanceof SondeError) return undefined;
    throw error;
  }
}

function fromDebugInfo(site: FunctionSite): Signature | undefined {
  const of = open(site);
  if (of === undefined) return undefined;
  const address = Number(site.address);
  if (!of.signatures.has(address)) {
    const entry = functionAt(of.debug, address);
    of.signatures.set(address, entry && signatureOf(of.debug, entry, { symbol: site.name }));
  }
  return of.signatures.get(address);
}

function open({ path, display, file }: FunctionSite): OpenDebugInfo | undefined {
  const key = `${file.device}:${file.inode}`;
  if (!opened.has(key)) {
    const sections = debugSections(readElf(new FileSource(path, display)));
    opened.set(key, sections && { debug: new DebugInfo({ sections }), signatures: new Map() });
  }
  return opened.get(key);
}
