/** `sonde list --tracepoint`: the kernel's tracepoints, with the fields of their records. */
import { padEnd } from "../../output/columns.ts";
import { jsonLine } from "../../output/json.ts";
import { colorsWanted, palette } from "../../output/palette.ts";
import { typeText } from "../../output/type-text.ts";
import type { RecordField } from "../../schema/ctypes.ts";
import { recordSignature, resolveTracepoint } from "../../symbols/kernel/events.ts";

const fieldText = ({ name, type }: RecordField): string => `${name}: ${type === "text" ? "text" : typeText(type)}`;

/** `verbose`: a line for each field. */
export function listTracepoints(target: string, options: { readonly verbose?: boolean; readonly json?: boolean }): number {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const paint = palette(colorsWanted(process.stdout));
  const { sites } = resolveTracepoint(target);
  const widest = Math.min(40, Math.max(...sites.map(({ name }) => name.length)));
  for (const site of sites) {
    const fields = recordSignature(site).record ?? [];
    if (options.json === true) {
      print(jsonLine("tracepoint", { name: site.name, fields: fields.map(({ name, type }) => ({ name, type: type === "text" ? "text" : typeText(type) })) }));
    } else if (options.verbose === true) {
      print(paint.name(site.name));
      for (const field of fields) print(`  ${fieldText(field)}`);
    } else print(`${padEnd(site.name, widest)}  ${paint.dim(fields.map(fieldText).join(", "))}`);
  }
  return 0;
}
