/** Where a function is inlined: probed beside its own code, for a call there is a call. */
import type { Entry } from "../dwarf/entry.ts";
import type { FunctionIndex } from "../dwarf/index.ts";
import { instancesAt } from "../dwarf/inlined.ts";
import { lineAt } from "../dwarf/lines.ts";
import { unlessRefused } from "../errors/unless-refused.ts";
import { functionIndex } from "./debug-files/index-cache.ts";
import { type OpenedDebugInfo, openDebugInfo } from "./debug-files/open.ts";
import { enclosing } from "./line-sites.ts";
import { demangle } from "./names/demangle.ts";
import { formsOf, formsOfDemangled, WantedName } from "./names/forms.ts";
import { type OpenFile, siteOf } from "./open-file.ts";
import type { FunctionSite } from "./site.ts";
import type { FunctionEntry } from "./symbol-index.ts";

/** More than anybody would probe. */
const MOST_PLACES = 1 << 16;

export interface FoundByDebugInfo {
  /** Code of the function that no symbol of its name tells of: a variant that the compiler has made for some of its callers. */
  readonly entries: readonly FunctionEntry[];
  readonly inlined: readonly FunctionSite[];
}

const NOTHING: FoundByDebugInfo = { entries: [], inlined: [] };

/**
 * What the debug information knows of a function, beside the symbols that were found. Debug information that is missing or
 * can't be read gives nothing: the symbols do.
 */
export function byDebugInfo(file: OpenFile, name: string, symbols: readonly FunctionEntry[]): FoundByDebugInfo {
  const found = unlessRefused(() => {
    const opened = openDebugInfo(file.path, file.image, { display: file.display });
    return "missing" in opened ? undefined : search(file, opened, name, symbols);
  });
  return found ?? NOTHING;
}

function search(file: OpenFile, opened: OpenedDebugInfo, name: string, symbols: readonly FunctionEntry[]): FoundByDebugInfo {
  const index = functionIndex(opened);
  const rows = rowsOf(index, name, symbols);
  const known = new Set(symbols.map(({ address }) => address));
  const entries: FunctionEntry[] = [];
  const inlined = new Map<number, FunctionSite>();
  for (const row of rows) {
    const low = index.low(row);
    const entry = low === undefined || known.has(low) ? undefined : enclosing(file, low);
    if (entry !== undefined && entry.address === low) {
      known.add(low);
      // The compiler calls it f.constprop.0.
      const own = symbols[0]?.name ?? nameOf(index, row);
      entries.push(own === entry.name ? entry : { ...entry, name: own, symbol: entry.symbol ?? entry.name, aliases: [entry.name, ...entry.aliases] });
    }
    for (const address of index.inlined(row)) {
      if (inlined.has(address) || inlined.size >= MOST_PLACES) continue;
      const site = siteAt(file, opened, address, symbols[0]?.name ?? nameOf(index, row));
      if (site !== undefined) inlined.set(address, site);
    }
  }
  return { entries, inlined: [...inlined.values()].sort((a, b) => Number(a.address) + a.delta - Number(b.address) - b.delta) };
}

function siteAt(file: OpenFile, { debug }: OpenedDebugInfo, address: number, name: string): FunctionSite | undefined {
  const entry = enclosing(file, address);
  if (entry === undefined) return undefined;
  // Another function's copy may begin at the same instruction.
  const instances = instancesAt(debug, address);
  const instance = instances.find((one) => isCalled(one, name)) ?? instances[0];
  const place = lineAt(debug, address);
  return siteOf(file, entry, address - entry.address, {
    kind: "inlined",
    name,
    file: place?.file,
    line: place?.line ?? 0,
    column: place?.column ?? 0,
    in: entry.name,
    scope: instance?.key,
  });
}

function isCalled({ name, linkageName }: Entry, wanted: string): boolean {
  return name === wanted || linkageName === wanted || (linkageName !== undefined && demangle(linkageName)?.text === wanted);
}

/** Rows of the function's instances, and of what they are instances of. */
function rowsOf(index: FunctionIndex, name: string, symbols: readonly FunctionEntry[]): ReadonlySet<number> {
  const wanted = new WantedName(name);
  const last = wanted.forms.bare.split("::").at(-1) ?? name;
  const linked = [name, ...symbols.flatMap(({ symbol }) => symbol ?? [])].flatMap((one) => index.linked(one));
  const named = [...new Set([...index.named(name), ...index.named(last)])].filter((row) => linked.includes(row) || isWanted(index, row, wanted, name));
  const rows = new Set([...linked, ...named]);
  for (const row of [...rows]) {
    const origin = index.origin(row);
    if (origin !== undefined) rows.add(origin);
  }
  return rows;
}

function isWanted(index: FunctionIndex, row: number, wanted: WantedName, name: string): boolean {
  const linkage = index.linkageName(row);
  const demangled = linkage === undefined ? undefined : demangle(linkage);
  // rustc's usual symbols call every closure of a function the same: `{{closure}}`.
  if (demangled !== undefined) return wanted.fit(formsOfDemangled(demangled)) > 0 || qualified(index, row) === name;
  return linkage === name || qualified(index, row) === name || wanted.fit(formsOf(qualified(index, row))) > 0;
}

function qualified(index: FunctionIndex, row: number): string {
  const scope = index.scope(row);
  return scope === undefined ? index.name(row) : `${scope}::${index.name(row)}`;
}

function nameOf(index: FunctionIndex, row: number): string {
  const linkage = index.linkageName(row);
  return (linkage === undefined ? undefined : demangle(linkage)?.text) ?? qualified(index, row);
}
