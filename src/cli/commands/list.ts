/** `sonde list`: the places that a target names, without arming anything. */
import { basename } from "node:path";
import { chooseEngine } from "../../engines/choose.ts";
import { judge, type Verdict } from "../../engines/inline/client/plan.ts";
import { SondeError } from "../../errors/error.ts";
import { padEnd, padStart, shorten } from "../../output/columns.ts";
import { jsonLine } from "../../output/json.ts";
import { hexText } from "../../output/numbers.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { costModel } from "../../session/cost/calibrate.ts";
import type { CostModel } from "../../session/cost/model.ts";
import { resolveOrFetch } from "../../session/typed/fetch.ts";
import { declarationOf } from "../../session/typed/site-types.ts";
import { placeAll } from "../../symbols/place.ts";
import type { CostClass, Site, SourceSite } from "../../symbols/site.ts";
import { processIds } from "../process-names.ts";
import { tellMeasuring } from "../show-estimate.ts";
import { listTracepoints } from "./list-tracepoints.ts";
import { listUsdt } from "./list-usdt.ts";

export interface ListOptions {
  readonly process?: readonly string[];
  readonly verbose?: boolean;
  readonly exact?: boolean;
  readonly json?: boolean;
  /** The target is a static probe's; one of the kernel's. */
  readonly usdt?: boolean;
  readonly tracepoint?: boolean;
}

/** What a handler that reads arguments needs unchanged. */
const ARGUMENT_REGISTERS = new Set(["rdi", "rsi", "rdx", "rcx", "r8", "r9"] as const);
/** What a hit takes with a handler that does nothing: measured here, or, where that can't be, orders of magnitude on bare metal and in virtual machines. */
type Expected = { readonly [C in CostClass]: string };
const ANYWHERE: Expected = { emulated: "0.3–1.4 µs", stepped: "0.9–18 µs" };

async function expected(): Promise<{ readonly ns: CostModel["entry"] | undefined; readonly text: Expected; readonly measured: string }> {
  try {
    const { engine } = await chooseEngine("auto");
    const { entry } = await costModel(engine.name, tellMeasuring);
    const micro = (ns: number): string => `${(ns / 1000).toFixed(1)} µs`;
    return { ns: entry, text: { emulated: micro(entry.emulated), stepped: micro(entry.stepped) }, measured: `measured here, engine ${engine.name}` };
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
    return { ns: undefined, text: ANYWHERE, measured: `as usual, for it can't be measured here (${error.message})` };
  }
}

/** Why places cost different: of those classes that there are. */
const CLASSES: { readonly [C in CostClass]: string } = {
  emulated: "emulated: the kernel does the instruction's work itself",
  stepped: "stepped: the kernel can't do this instruction's work itself, and lets the processor execute a copy of it, by one more trap",
};

function legend(sites: readonly Site[], measured: string, print: (line: string) => void): void {
  const paint = palette(colorsWanted(process.stdout));
  print(paint.dim(`what a hit takes with an empty handler: ${measured}`));
  for (const cost of ["emulated", "stepped"] as const) if (sites.some((site) => site.cost === cost)) print(paint.dim(CLASSES[cost]));
}

/** `work+0x1b`; of what is inlined `area in work+0x2a`; of a source line with its file and number. */
function placeText({ name, delta, source }: Site): string {
  const plus = delta > 0 ? `+${hexText(delta)}` : "";
  const place = source?.in === undefined ? `${name}${plus}` : `${name} in ${source.in}${plus}`;
  return source === undefined || source.line === 0 || source.kind === "inlined" ? place : `${place} (${sourceText(source)})`;
}

const sourceText = ({ file, line, column }: SourceSite): string => `${file === undefined ? "?" : basename(file)}:${line}${column > 0 ? `:${column}` : ""}`;

function asJson(site: Site, verdict: Verdict | undefined, costs: CostModel["entry"] | undefined): string {
  const { source } = site;
  return jsonLine("site", {
    name: site.name,
    aliases: site.aliases,
    file: site.display,
    address: hexText(site.address),
    size: site.size,
    offset: site.offset,
    functionOffset: site.functionOffset,
    ...(source === undefined ? {} : { source: { kind: source.kind, file: source.file, line: source.line, column: source.column, in: source.in } }),
    ...(verdict === undefined ? {} : { declaration: declarationOf(site), jump: { entry: verdict.entry ?? true, returns: verdict.returns ?? true } }),
    instruction: site.instruction.text,
    bytes: site.instruction.bytes,
    cost: site.cost,
    ...(costs === undefined ? {} : { costNs: Math.round(costs[site.cost]) }),
  });
}

/** Whether the engine inline can arm a function, in words. */
function jumpText({ entry, returns }: Verdict): string {
  if (entry !== undefined) return `no jump: ${entry}`;
  return returns === undefined ? "a jump can be put here (--engine inline)" : `a jump can be put at the entry, not at a return: ${returns}`;
}

function table(sites: readonly Site[], costs: Expected | undefined, print: (line: string) => void): void {
  const verbose = costs !== undefined;
  const jumps = verbose ? judge(sites) : undefined;
  const paint = palette(colorsWanted(process.stdout));
  const widest = Math.min(
    48,
    sites.reduce((most, site) => Math.max(most, placeText(site).length), 8),
  );
  // What stands before the instruction: two columns of indent, and two between columns.
  const room = Math.max(8, (process.stdout.columns ?? Infinity) - (widest + (verbose ? 60 : 37)));
  let file = "";
  for (const site of sites) {
    if (site.display !== file) {
      file = site.display;
      print(paint.name(file));
      print(
        paint.dim(
          `  ${padEnd("function", widest)}  ${padStart("address", 12)}  ${padStart("size", 7)}  ${padEnd("cost", 8)}  ${verbose ? `${padEnd("probe at", 8)}  ${padEnd("a hit takes", 11)}  ` : ""}instruction`,
        ),
      );
    }
    const moved = site.offset - site.functionOffset;
    const where = verbose ? `${padEnd(`+${moved}`, 8)}  ${padEnd(costs[site.cost], 11)}  ` : "";
    const cost = (site.cost === "stepped" ? paint.warn : paint.bar)(padEnd(site.cost, 8));
    print(
      `  ${padEnd(placeText(site), widest)}  ${padStart(hexText(site.address), 12)}  ${padStart(String(site.size), 7)}  ${cost}  ${where}${shorten(site.instruction.text, room)}`,
    );
    if (!verbose) continue;
    const { source } = site;
    const declaration = declarationOf(site);
    const further = [
      ...(declaration === undefined ? [] : [declaration]),
      ...(source === undefined || source.line === 0 ? [] : [`at ${source.file ?? "?"}:${source.line}`]),
      jumpText(jumps!.get(site)!),
      ...(site.aliases.length > 0 ? [`also ${site.aliases.join(", ")}`] : []),
    ];
    for (const line of further) print(paint.dim(`    ${line}`));
  }
}

export async function list(target: string, options: ListOptions): Promise<number> {
  const pids = processIds(options.process ?? []);
  if (options.tracepoint === true) return listTracepoints(target, options);
  if (options.usdt === true) return listUsdt(target, pids, options);
  const { sites, notes } = await resolveOrFetch(target, { pids, mode: "entry" });
  const placed = placeAll(sites, { mode: "hit", exact: options.exact === true, reads: ARGUMENT_REGISTERS });
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const costs = options.verbose ? await expected() : undefined;
  const jumps = options.json && options.verbose ? judge(placed) : undefined;
  if (options.json) for (const site of placed) print(asJson(site, jumps?.get(site), costs?.ns));
  else {
    table(placed, costs?.text, print);
    if (costs !== undefined) legend(placed, costs.measured, print);
    if (placed.length > 1) print(`${placed.length} sites in ${[...new Set(placed.map((site) => basename(site.display)))].join(", ")}`);
  }
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  return 0;
}
