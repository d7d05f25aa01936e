/** What is known of the parameters and the result of a probe's functions: where it has several, what they share. */
import { signatureOf } from "../prototypes/prototypes.ts";
import type { Signature } from "../schema/ctypes.ts";
import { parseTarget } from "../symbols/target.ts";
import type { ProbeEntry } from "./probe.ts";

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Parameters up to the first that differs in name, type or place; the result if it is the same. */
function shared(a: Signature, b: Signature): Signature {
  const end = a.params.findIndex((param, i) => !sameParam(param, b.params[i]));
  return {
    params: end < 0 ? a.params : a.params.slice(0, end),
    ret: same(a.ret, b.ret) ? a.ret : { k: "int", name: "i64" },
    structs: { ...a.structs, ...b.structs },
  };
}

const sameParam = (a: Signature["params"][number], b: Signature["params"][number] | undefined): boolean =>
  b !== undefined && a.name === b.name && same(a.type, b.type);

/** What of a probe tells its functions: the sites' names, and the target that each comes from. */
export interface NamedFunctions extends Pick<ProbeEntry, "targets" | "from"> {
  readonly sites: readonly Pick<ProbeEntry["sites"][number], "name" | "aliases">[];
}

export function commonSignature(entry: NamedFunctions): Signature | undefined {
  let common: Signature | undefined;
  const seen = new Set<string>();
  for (const [i, site] of entry.sites.entries()) {
    const file = parseTarget(entry.targets[entry.from[i]!]!).file;
    const key = `${file}:${site.name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const names = [site.name, ...site.aliases];
    const signature = names.map((name) => signatureOf(file, name)).find((one) => one !== undefined);
    if (signature === undefined) return undefined;
    common = common === undefined ? signature : shared(common, signature);
  }
  return common;
}
