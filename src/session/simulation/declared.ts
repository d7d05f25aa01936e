/** Targets of which this machine knows nothing have the types that declarations give them: `interface Functions` and the other registries. */
import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { HandlerHir } from "../../compiler/hir/types.ts";
import type { Signature } from "../../schema/ctypes.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import type { ProbeEntry } from "../probe.ts";
import type { CachedScript } from "../script/cache.ts";
import { codeFolder } from "../script/compile.ts";
import type { ScriptSource } from "../script/source.ts";
import { signatureOfPlace } from "../typed/site-types.ts";
import { usedTypes, usesAny } from "../typed/used-types.ts";
import { splitTarget, USDT_REGISTERS } from "./places.ts";

/** The home of somebody who has a tsconfig.json there may have any number of folders: those near the top are looked at. */
const MOST_FOLDERS = 5000;
const MERGES = /declare\s+module\s+["']sonde["']/;

type Registry = "Functions" | "Usdts" | "Tracepoints";
const REGISTRIES: { readonly [register: string]: Registry } = { uprobe: "Functions", uretprobe: "Functions", usdt: "Usdts", tracepoint: "Tracepoints" };

/** Gives the sites of the script's probes what is declared of them. TypeScript is loaded only if that is asked for and there is something to read. */
export async function declareSites(probes: ProbeEntry[], { unit, dependencies }: CachedScript, source: ScriptSource): Promise<void> {
  const handlers = new Map(unit.handlers.map((handler) => [handler.id, handler]));
  const wanting = [...probes.entries()].flatMap(([index, entry]) => {
    const handler = handlers.get(entry.registration.handler);
    return handler !== undefined && isWanting(handler, entry) ? { index, entry, registry: REGISTRIES[handler.register]! } : [];
  });
  if (wanting.length === 0) return;
  const ambient = declarationFiles(projectFolder(source.folder));
  if (ambient.length === 0 && !dependencies.some(([path]) => merges(path))) return;
  const { readDeclared } = await import("../../compiler/frontend/declared/signatures.ts");
  const declared = readDeclared({ path: source.path, text: source.text, ambient, readFile: textOf, cacheFolder: codeFolder() });
  for (const { index, entry, registry } of wanting) {
    const sites = entry.sites.map((site, i) => {
      const target = entry.targets[entry.from[i]!]!;
      const signature =
        declared.signatureOf(registry, target.trim()) ??
        declared.signatureOf(registry, registry === "Tracepoints" ? site.name : `${splitTarget(target).file}:${site.name}`);
      return signature === undefined ? site : withDeclared(site, signature);
    });
    probes[index] = { ...entry, sites };
  }
}

/** The handler uses what isn't known of one of the sites. */
function isWanting(handler: HandlerHir, entry: ProbeEntry): boolean {
  const registry = REGISTRIES[handler.register];
  const used = usedTypes(handler);
  if (registry === undefined || !usesAny(used)) return false;
  if (registry === "Functions") return entry.sites.some((site, i) => site.delta === 0 && signatureOfPlace(entry, i) === undefined);
  if (registry === "Tracepoints") return entry.sites.some(isMadeEvent);
  const { args } = used;
  return args !== "all" && entry.sites.some((_, i) => [...args].some((name) => !signatureOfPlace(entry, i)?.params.some((param) => param.name === name)));
}

/** A tracepoint that this kernel doesn't tell of. */
export const isMadeEvent = ({ event }: FunctionSite): boolean => event?.kind === "tracepoint" && event.id < 0;

function withDeclared(site: FunctionSite, signature: Signature): FunctionSite {
  if (site.usdt === undefined) return { ...site, declared: signature };
  const params = signature.params.slice(0, USDT_REGISTERS.length).map((param, i): Signature["params"][number] => ({
    ...param,
    number: i,
    place: { k: "registers", parts: [{ register: USDT_REGISTERS[i]!, offset: 0, size: 8 }] },
  }));
  return { ...site, usdt: { ...site.usdt, signature: { ...signature, params } } };
}

/** Where the nearest tsconfig.json is, else the script's own folder. */
function projectFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (has(at, "tsconfig.json")) return at;
    if (at === dirname(at)) return folder;
  }
}

const has = (folder: string, name: string): boolean => statSync(join(folder, name), { throwIfNoEntry: false }) !== undefined;

/** Declarations in and below a folder that are merged into the vocabulary; not those of packages and of projects inside. */
function declarationFiles(root: string): string[] {
  const found: string[] = [];
  const folders = [root];
  for (let i = 0; i < Math.min(folders.length, MOST_FOLDERS); i++) {
    const folder = folders[i]!;
    const entries = entriesOf(folder);
    if (i > 0 && entries.some(({ name }) => name === "tsconfig.json")) continue;
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== "node_modules" && !entry.name.startsWith(".")) folders.push(path);
      } else if (/\.d\.[mc]?ts$/.test(entry.name) && merges(path)) found.push(path);
    }
  }
  return found;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

const merges = (path: string): boolean => MERGES.test(textOf(path) ?? "");

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
