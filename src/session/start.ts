/** Starts a session: compile, load, choose an engine, arm. Whatever fails, nothing is left armed or held. */

import type { ScriptUnit } from "../compiler/hir/types.ts";
import { chooseEngine, type EngineChoice } from "../engines/choose.ts";
import type { ProcessFilter } from "../engines/engine.ts";
import { SondeError } from "../errors/error.ts";
import { resolveTarget } from "../symbols/resolve.ts";
import { isAlive } from "../sys/procfs.ts";
import { armScript } from "./arm.ts";
import { type CommandStdio, HeldCommand } from "./command/held-command.ts";
import { namedStates } from "./names.ts";
import type { SessionOutput } from "./output.ts";
import { Symbolizer } from "./reading/symbolize.ts";
import { Scope } from "./scope.ts";
import { compiled } from "./script/compile.ts";
import { loadScript } from "./script/load.ts";
import type { ScriptSource } from "./script/source.ts";
import { RunningSession } from "./session.ts";
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
  readonly params: ParamValues;
}

/** What the script's host code asks for before there is a session to do it. */
class Early {
  session: RunningSession | undefined;
  exit: number | undefined;
  readonly symbols = new Symbolizer();
}

/** Throws if a process isn't there. */
function requireProcesses(pids: readonly number[]): void {
  const gone = pids.filter((pid) => !isAlive(pid));
  if (gone.length > 0)
    throw new SondeError("SONDE_PROCESS_NOT_FOUND", `there is no process ${gone.join(", ")}`, { mend: "Give the id of a process that runs; `ps` lists them." });
}

/** A held command has nothing mapped yet: names are looked up in `options.pids` alone. */
function makeScope(source: Pick<ScriptUnit, "handlers">, options: StartOptions, pids: readonly number[], output: SessionOutput, early: Early): Scope {
  const returns = new Set(source.handlers.filter(({ register }) => register === "uretprobe").map(({ id }) => id));
  return new Scope({
    params: options.params,
    pids: options.pids,
    modeOf: (handler) => (returns.has(handler) ? "return" : "entry"),
    resolve: (target, mode, own) => resolveTarget(target, { mode, pids: own }),
    actions: {
      print: (text) => output.print(text),
      show: (state, top) => early.session?.show(state, top),
      exit: (status) => {
        if (early.session === undefined) early.exit ??= status;
        else early.session.end("exit", status);
      },
      symbol: (address, pid) => early.symbols.text(BigInt.asUintN(64, address), pid ?? (pids.length === 1 ? pids[0] : undefined)),
    },
  });
}

export async function startSession(source: ScriptSource, options: StartOptions, output: SessionOutput): Promise<RunningSession> {
  requireProcesses(options.pids);
  const script = await compiled(source);
  const engine = await chooseEngine(options.engine);
  const command = options.command && (await HeldCommand.start(options.command, options.stdio));
  try {
    const pids = command === undefined ? options.pids : [...options.pids, command.pid];
    const filter: ProcessFilter = { pids, children: options.children, cgroup: options.cgroup };
    const early = new Early();
    const scope = makeScope(script.unit, options, pids, output, early);
    const loaded = await loadScript(script.unit, source, scope, makeVocabulary(scope));
    scope.params.refuseUnknown();
    if (scope.probes.length === 0)
      throw new SondeError("SONDE_NO_PROBES", "the script registers no probe", {
        where: source.path,
        mend: 'Write for instance uprobe("libc:malloc", (c) => …) at its top level.',
      });
    scope.seal();
    const named = namedStates(script.unit, scope);
    const armed = await armScript({ unit: script.unit, scope, named, engine, filter, exact: options.exact, unsafe: options.unsafe });
    const session = new RunningSession({
      scope,
      script: armed,
      named,
      output,
      command,
      loaded,
      targets: options.pids,
      children: options.children,
      warnings: [...script.diagnostics, ...armed.warnings],
    });
    early.session = session;
    if (early.exit !== undefined) session.end("exit", early.exit);
    return session;
  } catch (error) {
    command?.abandon();
    throw error;
  }
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
    unsafe: false,
    params,
  };
  const scope = makeScope(script.unit, options, [], { everyEvent: false, print() {}, event() {}, show() {} }, new Early());
  const loaded = await loadScript(script.unit, source, scope, makeVocabulary(scope));
  loaded.forget();
  return scope.params.declared;
}
