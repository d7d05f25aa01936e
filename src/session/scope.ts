/**
 * What one session's script has made so far: its states, probes, hooks and parameters. Two sessions of a process
 * have a scope each, so the same script may run in both.
 */
import { SondeBug, SondeError } from "../errors/error.ts";
import { hexText } from "../output/numbers.ts";
import type { TargetKind } from "../symbols/resolve-probe.ts";
import type { FileIdentity, FunctionSite } from "../symbols/site.ts";
import type { InterceptHandlers } from "./intercept/host-calls.ts";
import { type InterceptEntry, type ProbeEntry, type ProbePlaces, RegisteredProbe } from "./probe.ts";
import { CodeNames } from "./reading/code-names.ts";
import { StackTable } from "./reading/stacks.ts";
import type { Registration } from "./registration.ts";
import type { State } from "./state/state.ts";
import { Params, type ParamValues } from "./vocabulary/params.ts";

/** What a script asks of its session at once. */
export interface ScopeActions {
  print(text: string): void;
  show(state: State, top: number | undefined): void;
  exit(status: number): void;
  /** An address as symbol+offset, or as a number where it can't be told. */
  symbol(address: bigint, pid?: number): string;
}

/** What is probed of a function; `leave`: its return too, by an engine that leaves the stack alone. */
export type ProbeMode = "entry" | "return" | "leave";

/** Finds the functions, or static probes, of one target. Throws what `resolveProbe` throws. */
export type Resolve = (
  target: string,
  kind: TargetKind,
  mode: ProbeMode,
  pids: readonly number[],
) => { readonly sites: readonly FunctionSite[]; readonly notes: readonly string[] };

/** Which registration a handler was compiled for, and so where its probes stand. */
export type ModeOf = (handler: number) => ProbeMode;

/** What a registration says besides its handler. */
export interface Wanted {
  /** As the script wrote it, for messages: `uprobe("libc:malloc")`. */
  readonly what: string;
  readonly kind: TargetKind;
  readonly targets: readonly string[];
  readonly pids: readonly number[] | undefined;
  readonly optional: boolean;
}

export interface ScopeParts {
  readonly actions: ScopeActions;
  readonly params: ParamValues;
  readonly resolve: Resolve;
  readonly modeOf: ModeOf;
  /** The session's processes: where a probe without its own looks first. */
  readonly pids: readonly number[];
  /** Changes to the target are permitted. */
  readonly unsafe: boolean;
}

/** The top-level names of a module, as functions that give their values now. */
export type ModuleBindings = { readonly [name: string]: () => unknown };

/** Exported name → name in the module. */
export type ModuleExports = { readonly [exported: string]: string };

export class Scope {
  /** The session's table of functions; `func` and `c.func` index it. Filled as probes are registered. */
  readonly functions: string[] = [];
  readonly probes: ProbeEntry[] = [];
  /** Numbered behind the probes. */
  readonly intercepts: InterceptEntry[] = [];
  readonly begins: (() => unknown)[] = [];
  readonly ends: (() => unknown)[] = [];
  readonly notes: string[] = [];
  /** What handlers have captured of stacks, and what code is called. */
  readonly stacks: StackTable;
  readonly names = new CodeNames();
  readonly params: Params;
  actions: ScopeActions;
  /** Host writes that had an `undefined` in them, or an index out of range. */
  hostMisses = 0;
  /** New keys that the host put into full maps. */
  readonly hostFull = new Map<State, bigint>();
  #parts: ScopeParts;
  readonly #modules = new Map<number, ModuleBindings>();
  readonly #exports = new Map<number, ReadonlyMap<string, string>>();
  readonly #functionIndex = new Map<string, number>();
  #sealed = false;

  constructor(parts: ScopeParts) {
    this.#parts = parts;
    this.actions = parts.actions;
    this.stacks = new StackTable(this.names, (text) => this.notes.push(text));
    this.params = new Params(parts.params);
  }
  /** What was registered is what is armed: nothing can be added any more. */
  seal(): void {
    this.#sealed = true;
  }
  /**
   * The session is closed. Node keeps every module that was ever imported, and so what the script has made, and so this: nothing
   * of the session may hang on it, which has megabytes of memory.
   */
  retire(): void {
    const over = (): never => {
      throw new SondeBug("a closed session was asked to find something");
    };
    this.seal();
    for (const { probe } of [...this.probes, ...this.intercepts]) RegisteredProbe.retire(probe);
    this.actions = { print() {}, show() {}, exit() {}, symbol: (address) => hexText(address) };
    this.#parts = { actions: this.actions, params: {}, resolve: over, modeOf: over, pids: [], unsafe: false };
    for (const list of [this.probes, this.intercepts, this.begins, this.ends]) list.length = 0;
    this.#modules.clear();
    this.#exports.clear();
    this.names.release();
  }
  register(registration: Registration, wanted: Wanted): RegisteredProbe {
    const places = this.#places(wanted, this.#parts.modeOf(registration.handler));
    this.probes.push({ registration, ...places });
    return places.probe;
  }
  /** Host code for calls. It may change the target, whatever it does: nobody can tell before. */
  intercept(handlers: InterceptHandlers, wanted: Wanted): RegisteredProbe {
    if (!this.#parts.unsafe) {
      throw new SondeError("SONDE_UNSAFE", `${wanted.what} can change the target, and this run doesn't permit that`, {
        why: "its functions run while the thread waits, and may change arguments, results, registers and memory",
        mend: "Run with --unsafe (in the library `unsafe: true`) if that is meant. uprobe() only observes.",
      });
    }
    // Also with `enter` alone it is a call that is held, and may be skipped: of what is inlined, or inside a function, there is none.
    const places = this.#places(wanted, "leave");
    this.intercepts.push({ handlers, what: wanted.what, ...places });
    return places.probe;
  }
  #places({ what, kind, targets, pids, optional }: Wanted, mode: ProbeMode): ProbePlaces {
    if (this.#sealed) {
      throw new SondeError("SONDE_TOO_LATE", `${what}: the session is armed already`, {
        mend: "Register every probe while the script loads; a variable(bool, false) turns one on later.",
      });
    }
    const sites: FunctionSite[] = [];
    const from: number[] = [];
    // Two targets may name one place (fopen and fopen64, or overlapping wildcards): a call is one hit all the same.
    const places = new Map<string, Set<number>>();
    for (const [index, target] of targets.entries()) {
      let file: FileIdentity | undefined;
      let taken = new Set<number>();
      for (const site of this.#resolve(target, kind, mode, pids ?? this.#parts.pids, optional)) {
        // A file's sites come one after the other, and there may be ten thousand.
        if (site.file !== file) {
          file = site.file;
          const key = `${file.device}:${file.inode}`;
          taken = places.get(key) ?? new Set();
          places.set(key, taken);
        }
        const place = site.functionOffset + site.delta;
        if (taken.has(place)) continue;
        taken.add(place);
        sites.push(site);
        from.push(index);
      }
    }
    for (const site of sites) this.functionIndex(site.name);
    return { probe: new RegisteredProbe(targets.join(", "), sites.length), targets, sites, from, pids };
  }
  #resolve(target: string, kind: TargetKind, mode: ProbeMode, pids: readonly number[], optional: boolean): readonly FunctionSite[] {
    try {
      const { sites, notes } = this.#parts.resolve(target, kind, mode, pids);
      this.notes.push(...notes);
      return sites;
    } catch (error) {
      // Only what isn't there may be missing: a target written wrongly, or a file without permission, is an error still.
      if (optional && error instanceof SondeError && /_(NOT_FOUND|NO_MATCH|USDT_NONE)$/.test(error.code)) return [];
      throw error;
    }
  }
  functionIndex(name: string): number {
    let index = this.#functionIndex.get(name);
    if (index === undefined) {
      index = this.functions.push(name) - 1;
      this.#functionIndex.set(name, index);
    }
    return index;
  }
  publish(file: number, bindings: ModuleBindings, exports: ModuleExports): void {
    this.#modules.set(file, bindings);
    this.#exports.set(file, new Map(Object.entries(exports).map(([exported, local]) => [local, exported])));
  }
  /** What a top-level name is exported as. */
  exportedAs(file: number, name: string): string | undefined {
    return this.#exports.get(file)?.get(name);
  }
  /** The top-level bindings of a file as they are now; those not initialised yet are left out. */
  bindings(file: number): ReadonlyMap<string, unknown> {
    const values = new Map<string, unknown>();
    for (const name of Object.keys(this.#modules.get(file) ?? {})) {
      const value = this.binding(file, name);
      if (value !== undefined) values.set(name, value);
    }
    return values;
  }
  binding(file: number, name: string): unknown {
    const bindings = this.#modules.get(file);
    if (bindings === undefined) throw new SondeBug(`module ${file} published no bindings`);
    try {
      return bindings[name]?.();
    } catch (error) {
      // Used before its declaration was run.
      if (error instanceof ReferenceError) return undefined;
      throw error;
    }
  }
}
