/** `sonde types BIN`: declarations of a program's functions and of the types that they lead to, from its debug information. */
import { basename } from "node:path";
import { DW_AT } from "../../dwarf/constants.ts";
import type { DebugInfo, Entry } from "../../dwarf/entry.ts";
import { functionAt } from "../../dwarf/function-at.ts";
import { instancesAt } from "../../dwarf/inlined.ts";
import { type SignatureOptions, signatureOf } from "../../dwarf/signature.ts";
import { StructTable } from "../../dwarf/types.ts";
import { definitionsIn } from "../../dwarf/types-definitions.ts";
import type { Unit } from "../../dwarf/units.ts";
import { readElf } from "../../elf/image.ts";
import { buildId } from "../../elf/notes.ts";
import { SondeError } from "../../errors/error.ts";
import { type DeclaredFunction, declarationsText } from "../../output/declarations/declarations.ts";
import { signatureOf as prototypeOf } from "../../prototypes/prototypes.ts";
import type { Signature } from "../../schema/ctypes.ts";
import { functionIndex } from "../../symbols/debug-files/index-cache.ts";
import { missingError, undescribedError } from "../../symbols/debug-files/missing.ts";
import { type OpenedDebugInfo, openOrFetchDebugInfo } from "../../symbols/debug-files/open.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { resolveTarget } from "../../symbols/resolve.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { resolveUsdt } from "../../symbols/usdt/resolve.ts";
import { staticSignature } from "../typed/site-types.ts";
import { targetKeys } from "./target-keys.ts";

export interface ProgramRequest {
  /** A path, or the name of a library or program. */
  readonly file: string;
  /** Names and wildcards, as behind the colon of a target; none: all functions. */
  readonly functions: readonly string[];
  /** What targets call the file; undefined: its name without folder and version. */
  readonly as: string | undefined;
  /** Pointers that are followed. */
  readonly depth: number;
  /** The command line that makes the file again. */
  readonly command: string;
}

export interface ProgramDeclarations {
  readonly text: string;
  /** What the user should know. */
  readonly notes: readonly string[];
}

/** Up to so many functions are looked for one by one; the index of all takes as long as some. */
const ONE_BY_ONE = 8;

/** Errors: those of targets (`SONDE_FILE_…`, `SONDE_ELF_…`, `SONDE_FUNCTION_…`), and `SONDE_DEBUG_INFO_MISSING`. */
export async function declareProgram({ file, functions, as = targetName(file), depth, command }: ProgramRequest): Promise<ProgramDeclarations> {
  const escaped = file.replaceAll(":", "\\:");
  const usdts = staticProbes(escaped, functions, as);
  const names = functions.filter((name) => !isStatic(name));
  if (functions.length > 0 && names.length === 0)
    return { text: declarationsText({ header: [`Written by \`${command}\` from the notes of ${file}.`], usdts, depth }), notes: [] };
  const resolved = (names.length === 0 ? ["*"] : names).map((name) => resolveTarget(`${escaped}:${name}`, { mode: "entry", unjudged: true }));
  // Of what is inlined one place is as good as another.
  const sites = new Map(resolved.flatMap((one) => one.sites).map((site) => [`${site.path} ${site.source === undefined ? site.address : site.name}`, site]));
  const [first] = sites.values();
  const source = new FileSource(first!.path, first!.display);
  try {
    const image = readElf(source);
    const opened = await openOrFetchDebugInfo(first!.path, image, { display: first!.display });
    if ("missing" in opened) {
      const lacking = missingError(opened.missing, opened.failures);
      if (usdts.length === 0) throw lacking;
      // Static probes say by themselves what they hand over.
      const text = declarationsText({ header: [`Written by \`${command}\` from the notes of ${first!.display}.`], usdts, depth });
      return { text, notes: [`functions are left out: ${lacking.message}`] };
    }
    const declared: DeclaredFunction[] = [];
    const lacking: string[] = [];
    const keys = targetKeys([...sites.values()].map(({ name }) => name));
    const signatureAt = signatures(opened, sites.size);
    for (const site of sites.values()) {
      const signature = site.path === first!.path ? signatureAt(site) : undefined;
      if (signature === undefined) lacking.push(site.name);
      else for (const key of keys.get(site.name) ?? []) declared.push({ target: `${as}:${key}`, signature });
    }
    if (declared.length === 0) throw undescribedError(first!.display, lacking, opened.split.missing);
    const shipped = declared.filter(({ target }) => prototypeOf(as, target.slice(as.length + 1)) !== undefined);
    const own = declared.filter((one) => !shipped.includes(one)).sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
    const id = buildId(image);
    const text = declarationsText({
      header: [`Written by \`${command}\` from the debug information of ${first!.display}${id === undefined ? "" : `, build-id ${id}`}.`],
      functions: own,
      usdts,
      depth,
    });
    const incomplete = opened.incomplete === undefined ? [] : [missingError(opened.incomplete, opened.failures).message];
    return { text, notes: [...incomplete, ...noteShipped(shipped.length, as), ...noteLacking(lacking)] };
  } finally {
    source.close();
  }
}

/** `provider:probe`, where a function's scopes would have two colons. */
const isStatic = (name: string): boolean => /^[^:]+:[^:]+$/.test(name);

/** Those that names of their form mean; without any names all that the file has. */
function staticProbes(escaped: string, names: readonly string[], as: string): DeclaredFunction[] {
  const wanted = names.filter(isStatic);
  const resolve = (name: string): readonly FunctionSite[] => resolveUsdt(`${escaped}:${name}`, []).sites;
  const sites = names.length === 0 ? (unlessNone(() => resolve("*:*")) ?? []) : wanted.flatMap(resolve);
  return sites
    .map((site) => ({ target: `${as}:${site.name}`, signature: staticSignature(site.name, site.usdt!) }))
    .sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
}

/** Undefined: the file has no static probes. */
function unlessNone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof SondeError && error.code === "SONDE_USDT_NONE") return undefined;
    throw error;
  }
}

/** "/usr/lib/libssl.so.3" → "libssl", "postgres-17" → "postgres": as scripts name a file that is found by its name. */
const targetName = (file: string): string =>
  basename(file)
    .replace(/\.so(?:\.[0-9.]+)?$/, "")
    .replace(/-\d[0-9.]*$/, "");

function signatures(opened: OpenedDebugInfo, count: number): (site: FunctionSite) => Signature | undefined {
  const { debug } = opened;
  const definitions = definitionsIn(debug);
  const tables = new Map<Unit, StructTable>();
  const index = count > ONE_BY_ONE ? functionIndex(opened) : undefined;
  return ({ name, symbol, address, delta, source }) => {
    const at = Number(address);
    const row = index?.at(at);
    const entry =
      source !== undefined
        ? inlinedAt(debug, at + delta, source.scope)
        : index === undefined
          ? functionAt(debug, at)
          : row === undefined || index.low(row) !== at
            ? undefined
            : index.entry(debug, row);
    return entry && shared(debug, entry, { definitions, symbol: symbol ?? name }, tables);
  };
}

/** The functions of a unit share the structures that they lead to, for as long as these are what each would have by itself. */
function shared(debug: DebugInfo, entry: Entry, options: SignatureOptions, tables: Map<Unit, StructTable>): Signature | undefined {
  const structs = tables.get(entry.unit) ?? new StructTable(options.definitions ?? definitionsIn(debug));
  tables.set(entry.unit, structs);
  if (structs.settled) {
    const signature = signatureOf(debug, entry, { ...options, structs });
    if (structs.settled) return signature;
  }
  return signatureOf(debug, entry, options);
}

/** What an inlined instance is one of: its parameters and result are the function's. */
function inlinedAt(debug: DebugInfo, address: number, key: number | undefined): Entry | undefined {
  const instance = instancesAt(debug, address).find((one) => one.key === key);
  return instance?.reference(DW_AT.abstract_origin);
}

const noteShipped = (count: number, as: string): string[] =>
  count === 0 ? [] : [`${count} ${count === 1 ? "function is" : "functions are"} left out: import "sonde/types/${as}" declares ${count === 1 ? "it" : "them"}`];

function noteLacking(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return [`not described by debug information, and left out: ${names.slice(0, 3).join(", ")}${more}`];
}
