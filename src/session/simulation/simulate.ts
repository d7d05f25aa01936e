/**
 * `simulate()`: a script's handlers on made-up hits, in the interpreter. Everything else is as in a real session: its host side runs,
 * it is compiled, its records are read, its maps and its summary are those of any session.
 */

import type { ProgramImage } from "../../compiler/image.ts";
import type { ProcessFilter } from "../../engines/engine.ts";
import { SimulatedArmed, SimulatedEngine } from "../../engines/simulated/simulated-engine.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { palette } from "../../output/palette.ts";
import { viewLines } from "../../output/text.ts";
import { type LoweredProbe, type LoweredScript, lowerScript } from "../arm.ts";
import { namedStates } from "../names.ts";
import type { SessionOutput } from "../output.ts";
import { Scope } from "../scope.ts";
import { compiled } from "../script/compile.ts";
import { loadScript } from "../script/load.ts";
import { scriptFile } from "../script/source.ts";
import { RunningSession } from "../session.ts";
import { EventsState } from "../state/events.ts";
import type { State } from "../state/state.ts";
import type { Summary } from "../summary.ts";
import type { ParamValues } from "../vocabulary/params.ts";
import { makeVocabulary } from "../vocabulary/vocabulary.ts";
import { declareSites } from "./declared.ts";
import { environmentOf, type MadeHit, NOBODY_YET, recordOf, registersOf, type Who, whoOf } from "./made-hit.ts";
import { MadeMemory, UNREADABLE } from "./made-memory.ts";
import { means, Places, splitTarget } from "./places.ts";

export interface Simulation {
  readonly maps: { readonly [name: string]: State };
  /** Everything emitted so far, by the name of the `events`. */
  readonly events: { readonly [name: string]: readonly unknown[] };
  readonly prints: readonly string[];
  /** Memory that can't be read. */
  readonly unreadable: number;
  hit(target: string, c?: MadeHit): void;
  call(target: string, enter: MadeHit, leave: MadeHit, inside?: () => void): void;
  usdt(target: string, c?: MadeHit): void;
  tracepoint(name: string, c?: MadeHit): void;
  tick(period: string, c?: MadeHit): void;
  text(value: string): number;
  finish(): Promise<Summary>;
}

export interface SimulateOptions {
  readonly params?: ParamValues;
}

const EVERYWHERE: ProcessFilter = { pids: [], children: false, cgroup: undefined };
/** Between two hits that say no time. */
const STEP_NS = 1000n;

export async function simulate(script: string | { readonly href: string }, options: SimulateOptions = {}): Promise<Simulation> {
  for (const name of Object.keys(options))
    if (name !== "params")
      throw new SondeError("SONDE_OPTION", `simulate(): there is no option ${name}`, { mend: "The options are: params.", exit: ExitStatus.usage });
  const source = scriptFile(script);
  const compiledScript = await compiled(source);
  const { unit, diagnostics } = compiledScript;
  const prints: string[] = [];
  const print = (text: string): void => void prints.push(...text.split("\n"));
  const output: SessionOutput = {
    everyEvent: false,
    print,
    event() {},
    show: (view, top) => void prints.push(...viewLines(view, { columns: 80, paint: palette(false), top })),
    fault: (error) => process.emitWarning(error),
  };
  const places = new Places();
  let session: RunningSession | undefined;
  let exit: number | undefined;
  const scope: Scope = new Scope({
    params: options.params ?? {},
    pids: [],
    // Nothing is there that could be changed.
    unsafe: true,
    modeOf: () => "leave",
    resolve: (target, kind) => places.resolve(target, kind),
    actions: {
      print,
      show: (state, top) => session?.show(state, top),
      exit: (status) => {
        if (session === undefined) exit ??= status;
        else session.end("exit", status);
      },
      symbol: (address) => `0x${BigInt.asUintN(64, address).toString(16)}`,
    },
  });
  const loaded = await loadScript(unit, source, scope, makeVocabulary(scope));
  try {
    scope.params.refuseUnknown();
    if (scope.intercepts.length > 0)
      throw new SondeError("SONDE_SIMULATE", `${scope.intercepts[0]!.what} can't be simulated`, {
        why: "its functions are plain JavaScript, which is given a thread of a program",
        mend: "Call its functions from the test, or open() the script with a program.",
      });
    scope.seal();
    await declareSites(scope.probes, compiledScript, source);
    const named = namedStates(unit, scope);
    const lowered = lowerScript({ unit, scope, named, engine: new SimulatedEngine(), filter: EVERYWHERE, unsafe: true });
    const armed = new SimulatedArmed(lowered.image, scope.probes);
    scope.stacks.attach(armed, lowered.image, []);
    for (const [index, { state }] of lowered.states.entries()) state.attach({ armed, image: lowered.image, place: lowered.image.states[index]!.place });
    session = new RunningSession({
      scope,
      script: { image: lowered.image, armed, probes: [], states: lowered.states, intercepts: [], warnings: lowered.diagnostics },
      named,
      output,
      command: undefined,
      loaded,
      targets: [],
      children: false,
      engineNotes: [],
      warnings: [...diagnostics, ...lowered.diagnostics],
    });
    if (exit !== undefined) session.end("exit", exit);
    await session.begun;
    if (session.failed) await session.close(false);
    return new Simulated({ session, scope, lowered, armed, prints });
  } catch (error) {
    if (session === undefined) {
      loaded.forget();
      scope.retire();
    }
    throw error;
  }
}

interface Parts {
  readonly session: RunningSession;
  readonly scope: Scope;
  readonly lowered: LoweredScript;
  readonly armed: SimulatedArmed;
  readonly prints: readonly string[];
}

/** A place that a made-up hit means, with what is compiled for it. */
interface Matched {
  readonly probe: LoweredProbe;
  readonly programs: readonly ProgramImage[];
  readonly name: string;
}

/** A call of a probe's function that was entered and not left. */
interface OpenCall {
  readonly matched: Matched;
  readonly cookie: Uint8Array;
  readonly skipped: boolean;
}

const REGISTERS = { function: ["uprobe", "uretprobe"], usdt: ["usdt"], tracepoint: ["tracepoint"], timer: ["interval", "profile"] } as const;

class Simulated implements Simulation {
  readonly maps: { readonly [name: string]: State };
  readonly events: { readonly [name: string]: readonly unknown[] };
  readonly prints: readonly string[];
  readonly unreadable = Number(UNREADABLE);
  readonly #parts: Parts;
  readonly #memory = new MadeMemory();
  /** Calls that are open, by thread. */
  readonly #depth = new Map<number, number>();
  #last: Who = NOBODY_YET;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.prints = parts.prints;
    const maps: { [name: string]: State } = {};
    const events: { [name: string]: unknown[] } = {};
    for (const { state, name } of parts.session.named) {
      if (!(state instanceof EventsState)) maps[name] = state;
      else {
        const all: unknown[] = [];
        events[name] = all;
        state.on((event) => all.push(event));
      }
    }
    this.maps = maps;
    this.events = events;
  }

  text(value: string): number {
    return Number(this.#memory.text(value));
  }

  hit(target: string, c: MadeHit = {}): void {
    const who = this.#who(c, this.#last);
    for (const matched of this.#matching("function", target)) {
      const context = registersOf(c, {
        signature: matched.probe.lower.signature,
        phase: "enter",
        depth: this.#depth.get(who.tid) ?? 0,
        memory: this.#memory,
        target,
      });
      for (const program of matched.programs) {
        if (program.runs === "session") this.#run(program, context, who, matched, { isReturn: false, cookie: new Uint8Array(8) });
        else if (program.runs !== "return") this.#run(program, context, who, matched);
      }
    }
    this.#done(who);
  }

  call(target: string, enter: MadeHit, leave: MadeHit, inside?: () => void): void {
    const who = this.#who(enter, this.#last);
    const depth = this.#depth.get(who.tid) ?? 0;
    const open = this.#matching("function", target).map((matched): OpenCall => {
      const context = registersOf(enter, { signature: matched.probe.lower.signature, phase: "enter", depth, memory: this.#memory, target });
      const cookie = new Uint8Array(8);
      let skipped = false;
      for (const program of matched.programs) {
        if (program.runs === "session") skipped = this.#run(program, context, who, matched, { isReturn: false, cookie }) !== 0n;
        else if (program.runs === "entry") this.#run(program, context, who, matched);
      }
      return { matched, cookie, skipped };
    });
    this.#done(who);
    this.#depth.set(who.tid, depth + 1);
    try {
      inside?.();
    } finally {
      this.#depth.set(who.tid, depth);
    }
    const after = this.#who(leave, { ...who, time: this.#last.time });
    for (const { matched, cookie, skipped } of open) {
      const context = registersOf(leave, { signature: matched.probe.lower.signature, phase: "leave", depth, memory: this.#memory, target });
      for (const program of matched.programs) {
        if (program.runs === "session" && !skipped) this.#run(program, context, after, matched, { isReturn: true, cookie });
        else if (program.runs === "return") this.#run(program, context, after, matched);
      }
    }
    this.#done(after);
  }

  usdt(target: string, c: MadeHit = {}): void {
    const who = this.#who(c, this.#last);
    for (const matched of this.#matching("usdt", target)) {
      const context = registersOf(c, { signature: matched.probe.lower.signature, phase: "usdt", depth: 0, memory: this.#memory, target });
      for (const program of matched.programs) this.#run(program, context, who, matched);
    }
    this.#done(who);
  }

  tracepoint(name: string, c: MadeHit = {}): void {
    const who = this.#who(c, this.#last);
    for (const matched of this.#matching("tracepoint", name)) {
      const { signature } = matched.probe.lower;
      if (signature === undefined) throw new SondeError("SONDE_MADE_UP", `nothing is known of the fields of ${name}`);
      const context = recordOf(c, signature, this.#memory, name);
      for (const program of matched.programs) this.#run(program, context, who, matched);
    }
    this.#done(who);
  }

  tick(period: string, c: MadeHit = {}): void {
    const who = this.#who(c, this.#last);
    for (const matched of this.#matching("timer", period)) {
      const context = registersOf(c, { signature: undefined, phase: "enter", depth: 0, memory: this.#memory, target: period });
      for (const program of matched.programs) this.#run(program, context, who, matched);
    }
    this.#done(who);
  }

  async finish(): Promise<Summary> {
    return await this.#parts.session.close();
  }

  /** A hit that says no time comes a microsecond after the one before. */
  #who(made: MadeHit, before: Who): Who {
    return whoOf(made, { ...before, time: before.time + STEP_NS });
  }
  #done(who: Who): void {
    this.#last = who;
    const { session } = this.#parts;
    session.drain();
    if (session.failed) throw session.failure;
  }

  #run(program: ProgramImage, context: Uint8Array, who: Who, matched: Matched, session?: { readonly isReturn: boolean; readonly cookie: Uint8Array }): bigint {
    const { armed, scope } = this.#parts;
    const cookie = BigInt(scope.functionIndex(matched.name));
    return armed.run(
      program,
      context,
      environmentOf(who, this.#memory, { cookie, sleepable: program.sleepable, ...(session === undefined ? {} : { session }) }),
    );
  }

  /** The places that a target means, of all probes. Throws SONDE_SIMULATE where it is none. */
  #matching(kind: keyof typeof REGISTERS, target: string): readonly Matched[] {
    const { lowered, scope } = this.#parts;
    const found: Matched[] = [];
    const known: string[] = [];
    for (const [i, probe] of lowered.probes.entries()) {
      const entry = scope.probes[probe.lower.probe]!;
      if (!(REGISTERS[kind] as readonly string[]).includes(probe.lower.handler.register)) continue;
      known.push(...entry.targets);
      const sites = probe.sites.filter((site) => this.#isMeant(kind, target, entry.targets[entry.from[site]!]!, entry.sites[site]!));
      const [first] = sites;
      if (first === undefined) continue;
      const { name } = entry.sites[first]!;
      const own = splitTarget(target).name;
      const isNamed = name === own || name.includes("*");
      if (sites.length > 1 && !isNamed && target === entry.targets[entry.from[first]!])
        throw new SondeError("SONDE_SIMULATE", `${target} means ${sites.length} functions`, {
          mend: `Name one of them, as ${splitTarget(target).file}:${name}.`,
        });
      found.push({ probe, programs: lowered.lowered[i]!.programs.map((program) => lowered.image.programs[program]!), name: name.includes("*") ? own : name });
    }
    if (found.length > 0) return found;
    const near = nearNames(target, known);
    throw new SondeError("SONDE_SIMULATE", `no ${kind === "function" ? "probe" : kind} of the script is at ${target}`, {
      mend:
        near.length > 0 ? `Did you mean ${near.join(" or ")}?` : known.length > 0 ? `It has ${[...new Set(known)].join(", ")}.` : "It has none of this kind.",
    });
  }
  #isMeant(kind: keyof typeof REGISTERS, target: string, written: string, site: { readonly name: string; readonly aliases: readonly string[] }): boolean {
    if (written === target) return true;
    if (kind === "timer") return false;
    if (kind === "tracepoint") return site.name === target;
    const [wanted, from] = [splitTarget(target), splitTarget(written)];
    if (wanted.file !== from.file) return false;
    return site.name === wanted.name || site.aliases.includes(wanted.name) || (site.name.includes("*") && means(written, target));
  }
}
