/** What is to be armed in each file: the windows of the functions that are probed, and the programs that run in them. */
import type { SessionImage } from "../../../compiler/image.ts";
import { readElf } from "../../../elf/image.ts";
import { SondeError } from "../../../errors/error.ts";
import { FileSource } from "../../../symbols/file-source.ts";
import type { Site } from "../../../symbols/site.ts";
import { SymbolIndex } from "../../../symbols/symbol-index.ts";
import { isWindow, WINDOW_REASONS, type Window, type WindowProbe, type WindowRefusal } from "../../../x86/windows/windows.ts";
import type { ArmProbe } from "../../engine.ts";
import { FileCode } from "../code/file-code.ts";
import { readsResult } from "../code/inline-code.ts";

/** Programs that run before an instruction of a window. */
export interface PlannedProbe {
  /** From the window's start. */
  readonly offset: number;
  readonly isReturn: boolean;
  /** Of the site, and of the function, from the window's start. */
  readonly functionDelta: number;
  readonly programs: {
    readonly index: number;
    readonly cookie: number;
    readonly pair: number;
    readonly probe: number;
    readonly pids: readonly number[] | undefined;
  }[];
}

export interface PlannedWindow {
  /** In the file. */
  readonly offset: number;
  readonly name: string;
  readonly original: Uint8Array;
  readonly probes: PlannedProbe[];
}

export interface PlannedFile {
  readonly path: string;
  readonly display: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly windows: readonly PlannedWindow[];
}

export interface Plan {
  readonly files: readonly PlannedFile[];
  readonly sites: number;
}

interface Wish {
  readonly probe: ArmProbe;
  readonly site: Site;
  readonly cookie: number;
  /** Programs of the image, by when they run. */
  readonly entry: readonly number[];
  readonly leave: readonly number[];
}

/** Throws SONDE_SITE_REFUSED, SONDE_INLINE_PROGRAM, SONDE_ENGINE_LACKS. */
export function planFiles(image: SessionImage, probes: readonly ArmProbe[]): Plan {
  const wishes = new Map<string, Wish[]>();
  let sites = 0;
  for (const probe of probes) {
    if (probe.intercept !== undefined) throw lacks("intercept()", "breakpoint");
    if ((probe.events?.length ?? 0) > 0) throw lacks("tracepoints and timers of the kernel", "kernel");
    const running = (...kinds: readonly string[]): number[] => probe.programs.filter((program) => kinds.includes(image.programs[program]?.runs ?? ""));
    const [entry, leave] = [running("entry", "session"), running("return", "session")];
    for (const [i, site] of probe.sites.entries()) {
      const key = `${site.file.device}:${site.file.inode}`;
      const list = wishes.get(key);
      const wish = { probe, site, cookie: probe.cookies[i] ?? 0, entry, leave };
      if (list === undefined) wishes.set(key, [wish]);
      else list.push(wish);
      sites++;
    }
  }
  let pair = 0;
  return { files: [...wishes.values()].map((list) => planFile(image, list, () => ++pair)), sites };
}

const lacks = (what: string, other: string): SondeError =>
  new SondeError("SONDE_ENGINE_LACKS", `the engine inline doesn't have ${what}`, { mend: `Use the engine ${other}: --engine ${other}.` });

function planFile(image: SessionImage, wishes: readonly Wish[], nextPair: () => number): PlannedFile {
  const [{ site: first }] = wishes as readonly [Wish, ...Wish[]];
  const source = new FileSource(first.path, first.display);
  try {
    const elf = readElf(source);
    const file = new FileCode(elf, new SymbolIndex(elf));
    const rules = { parks: first.go !== undefined };
    const whole = wishes.filter(({ site }) => site.delta === 0 && site.usdt === undefined && site.source === undefined);
    const found = new Map(
      file
        .windows(
          whole.map(({ site }) => ({ address: Number(site.address), size: site.size })),
          rules,
        )
        .map((windows, i) => [whole[i] as Wish, windows]),
    );
    const windows = new Windows(source);
    for (const wish of wishes) {
      const { site, entry, leave } = wish;
      const functions = found.get(wish);
      const base = site.functionOffset;
      if (functions === undefined) {
        const place = middleOf(file, site);
        const [window] = file.windowsAt([place], rules);
        windows.add(usable(window, site, "it"), base - (Number(site.address) - place.address), place.offset, "entry", wish, entry, nextPair());
        continue;
      }
      // Calls are paired by the function, whatever probes there are.
      const pair = nextPair();
      if (entry.length > 0) windows.add(usable(functions.entry, site, "its entry"), base, undefined, "entry", wish, entry, pair);
      if (leave.length === 0) continue;
      const results = leave.some((program) => readsResult(image, program));
      for (const { exit, window } of functions.exits) {
        if (results && exit.kind !== "return")
          throw refused(site, `the jump to another function at +0x${exit.offset.toString(16)}`, "what the function gives is only known when that one returns");
        windows.add(usable(window, site, `the place where it returns, +0x${exit.offset.toString(16)},`), base, exit.offset, "exit", wish, leave, pair);
      }
    }
    return { path: first.path, display: first.display, device: first.file.device, inode: first.file.inode, windows: windows.all() };
  } finally {
    source.close();
  }
}

export interface Verdict {
  /** Why the entry, or a place where the function is left, can't be a jump; undefined: it can. */
  readonly entry: string | undefined;
  readonly returns: string | undefined;
}

/** Of functions and places in them, whether they could be armed. Throws SONDE_FILE_…, SONDE_ELF_… */
export function judge(sites: readonly Site[]): ReadonlyMap<Site, Verdict> {
  const verdicts = new Map<Site, Verdict>();
  const why = (site: Site, window: Window | WindowRefusal | undefined): string | undefined => {
    try {
      usable(window, site, "it");
      return undefined;
    } catch (error) {
      if (error instanceof SondeError) return error.why;
      throw error;
    }
  };
  const files = new Map<string, Site[]>();
  for (const site of sites) {
    const key = `${site.file.device}:${site.file.inode}`;
    files.set(key, [...(files.get(key) ?? []), site]);
  }
  for (const own of files.values()) {
    const [first] = own as [Site, ...Site[]];
    const source = new FileSource(first.path, first.display);
    try {
      const elf = readElf(source);
      const file = new FileCode(elf, new SymbolIndex(elf));
      const rules = { parks: first.go !== undefined };
      const isWhole = ({ delta, source: at }: Site): boolean => delta === 0 && at === undefined;
      const [functions, places] = [own.filter(isWhole), own.filter((site) => !isWhole(site))];
      const found = file.windows(
        functions.map(({ address, size }) => ({ address: Number(address), size })),
        rules,
      );
      for (const [i, site] of functions.entries()) {
        const returns = found[i]?.exits.map(({ window }) => why(site, window)).find((text) => text !== undefined);
        verdicts.set(site, { entry: why(site, found[i]?.entry), returns });
      }
      const at = file.windowsAt(
        places.map((site) => middleOf(file, site)),
        rules,
      );
      for (const [i, site] of places.entries()) verdicts.set(site, { entry: why(site, at[i]), returns: undefined });
    } finally {
      source.close();
    }
  }
  return verdicts;
}

/** A place within a function; a static probe's "function" is its own nop. */
function middleOf(file: FileCode, site: Site): { readonly address: number; readonly size: number; readonly offset: number } {
  const address = Number(site.address);
  const at = address + site.offset - site.functionOffset;
  const known = site.usdt === undefined && site.size > 0 ? { address, size: site.size } : file.around(at);
  return { ...known, offset: at - known.address };
}

function usable(window: Window | WindowRefusal | undefined, site: Site, what: string): Window {
  if (window !== undefined && isWindow(window)) return window;
  const why =
    window === undefined ? "it isn't in the file's code" : `${WINDOW_REASONS[window.reason]}${window.detail === undefined ? "" : ` (${window.detail})`}`;
  throw refused(site, what, `${why}${window === undefined ? "" : `, at +0x${window.offset.toString(16)}`}`);
}

const refused = ({ name, display }: Site, what: string, why: string): SondeError =>
  new SondeError("SONDE_SITE_REFUSED", `${name} in ${display} can't be probed by a jump: ${what} can't be replaced`, {
    where: `${display}:${name}`,
    why,
    mend: "Use the engine kernel or breakpoint for it (--engine kernel).",
  });

/** A file's windows, each with all who want it. */
class Windows {
  readonly #source: FileSource;
  readonly #byOffset = new Map<number, PlannedWindow>();

  constructor(source: FileSource) {
    this.#source = source;
  }

  /** `base`: the function's place in the file; `at`: of the instruction in it, undefined for where entries are probed. */
  add(
    window: Window,
    base: number,
    at: number | undefined,
    kind: "entry" | "exit",
    { site, cookie, probe }: Wish,
    programs: readonly number[],
    pair: number,
  ): void {
    const offset = base + window.start;
    let planned = this.#byOffset.get(offset);
    const original = new Uint8Array(this.#source.read(offset, window.length));
    if (planned === undefined || planned.original.length < original.length) {
      planned = { offset, name: site.name, original, probes: planned?.probes ?? [] };
      this.#byOffset.set(offset, planned);
    }
    const isMeant = (one: WindowProbe): boolean => (at === undefined ? one.kind === "entry" : one.offset === at);
    const place = window.probes.find(isMeant)?.offset ?? at ?? window.start;
    const isReturn = kind === "exit";
    let here = planned.probes.find((one) => one.offset === place - window.start && one.isReturn === isReturn);
    if (here === undefined) {
      here = { offset: place - window.start, isReturn, functionDelta: site.functionOffset - base - window.start, programs: [] };
      planned.probes.push(here);
    }
    here.programs.push(...programs.map((index) => ({ index, cookie, pair, probe: probe.probe, pids: probe.pids })));
  }

  /** In the order of the file. Throws SONDE_SITE_REFUSED where two overlap. */
  all(): PlannedWindow[] {
    const sorted = [...this.#byOffset.values()].sort((a, b) => a.offset - b.offset);
    for (const [i, { offset, name, original }] of sorted.entries()) {
      const next = sorted[i + 1];
      if (next === undefined || offset + original.length <= next.offset) continue;
      throw new SondeError("SONDE_SITE_REFUSED", `${next.name} can't be probed by a jump beside ${name}`, {
        where: `${this.#source.name}:${next.name}`,
        why: "both would replace the same instructions",
        mend: "Probe one of the two, or use the engine kernel (--engine kernel).",
      });
    }
    return sorted;
  }
}
