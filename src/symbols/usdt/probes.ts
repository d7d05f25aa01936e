/** The static probes of one file: what its notes say, held against what the file has there. */
import { codeSegment, type ElfImage, PT_LOAD } from "../../elf/image.ts";
import { type LeftOut, LeftOutCounts, readStapsdtNotes, type StapsdtNote } from "../../elf/stapsdt.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { decodeSimple } from "../../x86/simple-decoder.ts";
import type { Semaphore } from "../site.ts";
import type { AddressesOf } from "./operand.ts";
import { usdtSignature } from "./signature.ts";

export interface UsdtSite {
  /** The nop's place in the file. */
  readonly offset: number;
  /** As linked. */
  readonly address: bigint;
  readonly semaphore: Semaphore | undefined;
  /** The arguments as the note has them: "8@%rax -4@-20(%rbp)". Sites with the same have one signature. */
  readonly operands: string;
  /** Parameters arg0 to arg11. Read when it is first asked for. */
  readonly signature: Signature;
}
export interface UsdtProbe {
  readonly provider: string;
  readonly name: string;
  /** By their places in the file: several where the probe is in a function that is inlined, or is written several times. */
  readonly sites: readonly [UsdtSite, ...UsdtSite[]];
}
export interface UsdtProbes {
  /** By provider, then by name. */
  readonly probes: readonly UsdtProbe[];
  /** Notes that lie, or can't be read. */
  readonly leftOut: readonly LeftOut[];
}

const PF_W = 2;
const SEMAPHORE_SIZE = 2;
const LONGEST_INSTRUCTION = 15;

/**
 * Every probe whose place is a nop in the file's code, and whose semaphore, if it has one, is in writable memory: breakpoints
 * and counts go nowhere else, whatever a note says. Throws SONDE_ELF_TRUNCATED, SONDE_ELF_TOO_LARGE.
 */
export function readUsdtProbes(image: ElfImage, addressesOf: AddressesOf): UsdtProbes {
  const { notes, leftOut } = readStapsdtNotes(image);
  const counts = new LeftOutCounts(leftOut);
  const signatures = new Map<string, Signature>();
  const signatureOf = (operands: string): Signature => {
    const signature = signatures.get(operands) ?? usdtSignature(operands, addressesOf);
    signatures.set(operands, signature);
    return signature;
  };
  const byName = new Map<string, { readonly note: StapsdtNote; readonly sites: Map<number, UsdtSite> }>();
  for (const note of notes) {
    const site = siteOf(image, note, signatureOf);
    if (typeof site === "string") {
      counts.add(site);
      continue;
    }
    const key = `${note.provider}\0${note.name}`;
    const probe = byName.get(key) ?? { note, sites: new Map<number, UsdtSite>() };
    byName.set(key, probe);
    if (probe.sites.has(site.offset)) counts.add("another note of the probe has the same place");
    else probe.sites.set(site.offset, site);
  }
  const probes = [...byName.values()].map(({ note: { provider, name }, sites }) => ({ provider, name, sites: sorted([...sites.values()]) }));
  probes.sort((a, b) => order(a.provider, b.provider) || order(a.name, b.name));
  return { probes, leftOut: counts.list() };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const sorted = (sites: UsdtSite[]) => sites.sort((a, b) => a.offset - b.offset) as [UsdtSite, ...UsdtSite[]];

/** A text: why there can't be a probe. */
function siteOf(image: ElfImage, { location, semaphore, args }: StapsdtNote, signatureOf: (operands: string) => Signature): UsdtSite | string {
  const code = codeSegment(image, location);
  if (code === undefined) return "its place isn't in the file's code";
  const offset = location - code.address + code.offset;
  const room = Math.min(LONGEST_INSTRUCTION, code.address + code.fileSize - location);
  if (decodeSimple(image.source.read(offset, room), 0)?.kind !== "nop") return "the instruction at its place isn't a nop";
  const count = semaphore === 0 ? undefined : semaphoreAt(image, semaphore);
  if (typeof count === "string") return count;
  return {
    offset,
    address: BigInt(location),
    semaphore: count,
    operands: args,
    get signature() {
      return signatureOf(args);
    },
  };
}

function semaphoreAt(image: ElfImage, address: number): Semaphore | string {
  const data = image.segments.find((one) => one.type === PT_LOAD && address >= one.address && address + SEMAPHORE_SIZE <= one.address + one.memorySize);
  if (data === undefined || (data.flags & PF_W) === 0) return "its semaphore isn't in the program's writable memory";
  const inFile = address + SEMAPHORE_SIZE <= data.address + data.fileSize;
  return { address: BigInt(address), offset: inFile ? address - data.address + data.offset : undefined };
}
