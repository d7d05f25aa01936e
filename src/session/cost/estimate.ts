/** `--estimate`: what a script's probes would cost, before they are armed: their places are counted for a moment, by handlers that do nothing else. */
import type { EngineName } from "../../engines/engine.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import type { SessionOutput } from "../output.ts";
import { type ScriptSource, scriptText } from "../script/source.ts";
import { type StartOptions, startSession } from "../start.ts";
import { costModel } from "./calibrate.ts";

export interface EstimatedProbe {
  readonly target: string;
  readonly sites: number;
  /** Nanoseconds that a hit takes. */
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
 * Counts for a second what the script's probes would be hit by, with the same processes. Throws what a session throws; SONDE_USAGE with a command, which
 * would run twice, and with `unsafe`.
 */
export async function estimate(source: ScriptSource, options: StartOptions, measuring: () => void): Promise<Estimate> {
  const refuse = (message: string, mend: string): never => {
    throw new SondeError("SONDE_USAGE", message, { mend, exit: ExitStatus.usage });
  };
  if (options.command !== undefined) refuse("--estimate counts what runs already: it starts no command", "Name processes by -p, or use --budget with -c.");
  if (options.unsafe)
    refuse("--estimate and --unsafe: the script's probes are in for a moment, and would change the target", "Leave --unsafe out, or use --budget.");
  // Loaded and compiled as it would run, and let go before it counts anything.
  const real = await startSession(source, { ...options, budget: undefined }, SILENT);
  const { engine } = real;
  if (engine === "simulation") throw new SondeError("SONDE_USAGE", "a simulation costs nothing");
  const probes = real.registered;
  await real.close(false).catch(() => {});
  const costs = real.costs(await costModel(engine, measuring));
  const code = [
    ...probes.map((_, i) => `const n${i} = count();`),
    ...probes.map(({ targets, kind }, i) => `${kind}(${JSON.stringify(targets.length === 1 ? targets[0] : targets)}, () => n${i}.add());`),
  ].join("\n");
  const counter = await startSession(scriptText(code), { ...options, engine, budget: undefined, params: {}, unsafe: false }, SILENT);
  await counter.begun;
  const before = probes.map((_, i) => counter.hits(i));
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, COUNTED_MS));
  const hits = probes.map((_, i) => Number(counter.hits(i) - before[i]!));
  const seconds = (performance.now() - began) / 1000;
  await counter.close(false);
  return {
    engine,
    seconds,
    probes: probes.map(({ targets, sites, probe }, i) => {
      const ns = costs.get(probe) ?? 0;
      const hitsPerSecond = hits[i]! / seconds;
      return { target: targets.join(", "), sites, ns, hitsPerSecond, share: (hitsPerSecond * ns) / 1e9 };
    }),
  };
}
