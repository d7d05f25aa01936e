/** Functions that a handler skips: the thread goes on at a `ret`, with the function's return address still on its stack. */
import type { HandlerHir } from "../compiler/hir/types.ts";
import { readElf } from "../elf/image.ts";
import { FileSource } from "../symbols/file-source.ts";
import type { FunctionSite } from "../symbols/site.ts";
import type { ProbePlaces } from "./probe.ts";
import { usedTypes } from "./typed/used-types.ts";
import type { Variant } from "./typed/variants.ts";

/** As a byte of code it is the instruction, whatever it was meant as. */
const RET = 0xc3;
const EXECUTABLE = 1;
const LOADED = 1;

/** The variants, those of sites apart that have their `ret` elsewhere. */
export function bySkips(variants: readonly Variant[], handler: HandlerHir, { sites }: Pick<ProbePlaces, "sites">): readonly Variant[] {
  if (!usedTypes(handler).skips) return variants;
  return variants.flatMap((variant) => {
    const groups = new Map<bigint | "none", number[]>();
    for (const site of variant.sites) {
      const at = returnBehind(sites[site]!);
      const group = groups.get(at);
      if (group === undefined) groups.set(at, [site]);
      else group.push(site);
    }
    return [...groups].map(([returnAt, own]): Variant => ({ ...variant, sites: own, returnAt }));
  });
}

/** From the site to a `ret` of the same mapping: in the function itself, else anywhere in the file's code. */
function returnBehind({ path, functionOffset, delta, size }: FunctionSite): bigint | "none" {
  const source = new FileSource(path);
  try {
    const find = (from: number, to: number): number | undefined => {
      const at = Buffer.from(source.read(from, Math.max(0, to - from))).indexOf(RET);
      return at < 0 ? undefined : from + at;
    };
    const code = readElf(source).segments.find(
      ({ type, flags, offset, fileSize }) => type === LOADED && (flags & EXECUTABLE) !== 0 && functionOffset >= offset && functionOffset < offset + fileSize,
    );
    if (code === undefined) return "none";
    const end = code.offset + code.fileSize;
    const found = find(functionOffset, Math.min(functionOffset + size, end)) ?? find(code.offset, end);
    return found === undefined ? "none" : BigInt(found - functionOffset - delta);
  } finally {
    source.close();
  }
}
