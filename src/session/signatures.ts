/** What is known of the parameters and the result of a probe's functions: where it has several, what they share. */
import { signatureOf } from "../prototypes/prototypes.ts";
import type { Signature } from "../schema/ctypes.ts";
import { parseTarget } from "../symbols/target.ts";
import type { ProbeEntry } from "./probe.ts";

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Stands where a parameter isn't the same: nobody can name it, but it takes its register. */
const UNNAMED = "";

/**
 * The parameters that have name, type and place in common; the result if it is the same. A float isn't in a register
 * of the others' row, so behind a place where only one has a float nothing is in the same place.
 */
function shared(a: Signature, b: Signature): Signature {
  const params: Signature["params"][number][] = [];
  for (const [i, param] of a.params.entries()) {
    const other = b.params[i];
    if (other === undefined || (param.type.k === "float") !== (other.type.k === "float")) break;
    params.push(sameParam(param, other) ? param : { name: UNNAMED, type: param.type });
  }
  return {
    params,
    ret: same(a.ret, b.ret) ? a.ret : { k: "int", name: "i64" },
    structs: { ...a.structs, ...b.structs },
  };
}

const sameParam = (a: Signature["params"][number], b: Signature["params"][number]): boolean => a.name === b.name && same(a.type, b.type);

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
