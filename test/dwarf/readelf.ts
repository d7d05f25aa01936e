/** What binutils' readelf reads of debug information, to compare with. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface DumpedEntry {
  readonly offset: number;
  readonly depth: number;
  /** Where its unit begins. */
  readonly unit: number;
  /** "subprogram" */
  readonly tag: string;
  /** DW_AT_name without DW_AT_; as readelf shows the value. */
  readonly attributes: Map<string, string>;
}

const UNIT = /^\s*(?:Compilation|Type) Unit @ offset 0x([0-9a-f]+):/;
const ENTRY = /^\s*<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+ \(DW_TAG_(\w+)\)/;
const ATTRIBUTE = /^\s+<[0-9a-f]+>\s+DW_AT_(\w+)\s*:\s?(.*)$/;
/** "(indirect string, offset: 0x1c): text", "(alt indirect string, offset: 0x1c) text", "(indexed string: 0x3): text". */
const INDIRECT = /^\((?:alt )?(?:indirect|indexed)[^)]*\):? /;

/** All entries of .debug_info, or of .debug_info.dwo, one after the other. */
export async function* dump(path: string): AsyncGenerator<DumpedEntry> {
  const child = spawn("readelf", ["--debug-dump=info", path], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  let current: DumpedEntry | undefined;
  let unit = 0;
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    const entry = ENTRY.exec(line);
    if (entry !== null) {
      if (current !== undefined) yield current;
      current = { unit, depth: Number(entry[1]), offset: Number.parseInt(entry[2]!, 16), tag: entry[3]!, attributes: new Map() };
      continue;
    }
    const header = UNIT.exec(line);
    if (header !== null) unit = Number.parseInt(header[1]!, 16);
    const attribute = ATTRIBUTE.exec(line);
    if (attribute !== null) current?.attributes.set(attribute[1]!, attribute[2]!.replace(INDIRECT, "").trimEnd());
  }
  if (current !== undefined) yield current;
}

/** readelf's own abbreviations. */
const SHORT: { readonly [tag: string]: string } = { template_type_param: "template_type_parameter", template_value_param: "template_value_parameter" };
export const tagName = (tag: string): string => SHORT[tag] ?? tag;

/** The entry that an attribute refers to; undefined without it, and for one in another file. In the 64-bit format readelf shows it from the unit. */
export function referred({ attributes, unit }: DumpedEntry, attribute: string): number | undefined {
  const found = /^(<?)0x([0-9a-f]+)>?$/.exec(attributes.get(attribute) ?? "");
  if (found === null) return undefined;
  return Number.parseInt(found[2]!, 16) + (found[1] === "" ? unit : 0);
}
