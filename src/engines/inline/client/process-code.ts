/** The copies of a process's windows, with the session's programs in them. */
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeError } from "../../../errors/error.ts";
import { relocateWindow } from "../../../x86/relocate/relocate.ts";
import type { ArenaPlace, ArmParts, Copy, InlineSite } from "../attach/arm.ts";
import { type InlineCode, inlineCode } from "../code/inline-code.ts";
import type { Routines } from "../code/routines.ts";
import type { CpuFeatures } from "../code/target.ts";
import { PROCESS_BYTES } from "../memory/layout.ts";
import type { PlannedProbe, PlannedWindow } from "./plan.ts";

/** A window at its address in a process. */
export interface ProcessSite extends InlineSite {
  readonly window: PlannedWindow;
  readonly probes: readonly PlannedProbe[];
}

/** Anywhere: how long code is doesn't depend on where it is. */
const SOMEWHERE = { shared: 0x1000_0000, own: 0x1800_0000 } as const;
const CODE = 0x2000_0000;
/** Literals of 64 bits may be needed where the address that was tried took 32. */
const SLACK = 64;
/** What a window of at most some forty bytes takes elsewhere. */
const WINDOW_ROOM = 512;

/** The windows that a process gets: those of probes that are for it. */
export function forProcess(pid: number, windows: readonly { readonly window: PlannedWindow; readonly address: number }[], code: CodeSizes): ProcessSite[] {
  return windows.flatMap(({ window, address }) => {
    const probes = window.probes
      .map((probe) => ({ ...probe, programs: probe.programs.filter(({ pids }) => pids === undefined || pids.includes(pid)) }))
      .filter(({ programs }) => programs.length > 0);
    if (probes.length === 0) return [];
    const most = WINDOW_ROOM + probes.reduce((sum, probe) => sum + code.most(probe), 0);
    return [{ address, name: window.name, original: window.original, most, window, probes }];
  });
}

/** How long programs' code is, tried once for each combination. */
export class CodeSizes {
  readonly #code: InlineCode;
  readonly #routines: Routines;
  readonly #sizes = new Map<string, number>();

  constructor(image: SessionImage, features: CpuFeatures) {
    this.#code = inlineCode(image, { place: SOMEWHERE, features });
    this.#routines = this.#code.routines(CODE);
  }
  get common(): number {
    return this.#routines.bytes.length + SLACK;
  }
  most({ isReturn, programs }: PlannedProbe): number {
    const key = `${isReturn} ${programs.map(({ index }) => index).join()}`;
    let size = this.#sizes.get(key);
    if (size === undefined) {
      const site = { isReturn, address: CODE, functionAddress: CODE, copy: CODE, programs: programs.map(({ index }) => ({ index, cookie: 0, pair: 1 })) };
      size = this.#code.trampoline(CODE, this.#routines, site).bytes.length + SLACK * programs.length;
      this.#sizes.set(key, size);
    }
    return size;
  }
}

/** Builds the code of one arming. */
export class ProcessCode implements ArmParts {
  readonly ownBytes = PROCESS_BYTES;
  readonly commonBytes: number;
  readonly #image: SessionImage;
  readonly #features: CpuFeatures;
  readonly #arenas = new Map<number, { readonly code: InlineCode; readonly routines: Routines }>();

  constructor(image: SessionImage, features: CpuFeatures, sizes: CodeSizes) {
    this.#image = image;
    this.#features = features;
    this.commonBytes = sizes.common;
  }

  common(at: number, { shared, own }: ArenaPlace): Uint8Array {
    const code = inlineCode(this.#image, { place: { shared, own }, features: this.#features });
    const routines = code.routines(at);
    this.#arenas.set(own, { code, routines });
    return routines.bytes;
  }

  build(site: InlineSite, at: number, { own }: ArenaPlace): Copy {
    const { code, routines } = this.#arenas.get(own) as { code: InlineCode; routines: Routines };
    const { probes } = site as ProcessSite;
    const copy = relocateWindow(site.original, site.address, site.original.length, at, site.most, (address, place) => {
      // At a return that is an entry too, what enters comes first.
      const here = probes.filter(({ offset }) => site.address + offset === address).sort((a, b) => Number(a.isReturn) - Number(b.isReturn));
      if (here.length === 0) return undefined;
      let next = place;
      return Buffer.concat(
        here.map(({ isReturn, functionDelta, programs }) => {
          const size = (copyAt: number): Uint8Array =>
            code.trampoline(next, routines, { isReturn, address, functionAddress: site.address + functionDelta, copy: copyAt, programs }).bytes;
          // It goes on right behind itself.
          const { length } = size(next);
          const bytes = size(next + length);
          next += length;
          return bytes;
        }),
      );
    });
    if ("refused" in copy)
      throw new SondeError("SONDE_SITE_REFUSED", `${site.name} can't be probed by a jump`, {
        where: `0x${site.address.toString(16)}`,
        why: copy.refused,
        mend: "Use the engine kernel for it (--engine kernel).",
      });
    return copy;
  }
}
