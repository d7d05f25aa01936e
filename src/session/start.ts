/** Starts a session: compile, load, choose an engine, arm. Whatever fails, nothing is left armed or held. */

import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { ScriptUnit } from "../compiler/hir/types.ts";
import type { Unwind } from "../compiler/target.ts";
import { type ChosenEngine, chooseEngine, type EngineChoice } from "../engines/choose.ts";
import type { Engine, ProcessFilter } from "../engines/engine.ts";
import { SondeError } from "../errors/error.ts";
import { resolveProbe } from "../symbols/resolve-probe.ts";
import { isAlive } from "../sys/procfs.ts";
import { armScript, type LoweredScript } from "./arm.ts";
import { type CommandStdio, HeldCommand } from "./command/held-command.ts";
import { hitCosts } from "./cost/budget.ts";
import { costModel } from "./cost/calibrate.ts";
import { lowerForEngine } from "./engine-for-script.ts";
import { hasReturn } from "./go-returns.ts";
import { type NamedState, namedStates } from "./names.ts";
import type { SessionOutput } from "./output.ts";
import { Scope } from "./scope.ts";
import { compiled } from "./script/compile.ts";
import { type LoadedScript, loadScript } from "./script/load.ts";
import type { ScriptSource } from "./script/source.ts";
import { RunningSession } from "./session.ts";
import { fetchForTarget, fetchTypes } from "./typed/fetch.ts";
import type { ParamDeclaration, ParamValues } from "./vocabulary/params.ts";
import { makeVocabulary } from "./vocabulary/vocabulary.ts";

export interface StartOptions {
  readonly engine: EngineChoice;
  /** These processes only; empty: all. */
  readonly pids: readonly number[];
  /** A command to start, and to probe alone. */
  readonly command: readonly string[] | undefined;
  readonly stdio: CommandStdio;
  readonly children: boolean;
  readonly cgroup: string | undefined;
  readonly exact: boolean;
  readonly unsafe: boolean;
  readonly unwind: Unwind;
  readonly params: ParamValues;
  /** The share of a CPU that the probes may take: beyond, the session ends. */
  readonly budget?: number | undefined;
}

/** What the script's host code asks for before there is a session to do it. */
class Early {
  session: RunningSession | undefined;
  /** The target that lacked debug information. */
  lacking: string | undefined;
  exit: number | undefined;
}

/** Throws if a process isn't there. */
function requireProcesses(pids: readonly number[]): void {
  const gone = pids.filter((pid) => !isAlive(pid));
  if (gone.length > 0)
    throw new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${gone.join(", ")}`, { mend: "Give the id of a process that runs; `ps` lists them." });
}

interface ScopeFor {
  readonly unit: Pick<ScriptUnit, "handlers">;
  readonly options: StartOptions;
  /** The kernel replaces return addresses, which not every program endures. */
  readonly returns: "return" | "leave";
  /** The session's processes, with the command's. */
  readonly pids: readonly number[];
  readonly output: SessionOutput;
  readonly early: Early;
}

/** A held command has nothing mapped yet: names are looked up in `options.pids` alone. */
function makeScope({ unit, options, returns, pids, output, early }: ScopeFor): Scope {
  const atReturns = new Set(unit.handlers.filter(hasReturn).map(({ id }) => id));
  const scope: Scope = new Scope({
    params: options.params,
    pids: options.pids,
    unsafe: options.unsafe,
    modeOf: (handler) => (atReturns.has(handler) ? returns : "entry"),
    resolve: (target, kind, mode, own) => {
      try {
        return resolveProbe(target, kind, { mode, pids: own, unjudged: returns === "leave" });
      } catch (error) {
        if (error instanceof SondeError && error.code === "SONDE_DEBUG_INFO_MISSING") early.lacking = target;
        throw error;
      }
    },
    actions: {
      print: (text) => output.print(text),
      show: (state, top) => early.session?.show(state, top),
      exit: (status) => {
        if (early.session === undefined) early.exit ??= status;
        else early.session.end("exit", status);
      },
      symbol: (address, pid) => scope.names.symbol(BigInt.asUintN(64, address), pid ?? (pids.length === 1 ? pids[0] : undefined)),
    },
  });
  return scope;
}

const returnsOf = ({ engine }: ChosenEngine): "return" | "leave" => (engine.name === "kernel" ? "return" : "leave");

/** A line is looked up when its probe is registered, at once: what is downloaded for it is there when the script is loaded once more. */
async function loadInScope(
  source: ScriptSource,
  parts: ScopeFor & { readonly unit: ScriptUnit },
): Promise<{ readonly scope: Scope; readonly loaded: LoadedScript }> {
  const tried = new Set<string>();
  for (;;) {
    const scope = makeScope(parts);
    try {
      return { scope, loaded: await loadScript(parts.unit, source, scope, makeVocabulary(scope)) };
    } catch (error) {
      const { lacking } = parts.early;
      parts.early.lacking = undefined;
      if (lacking === undefined || tried.has(lacking) || !(await fetchForTarget(lacking, parts.options.pids))) throw error;
      tried.add(lacking);
    }
  }
}

/** A script that is loaded, and compiled for the engine that it gets; nothing is armed. */
export interface PreparedScript {
  readonly unit: ScriptUnit;
  readonly scope: Scope;
  readonly loaded: LoadedScript;
  readonly named: readonly NamedState[];
  readonly engine: Engine;
  /** Why it is that engine, where that wasn't asked for. */
  readonly notes: readonly string[];
  readonly lowered: LoweredScript;
  readonly filter: ProcessFilter;
  readonly warnings: readonly Diagnostic[];
  readonly early: Early;
}

interface PrepareParts {
  readonly source: ScriptSource;
  readonly options: StartOptions;
  readonly output: SessionOutput;
  /** A process that will be the command. */
  readonly held?: number | undefined;
  /** What hits cost will be asked: places of different cost are counted apart. */
  readonly byCost: boolean;
}

/** Throws what is wrong with the script; what it has loaded is forgotten then. */
export async function prepareScript({ source, options, output, held, byCost }: PrepareParts): Promise<PreparedScript> {
  requireProcesses(options.pids);
  const { unit, diagnostics } = await compiled(source);
  const chosen = await chooseEngine(options.engine);
  const pids = held === undefined ? options.pids : [...options.pids, held];
  const filter: ProcessFilter = { pids, children: options.children, cgroup: options.cgroup, ...(held === undefined ? {} : { held }) };
  const early = new Early();
  const { scope, loaded } = await loadInScope(source, { unit, options, returns: returnsOf(chosen), pids, output, early });
  try {
    scope.params.refuseUnknown();
    if (scope.probes.length + scope.intercepts.length === 0)
      throw new SondeError("SONDE_NO_PROBES", "the script registers no probe", {
        where: source.path,
        mend: 'Write for instance uprobe("libc:malloc", (c) => …) at its top level.',
      });
    scope.seal();
    await fetchTypes(unit, scope);
    const named = namedStates(unit, scope);
    const { unsafe, unwind, exact } = options;
    const request = { unit, scope, named, filter, unsafe, unwind, byCost: byCost ? { exact } : undefined };
    const { engine, notes, lowered } = await lowerForEngine(request, chosen, options.engine);
    return { unit, scope, loaded, named, engine, notes, lowered, filter, warnings: diagnostics, early };
  } catch (error) {
    forget({ scope, loaded });
    throw error;
  }
}

/** Nothing of it is used any more. */
export function forget({ scope, loaded }: Pick<PreparedScript, "scope" | "loaded">): void {
  loaded.forget();
  scope.retire();
}

export async function startSession(source: ScriptSource, options: StartOptions, output: SessionOutput): Promise<RunningSession> {
  const { budget } = options;
  const command = options.command && (await HeldCommand.start(options.command, options.stdio));
  let prepared: PreparedScript | undefined;
  try {
    prepared = await prepareScript({ source, options, output, held: command?.pid, byCost: budget !== undefined });
    const { scope, loaded, named, engine, notes, lowered, filter, early } = prepared;
    // Before anything of this session is armed: what hits cost may have to be measured.
    const model = budget === undefined ? undefined : await costModel(engine.name);
    const fault = (error: unknown, what: string): void => output.fault(interceptFault(loaded.fault(error), what));
    const armed = await armScript({ scope, lowered, engine, filter, exact: options.exact, fault });
    const session = new RunningSession({
      scope,
      script: armed,
      named,
      output,
      command,
      loaded,
      targets: options.pids,
      children: options.children,
      engineNotes: notes,
      ...(model === undefined || budget === undefined ? {} : { budget: { share: budget, costs: hitCosts(model, armed.image, armed.probes) } }),
      warnings: [...prepared.warnings, ...armed.warnings],
    });
    early.session = session;
    if (early.exit !== undefined) session.end("exit", early.exit);
    return session;
  } catch (error) {
    command?.abandon();
    if (prepared !== undefined) forget(prepared);
    throw error;
  }
}

/** The target doesn't suffer for what its interceptor does. */
function interceptFault({ code, message, where, why, mend, cause }: SondeError, what: string): SondeError {
  return new SondeError(code as `SONDE_${string}`, `${what}: ${message}`, {
    ...(where === undefined ? {} : { where }),
    ...(why === undefined ? {} : { why }),
    mend: `${mend === undefined ? "" : `${mend} `}The call went on unchanged. What this function throws further is counted, not shown.`,
    cause,
  });
}

/** Loads the script alone, without arming anything, and gives the parameters that it declares. */
export async function scriptParams(source: ScriptSource, params: ParamValues = {}): Promise<readonly ParamDeclaration[]> {
  const script = await compiled(source);
  const options: StartOptions = {
    engine: "auto",
    pids: [],
    command: undefined,
    stdio: "ignore",
    children: false,
    cgroup: undefined,
    exact: false,
    // Nothing is armed.
    unsafe: true,
    unwind: "pointers",
    params,
  };
  const output: SessionOutput = { everyEvent: false, print() {}, event() {}, show() {}, fault() {} };
  const scope = makeScope({ unit: script.unit, options, returns: "leave", pids: [], output, early: new Early() });
  const loaded = await loadScript(script.unit, source, scope, makeVocabulary(scope));
  loaded.forget();
  return scope.params.declared;
}
