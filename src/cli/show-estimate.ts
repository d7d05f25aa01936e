/** `sonde run --estimate`: what a script's probes would take. */
import { padEnd, padStart, shorten } from "../output/columns.ts";
import { jsonLine } from "../output/json.ts";
import { colorsWanted, palette } from "../output/palette.ts";
import { percent } from "../session/cost/budget.ts";
import { estimate } from "../session/cost/estimate.ts";
import type { ScriptSource } from "../session/script/source.ts";
import type { StartOptions } from "../session/start.ts";

const WIDEST = 48;
const whole = (n: number): string => Math.round(n).toLocaleString("en");

export const tellMeasuring = (): void => void process.stderr.write("note measuring what hits cost here: once, about two seconds\n");

export async function showEstimate(source: ScriptSource, start: StartOptions, format: "text" | "json"): Promise<number> {
  const { engine, seconds, probes } = await estimate(source, start, tellMeasuring);
  const total = probes.reduce((sum, { share }) => sum + share, 0);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (format === "json") {
    for (const probe of probes) print(jsonLine("estimate", { engine, seconds, ...probe }));
    return 0;
  }
  const paint = palette(colorsWanted(process.stdout));
  const widest = Math.min(WIDEST, Math.max(5, ...probes.map(({ target }) => target.length)));
  print(paint.dim(`${padEnd("probe", widest)}  ${padStart("sites", 6)}  ${padStart("ns a hit", 9)}  ${padStart("hits/s", 11)}  of a CPU`));
  for (const { target, sites, ns, hitsPerSecond, share } of probes)
    print(
      `${padEnd(shorten(target, widest), widest)}  ${padStart(String(sites), 6)}  ${padStart(whole(ns), 9)}  ${padStart(whole(hitsPerSecond), 11)}  ${percent(share)}`,
    );
  if (probes.length > 1) print(`together ${percent(total)} of a CPU`);
  print(paint.dim(`engine ${engine}, counted for ${seconds.toFixed(1)} s`));
  return 0;
}
