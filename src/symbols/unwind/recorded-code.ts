/** The code that a stack's addresses are in, as it was recorded at the hit: by build-ids and places in files. It needs no process. */
import { codeSegment, offsetToAddress } from "../../elf/image.ts";
import type { ProcessCode } from "./frames-text.ts";
import type { Module } from "./module.ts";
import type { MappedModule } from "./modules.ts";

export interface RecordedPlace {
  readonly address: number;
  /** In hexadecimal. */
  readonly buildId: string;
  /** In the file. */
  readonly offset: number;
}

/** Where the modules were, as far as `moduleOf` finds them; further addresses in the same ones are found as well. */
export function recordedCode(places: readonly RecordedPlace[], moduleOf: (buildId: string) => Module | undefined): ProcessCode {
  const mapped: MappedModule[] = [];
  for (const { address, buildId, offset } of places) {
    const module = moduleOf(buildId);
    const linked = module?.image && offsetToAddress(module.image, offset);
    if (module === undefined || linked === undefined) continue;
    const bias = address - linked;
    if (mapped.some((one) => one.module === module && one.bias === bias)) continue;
    mapped.push({ start: 0, end: Number.MAX_SAFE_INTEGER, module, bias, frames: undefined });
  }
  return {
    at: (address) => mapped.find(({ module, bias }) => module.image !== undefined && codeSegment(module.image, address - bias) !== undefined),
    compiledAt: () => undefined,
  };
}
