/** `sonde list --usdt`: static probes, with the types of their arguments. */
import { basename } from "node:path";
import { padEnd, padStart } from "../../output/columns.ts";
import { jsonLine } from "../../output/json.ts";
import { hexText } from "../../output/numbers.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { typeText } from "../../output/type-text.ts";
import { staticSignature } from "../../session/typed/site-types.ts";
import type { FunctionSite, StaticProbe } from "../../symbols/site.ts";
import { resolveUsdt } from "../../symbols/usdt/resolve.ts";

/** `arg0: i32, arg1: u64`; of one that can't be read also why. */
const argumentsText = (name: string, probe: StaticProbe): string =>
  staticSignature(name, probe)
    .params.map(({ name, type, place }) => `${name}: ${typeText(type)}${place?.k === "none" ? ` (${place.why})` : ""}`)
    .join(", ");

function asJson({ name, display, address, functionOffset, usdt }: FunctionSite): string {
  return jsonLine("static-probe", {
    name,
    file: display,
    address: hexText(address),
    offset: functionOffset,
    semaphore: usdt?.semaphore && hexText(usdt.semaphore.address),
    arguments:
      usdt &&
      staticSignature(name, usdt).params.map((param) => ({
        name: param.name,
        type: typeText(param.type),
        ...(param.place?.k === "none" ? { unreadable: param.place.why } : {}),
      })),
  });
}

/** `verbose`: each of the places that a probe has. */
export function listUsdt(target: string, pids: readonly number[], options: { readonly verbose?: boolean; readonly json?: boolean }): number {
  const { sites, notes } = resolveUsdt(target, pids);
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (options.json) for (const site of sites) print(asJson(site));
  else table(sites, options.verbose === true, print);
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  return 0;
}

function table(sites: readonly FunctionSite[], verbose: boolean, print: (line: string) => void): void {
  const paint = palette(colorsWanted(process.stdout));
  const widest = Math.min(48, Math.max(5, ...sites.map(({ name }) => name.length)));
  const byProbe = new Map<string, FunctionSite[]>();
  for (const site of sites) {
    const key = `${site.display}\0${site.name}`;
    byProbe.set(key, [...(byProbe.get(key) ?? []), site]);
  }
  let file = "";
  for (const places of byProbe.values()) {
    const [first] = places as [FunctionSite];
    if (first.display !== file) {
      file = first.display;
      print(paint.name(file));
      print(paint.dim(`  ${padEnd("probe", widest)}  ${padStart("places", 6)}  ${padEnd("semaphore", 9)}  arguments`));
    }
    const semaphore = places.some(({ usdt }) => usdt?.semaphore !== undefined) ? "yes" : "";
    print(
      `  ${padEnd(first.name, widest)}  ${padStart(String(places.length), 6)}  ${padEnd(semaphore, 9)}  ${argumentsText(first.name, first.usdt as StaticProbe)}`,
    );
    if (verbose) for (const { name, address, usdt } of places) print(paint.dim(`    at ${hexText(address)}  ${argumentsText(name, usdt as StaticProbe)}`));
  }
  if (byProbe.size > 1) print(`${byProbe.size} static probes in ${[...new Set(sites.map((site) => basename(site.display)))].join(", ")}`);
}
