/** `--estimate`: what a script's probes would cost. Its handlers aren't run: their places are counted for a moment, by handlers that do nothing else. */
import type { FunctionHir, HandlerHir } from "../../compiler/hir/types.ts";
import type { LowerProbe, LowerResult } from "../../compiler/lower/input.ts";
import { lower } from "../../compiler/lower/lower.ts";
import type { ArmProbe, EngineName } from "../../engines/engine.ts";
import { ExitStatus, SondeBug, SondeError } from "../../errors/error.ts";
import { armCompiled, armIntercepted, hostCalls } from "../arm.ts";
import type { SessionOutput } from "../output.ts";
import { Counters } from "../reading/counters.ts";
import type { ScriptSource } from "../script/source.ts";
import { forget, type PreparedScript, prepareScript, type StartOptions } from "../start.ts";
import { hitCosts } from "./budget.ts";
import { costModel } from "./calibrate.ts";

export interface EstimatedProbe {
  readonly target: string;
  readonly sites: number;
  /** Nanoseconds that a hit takes: on average, where places cost different. */
  readonly ns: number;
  readonly hitsPerSecond: number;
  /** Of a CPU. */
  readonly share: number;
}

export interface Estimate {
  readonly engine: EngineName;
  readonly seconds: number;
  readonly probes: readonly EstimatedProbe[];
}

const COUNTED_MS = 1000;
const SILENT: SessionOutput = { everyEvent: false, print() {}, event() {}, show() {}, fault() {} };

/**
 * Counts for a second what the script's probes would be hit by, with the same processes. The script is loaded, and nothing of it runs at a hit, nor
 * its `begin` and `end`. Throws what a session throws; SONDE_USAGE with a command, which would run twice.
 */
export async function estimate(source: ScriptSource, options: StartOptions, measuring: () => void): Promise<Estimate> {
  if (options.command !== undefined)
    throw new SondeError("SONDE_USAGE", "--estimate counts what runs already: it starts no command", {
      mend: "Name processes by -p, or use --budget with -c.",
      exit: ExitStatus.usage,
    });
  const prepared = await prepareScript({ source, options, output: SILENT, byCost: true });
  try {
    const { scope, engine, lowered } = prepared;
    const { exact } = options;
    const asked = scope.intercepts.map((entry) => hostCalls({ scope, fault() {} }, entry));
    const planned = [...armCompiled({ scope, lowered, engine, exact }), ...armIntercepted({ scope, engine, exact }, asked)];
    const costs = hitCosts(await costModel(engine.name, measuring), lowered.image, planned);
    const { hits, seconds } = await counted(prepared, planned);
    const probes = [...scope.probes, ...scope.intercepts].map(({ targets, sites }, index) => {
      const parts = planned.flatMap(({ probe }, part) => (probe === index ? [part] : []));
      const count = parts.reduce((sum, part) => sum + hits[part]!, 0);
      const ns = parts.reduce((sum, part) => sum + hits[part]! * costs[part]!, 0);
      const perHit = count > 0 ? ns / count : Math.max(0, ...parts.map((part) => costs[part]!));
      return { target: targets.join(", "), sites: sites.length, ns: perHit, hitsPerSecond: count / seconds, share: ns / 1e9 / seconds };
    });
    return { engine: engine.name, seconds, probes };
  } finally {
    forget(prepared);
  }
}

/** Hits of each of what would be armed. */
async function counted({ scope, unit, engine, filter, lowered }: PreparedScript, planned: readonly ArmProbe[]): Promise<{ hits: number[]; seconds: number }> {
  const places = planned.map(({ sites }) => sites.length).reduce((a, b) => a + b, 0);
  const { image, probes, diagnostics } = lower({
    files: unit.files,
    states: [],
    functions: scope.functions,
    probes: planned.map((one, part) => silent(one, lowered.probes[part]?.lower)),
    target: engine.target({ filter, sites: places, calls: false, events: planned.some(({ events }) => (events?.length ?? 0) > 0) }),
    unsafe: false,
  });
  if (image === undefined) throw new SondeBug(`counting handlers don't compile: ${diagnostics[0]?.message}`);
  const armed = await engine.arm(image, counting(planned, probes), filter);
  try {
    const counters = new Counters(image, armed.cpuRegion);
    const now = (): bigint[] => planned.map((_, part) => counters.hitsOf(part));
    const before = now();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, COUNTED_MS));
    const hits = now().map((count, part) => Number(count - before[part]!));
    return { hits, seconds: (performance.now() - began) / 1000 };
  } finally {
    await armed.disarm();
    await armed.close();
  }
}

const counting = (planned: readonly ArmProbe[], probes: LowerResult["probes"]): ArmProbe[] =>
  planned
    .map(({ intercept: _, ...one }, part) => ({ ...one, programs: probes[part]!.programs }))
    .filter(({ sites, events }) => sites.length + (events?.length ?? 0) > 0);

const NOTHING: FunctionHir = { name: "", file: 0, params: [], locals: [], body: [], span: [0, 0] };

/** At the same places, for the same processes; of a call its entry. */
function silent({ probe, pids }: ArmProbe, real: LowerProbe | undefined): LowerProbe {
  const { register = "uprobe", targets = [], file = 0 } = real?.handler ?? {};
  const handler: HandlerHir = { id: 0, register, shape: { kind: "hit", run: 0 }, functions: [NOTHING], captures: [], targets, file, span: [0, 0] };
  return { probe, handler, captures: [], text: "", signature: undefined, pids, functions: real?.functions ?? [] };
}
