/** The processes of a session: each is armed where it maps what is probed, now and when it maps more. */
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeError } from "../../../errors/error.ts";
import { isAlive, isArmable, isMappingOf, parseMappings, processesMapping, readCodeMappings } from "../../../sys/procfs.ts";
import type { ProcessFilter } from "../../engine.ts";
import { familyOf } from "../../kernel/process-tree.ts";
import type { ArmerProcess, InlineArmed } from "../attach/arm.ts";
import { MAPPED_NAME } from "../attach/layout.ts";
import type { CpuFeatures } from "../code/target.ts";
import type { Plan, PlannedWindow } from "./plan.ts";
import { CodeSizes, forProcess, ProcessCode } from "./process-code.ts";

/** So often it is looked whether processes have mapped more, have executed another program, or have children. */
const LOOK_MS = 50;
/** Everyone's mappings are read at each so many looks. */
const EVERYONE = 4;

interface Armament {
  /** Lines of /proc/PID/maps that it was armed by; ours left out. */
  seen: string;
  /** Where windows are jumps. */
  readonly addresses: Set<number>;
  sets: InlineArmed[];
  /** It was armed at its entry, before its threads had their ids. */
  young: boolean;
}

export interface ProcessesParts {
  readonly plan: Plan;
  readonly image: SessionImage;
  readonly armer: ArmerProcess;
  readonly features: CpuFeatures;
  readonly filter: ProcessFilter;
  /** Nobody is named: whoever maps what is probed is meant. */
  readonly everyone: boolean;
  readonly note: (text: string) => void;
}

export class Processes {
  readonly #parts: ProcessesParts;
  readonly #sizes: CodeSizes;
  readonly #armed = new Map<number, Armament>();
  /** Of which it was said that they can't be armed. */
  readonly #refused = new Set<number>();
  readonly #noted = new Set<string>();
  /** One at a time. */
  #work: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #looks = 0;

  constructor(parts: ProcessesParts) {
    this.#parts = parts;
    this.#sizes = new CodeSizes(parts.image, parts.features);
  }

  /** How many windows of it are armed now. Throws what arming throws. */
  arm(pid: number): Promise<number> {
    return this.#inTurn(() => this.#arm(pid));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  async #arm(pid: number): Promise<number> {
    const seen = ownLeftOut(readCodeMappings(pid));
    let armament = this.#armed.get(pid);
    if (armament === undefined) {
      if (pid === process.pid || pid === this.#parts.armer.pid)
        throw new SondeError("SONDE_TRACE_SELF", `process ${pid} is sonde itself`, {
          where: `pid ${pid}`,
          mend: "Probe it from another sonde with the engine kernel.",
        });
      armament = { seen, addresses: new Set(), sets: [], young: false };
      this.#armed.set(pid, armament);
    }
    armament.seen = seen;
    const { image, armer, features } = this.#parts;
    const { addresses } = armament;
    const windows = this.#windowsIn(seen).filter(({ address }) => !addresses.has(address));
    const sites = forProcess(pid, windows, this.#sizes);
    if (sites.length > 0) {
      const set = await armer.arm(pid, sites, new ProcessCode(image, features, this.#sizes));
      armament.sets.push(set);
      if (pid === this.#parts.filter.held && !set.knowsThreads) armament.young = true;
      for (const { address } of sites) addresses.add(address);
    }
    return addresses.size;
  }

  #windowsIn(maps: string): { window: PlannedWindow; address: number }[] {
    const mappings = parseMappings(maps);
    return this.#parts.plan.files.flatMap((file) =>
      mappings
        .filter((mapping) => isArmable(mapping) && isMappingOf(mapping, { device: file.device, inode: file.inode, path: file.display }))
        .flatMap(({ start, end, offset }) =>
          file.windows
            .filter((window) => window.offset >= offset && window.offset + window.original.length <= offset + end - start)
            .map((window) => ({ window, address: start + window.offset - offset })),
        ),
    );
  }

  /** From now on it is looked after the processes; descendants are armed as they are found, where they are meant. */
  watch(): void {
    const look = (): void => {
      this.#timer = setTimeout(() => void this.#inTurn(() => this.#look()).finally(() => this.#over || look()), LOOK_MS);
      this.#timer.unref();
    };
    look();
  }

  /** All that map what is probed and aren't armed yet. */
  async armEveryone(): Promise<void> {
    let denied: SondeError | undefined;
    for (const pid of this.#mapping()) {
      try {
        await this.arm(pid);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
        if (!isAlive(pid)) continue;
        if (error.code.startsWith("SONDE_SITE")) throw error;
        denied ??= error;
        this.#refuse(pid, error);
      }
    }
    if (denied !== undefined && this.#armed.size === 0) throw denied;
  }

  /** Those that aren't known yet, and aren't ours. */
  #mapping(): number[] {
    const { plan, armer } = this.#parts;
    const own = new Set([process.pid, armer.pid]);
    const found = new Set(plan.files.flatMap(({ device, inode, display }) => processesMapping({ device, inode, path: display })));
    return [...found].filter((pid) => !own.has(pid) && !this.#armed.has(pid) && !this.#refused.has(pid));
  }

  async #look(): Promise<void> {
    if (this.#over) return;
    if (this.#parts.everyone && ++this.#looks % EVERYONE === 0)
      for (const pid of this.#mapping())
        await this.#arm(pid).catch((error: unknown) => {
          ifGone(error);
          this.#refuse(pid, error as SondeError);
        });
    const {
      armer,
      filter: { children, pids },
    } = this.#parts;
    const known = [...this.#armed.keys()];
    const fresh = children
      ? familyOf([...new Set([...pids, ...known])].filter(isAlive)).filter((pid) => !this.#armed.has(pid) && pid !== process.pid && pid !== armer.pid)
      : [];
    for (const pid of [...known, ...fresh]) {
      if (this.#over) return;
      try {
        await this.#lookAt(pid);
      } catch (error) {
        if (!(error instanceof SondeError)) throw error;
        this.#refuse(pid, error);
      }
    }
  }

  async #lookAt(pid: number): Promise<void> {
    const armament = this.#armed.get(pid);
    const maps = readCodeMappings(pid);
    if (armament?.young === true) {
      armament.young = false;
      for (const set of armament.sets) await set.enable();
    }
    if (armament !== undefined && armament.sets.length > 0 && !maps.includes(MAPPED_NAME)) {
      // It has executed another program: nothing of what was armed is there.
      for (const set of armament.sets.splice(0)) await set.disarm().catch(ifGone);
      this.#noteOnce(pid, `Process ${pid} has executed another program: its probes are in again, but what that did in its first moments wasn't seen.`);
      armament.addresses.clear();
    } else if (armament?.seen === ownLeftOut(maps)) return;
    await this.#arm(pid);
  }

  #refuse(pid: number, error: SondeError): void {
    if (!isAlive(pid)) {
      this.#armed.delete(pid);
      return;
    }
    this.#refused.add(pid);
    this.#noteOnce(pid, `Process ${pid} isn't probed where it has mapped more: ${error.why ?? error.message}.`);
  }

  #noteOnce(pid: number, text: string): void {
    const key = `${pid} ${text}`;
    if (this.#noted.has(key)) return;
    this.#noted.add(key);
    this.#parts.note(text);
  }

  /** After a time in which nobody looked after them. */
  async enable(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { sets } of this.#armed.values()) for (const set of sets) await set.enable().catch(ifGone);
    });
  }

  /** Takes out everything. */
  async disarm(): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    await this.#inTurn(async () => {
      for (const [pid, { sets }] of this.#armed)
        for (const set of sets)
          await set.disarm().catch((error: unknown) => {
            ifGone(error);
            if (isAlive(pid)) this.#parts.note(`Process ${pid}: the jumps are still there, and lead past the probes: ${(error as SondeError).message}.`);
          });
    });
  }
}

const ownLeftOut = (maps: string): string =>
  maps
    .split("\n")
    .filter((line) => !line.includes(MAPPED_NAME))
    .join("\n");

/** What can't be done to a process that is gone, or by an arming process that is. */
function ifGone(error: unknown): void {
  if (!(error instanceof SondeError)) throw error;
}
