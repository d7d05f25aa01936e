/**
 * A session from the moment it is armed: records are carried out in order, losses counted, and whatever ends it, it ends in
 * the same way: disarm, the rest of the ring, the script's `end` functions, the summary.
 */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { SessionImage, SourceFile } from "../compiler/image.ts";
import { ExitStatus } from "../errors/error.ts";
import type { FunctionSite } from "../symbols/site.ts";
import { isAlive } from "../sys/procfs.ts";
import type { ArmedScript } from "./arm.ts";
import type { HeldCommand } from "./command/held-command.ts";
import { type Budget, exceededText, type Spent, watchBudget } from "./cost/budget.ts";
import type { NamedState } from "./names.ts";
import type { SessionOutput } from "./output.ts";
import { type ProbePlaces, RegisteredProbe } from "./probe.ts";
import { Counters } from "./reading/counters.ts";
import { recordReader } from "./reading/records.ts";
import type { Scope } from "./scope.ts";
import type { LoadedScript } from "./script/load.ts";
import { EventsState } from "./state/events.ts";
import type { State } from "./state/state.ts";
import type { EndReason, Summary } from "./summary.ts";

export interface SessionParts {
  readonly scope: Scope;
  readonly script: ArmedScript;
  readonly named: readonly NamedState[];
  readonly output: SessionOutput;
  readonly command: HeldCommand | undefined;
  readonly loaded: LoadedScript;
  /** Processes that were there before: when none of them is left, the session ends. */
  readonly targets: readonly number[];
  readonly children: boolean;
  /** Why it runs on this engine, where that wasn't asked for. */
  readonly engineNotes: readonly string[];
  readonly warnings: readonly Diagnostic[];
  /** What it may take; kinds of hits are the script's `probes`. */
  readonly budget?: Budget;
}

/** So long an empty ring is waited for at once: most records wake nobody, and there must be room for those that come meanwhile. */
const WAIT_MS = 50;
/** The same where each record wakes us. */
const WOKEN_MS = 250;
/** So long nobody looks for further notices of the session's own: they come with every hit at first, and a wake-up costs more than they do. */
const REST_MS = 100;
/** So often it is looked whether the processes are still there. */
const LOOK_MS = 250;

export class RunningSession {
  readonly named: readonly NamedState[];
  readonly warnings: readonly Diagnostic[];
  /** Resolves when it has ended by itself or was closed; rejects if the script failed. */
  readonly done: Promise<Summary>;
  /** The script's `begin` functions have run; nothing is delivered before. */
  readonly begun: Promise<void>;
  readonly #parts: SessionParts;
  readonly #places: readonly ProbePlaces[];
  readonly #counters: Counters;
  readonly #read: (bytes: DataView, at: number, length: number) => void;
  /** Ends the wait for records that is going on. */
  #stop: () => void = () => {};
  #reason: EndReason | undefined;
  #status = 0;
  #failure: unknown;
  #closed = false;
  #overBudget: Spent | undefined;

  constructor(parts: SessionParts) {
    const { script, scope } = parts;
    this.#parts = parts;
    this.named = parts.named;
    this.warnings = parts.warnings;
    this.#places = [...scope.probes, ...scope.intercepts];
    this.#counters = new Counters(script.image, script.armed.cpuRegion);
    this.#read = recordReader(script.image, scope.functions, this.#actions());
    for (const [index, { probe }] of scope.probes.entries())
      RegisteredProbe.armed(probe, { hits: () => this.#counters.of("hits", index), detach: () => this.#detach(index) });
    for (const [i, { probe }] of scope.intercepts.entries())
      RegisteredProbe.armed(probe, { hits: () => script.intercepts[i]!.hits, detach: () => this.#detach(scope.probes.length + i) });
    let begun = (): void => {};
    this.begun = new Promise((resolve) => {
      begun = resolve;
    });
    this.done = this.#run(begun);
    // A failure is reported to who waits for it; nobody has to.
    this.done.catch(() => {});
  }

  get image(): SessionImage {
    return this.#parts.script.image;
  }
  get engine() {
    return this.#parts.script.armed.engine;
  }
  get method(): string {
    return this.#parts.script.armed.method;
  }
  get sites(): number {
    return this.#parts.script.armed.sites;
  }
  get notes(): readonly string[] {
    return [...this.#parts.engineNotes, ...this.#parts.scope.notes, ...this.#parts.script.armed.notes];
  }
  /** Every place that the script's targets named. */
  get probed(): readonly FunctionSite[] {
    return this.#places.flatMap(({ sites }) => sites);
  }
  /** The script's files, for what is said about their lines. */
  get files(): readonly SourceFile[] {
    return this.#parts.script.image.files;
  }
  /** Carries out the records that are there now. */
  drain(): void {
    while (this.#parts.script.armed.consume(this.#record) > 0);
  }
  hits(): bigint {
    return this.#parts.script.intercepts.reduce((sum, { hits }) => sum + hits, this.#counters.of("hits"));
  }
  nameOf(state: State): string {
    return this.named.find((one) => one.state === state)?.name ?? this.#parts.script.states.find((one) => one.state === state)?.name ?? `(${state.spec.kind})`;
  }
  show(state: State, top: number | undefined): void {
    const view = state.view(this.nameOf(state));
    if (view !== undefined) this.#parts.output.show(view, top);
  }
  /** The script's host code threw: `done` rejects. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }
  get failure(): unknown {
    return this.#failure;
  }
  /** Asks it to end; the first reason counts. */
  end(reason: EndReason, status = 0): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#status = status;
    this.#stop();
  }

  #actions() {
    const { script, output } = this.#parts;
    const stateOf = (index: number): State => script.states[index]!.state;
    return {
      print: (text: string) => output.print(text),
      wanted: (index: number) => output.everyEvent || (stateOf(index) as EventsState).wanted,
      event: (index: number, data: unknown) => {
        const state = stateOf(index) as EventsState;
        const heard = state.wanted;
        output.event(script.states[index]!.name, data, heard);
        if (heard) state.deliver(data);
      },
      show: (index: number, top: number | undefined) => this.show(stateOf(index), top),
      clear: (indices: readonly number[]) => {
        for (const index of indices) stateOf(index).clear();
      },
      exit: (status: number) => this.#exit(status),
      detach: (probe: number) => this.#detach(probe),
      captured: (pid: number) => this.#parts.scope.names.note(pid),
      copied: (bytes: DataView, at: number) => this.#parts.scope.stacks.copied(bytes, at),
      stacks: this.#parts.scope.stacks.read,
      symbol: (address: bigint, pid: number | undefined) => this.#parts.scope.actions.symbol(address, pid),
    };
  }
  /** A handler's request. It was made before the process ended that made it, though that may be known first. */
  #exit(status: number): void {
    if (this.#reason === "command" || this.#reason === "target") this.#reason = undefined;
    this.end("exit", status);
  }
  #detach(probe: number): void {
    if (!this.#closed) this.#parts.script.armed.detach(probe);
  }
  /** What a listener throws is the script's fault: the rest of the batch isn't delivered to it. */
  #record = (bytes: DataView, at: number, length: number): void => {
    if (this.#failure !== undefined) return;
    try {
      this.#read(bytes, at, length);
    } catch (error) {
      this.fail(error);
    }
  };
  /** The script's host code threw: the session ends, and `done` rejects with it. */
  fail(error: unknown): void {
    this.#failure ??= this.#parts.loaded.fault(error);
    this.end("failed", 1);
  }
  async #hooks(hooks: readonly (() => unknown)[]): Promise<void> {
    try {
      for (const hook of hooks) await hook();
    } catch (error) {
      this.fail(error);
    }
  }
  async #run(begun: () => void): Promise<Summary> {
    const {
      scope,
      command,
      script: { armed },
    } = this.#parts;
    // Whoever started the session knows of it, and has said so, before `begin` prints anything.
    await new Promise((next) => setImmediate(next));
    await this.#hooks(scope.begins);
    begun();
    void command?.exited.then((status) => this.end("command", status));
    if (this.#reason === undefined) command?.release();
    const look = this.#watchTargets();
    const budget = this.#watchCost();
    const noticesAlone = this.image.formats.every(({ kind }) => kind === "stack");
    // Whoever opened the session gets its turn to listen before anything is delivered.
    await new Promise((next) => setImmediate(next));
    try {
      while (this.#reason === undefined) {
        if (armed.consume(this.#record) === 0) await this.#wait(noticesAlone ? WOKEN_MS : WAIT_MS);
        else if (noticesAlone) await this.#rest();
        else await new Promise((next) => setImmediate(next));
      }
    } catch (error) {
      this.fail(error);
    }
    clearInterval(look);
    clearInterval(budget);
    return await this.#finish();
  }
  /** Until there are records, some time has passed, or the session ends. (A race with one promise that lives as long as the session would keep something of each wait.) */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stop = resolve;
      this.#parts.script.armed.wait(ms).then(resolve, reject);
    });
  }
  #rest(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, REST_MS);
      this.#stop = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  /** What costs more than it may is taken out; what was gathered stays. */
  #watchCost(): NodeJS.Timeout | undefined {
    const { budget, scope, script } = this.#parts;
    if (budget === undefined) return undefined;
    const compiled = script.probes.length - script.intercepts.length;
    const hits = (kind: number): bigint => (kind < compiled ? this.#counters.hitsOf(kind) : script.intercepts[kind - compiled]!.hits);
    return watchBudget(budget, hits, (spent) => {
      if (this.#reason !== undefined) return;
      this.#overBudget = spent;
      scope.notes.push(exceededText(spent, budget.share));
      this.end("budget", ExitStatus.fault);
    });
  }
  /** With --children the descendants may outlive the processes that were named. */
  #watchTargets(): NodeJS.Timeout | undefined {
    const { targets, command } = this.#parts;
    if (targets.length === 0 || command !== undefined || this.#parts.children) return undefined;
    return setInterval(() => {
      if (!targets.some(isAlive)) this.end("target");
    }, LOOK_MS);
  }
  async #finish(): Promise<Summary> {
    const {
      scope,
      command,
      script: { armed, states },
    } = this.#parts;
    command?.abandon();
    await armed.disarm();
    while (armed.consume(this.#record) > 0) await new Promise((next) => setImmediate(next));
    await this.#hooks(scope.ends);
    for (const { state } of [...states, ...this.named]) if (state instanceof EventsState) state.end();
    if (this.#failure !== undefined) throw this.#failure;
    return this.summary();
  }
  summary(): Summary {
    const {
      scope,
      script: { armed, states, intercepts },
    } = this.#parts;
    const full = this.#counters.full();
    const fullMaps: { [name: string]: bigint } = {};
    for (const [index, count] of full) fullMaps[states[index]!.name] = count;
    for (const [state, count] of scope.hostFull) fullMaps[this.nameOf(state)] = (fullMaps[this.nameOf(state)] ?? 0n) + count;
    const lostStacks = this.#counters.of("stacks");
    if (lostStacks > 0n) fullMaps["(stacks)"] = lostStacks;
    const unreadableAt = this.#counters.misses();
    const { skipped, depth } = this.#losses;
    return {
      engine: armed.engine,
      method: armed.method,
      sites: armed.sites,
      hits: this.hits(),
      lost: this.#counters.of("lost"),
      unreadable: this.#counters.of("miss") + BigInt(scope.hostMisses),
      unreadableAt,
      fullMaps,
      unmatched: intercepts.reduce((sum, { unmatched }) => sum + unmatched, this.#counters.of("unmatched")),
      scratch: this.#counters.of("scratch"),
      skipped,
      depth,
      threw: intercepts.reduce((sum, { threw }) => sum + threw, 0),
      status: this.#status,
      ...(this.#overBudget === undefined ? {} : { overBudget: this.#overBudget }),
      ended: this.#reason ?? "closed",
    };
  }
  #lastLosses = { skipped: 0n, depth: 0n };
  get #losses() {
    if (!this.#closed) this.#lastLosses = this.#parts.script.armed.losses();
    return this.#lastLosses;
  }
  /**
   * Ends it, and gives everything back. Unless nobody reads any more (`keep` false), maps and aggregates are copied
   * before, so that they can be read afterwards.
   */
  async close(keep = true): Promise<Summary> {
    this.end("closed");
    try {
      return await this.done;
    } finally {
      await this.#release(keep);
    }
  }
  async #release(keep: boolean): Promise<void> {
    if (this.#closed) return;
    const {
      script: { armed, states },
    } = this.#parts;
    void this.#losses;
    if (keep) {
      for (const { state } of states) state.detach();
      this.#counters.detach();
    }
    this.#parts.scope.stacks.detach(keep);
    this.#parts.scope.retire();
    this.#closed = true;
    this.#parts.loaded.forget();
    await armed.close();
  }
}
