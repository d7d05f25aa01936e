/**
 * A handler is compiled once for all sites where what it uses is in the same places: an argument that one function has in
 * rdi and another one in rsi, or a variable that is in a register at one line and on the stack at the next, takes two.
 */
import type { HandlerHir } from "../../compiler/hir/types.ts";
import type { Signature } from "../../schema/ctypes.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import type { ProbePlaces } from "../probe.ts";
import { commonOf } from "../signatures.ts";
import { type UsedTypes, usedTypes, usesAny } from "./used-types.ts";

export type SignatureOfSite = (file: string, site: FunctionSite) => Signature | undefined;

export interface Variant {
  /** Indices into the probe's sites. */
  readonly sites: readonly number[];
  readonly signature: Signature | undefined;
}

/** At least one, also for a probe without sites. `fileOf` gives the file as a site's target names it. */
export function variantsOf(
  handler: HandlerHir,
  { sites }: Pick<ProbePlaces, "sites">,
  fileOf: (site: number) => string,
  signatureOf: SignatureOfSite,
): Variant[] {
  const all = sites.map((_, i) => i);
  const used = usedTypes(handler);
  if (!usesAny(used)) return [{ sites: all, signature: undefined }];
  const signatures = sites.map((site, i) => signatureOf(fileOf(i), site));
  if (signatures.every((one) => one === undefined || !hasPlaces(one))) return [{ sites: all, signature: commonOf(signatures) }];
  const groups = new Map<string, number[]>();
  for (const i of all) {
    const key = JSON.stringify(signatures[i] && projected(signatures[i], used), (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  return [...groups.values()].map((group) => ({ sites: group, signature: commonOf(group.map((i) => signatures[i])) }));
}

const hasPlaces = ({ params, retPlace, variables }: Signature): boolean =>
  retPlace !== undefined || variables !== undefined || params.some(({ place }) => place !== undefined);

/** What of a signature matters to the handler. */
function projected({ params, ret, retPlace, variables }: Signature, used: UsedTypes): unknown {
  const { args, vars } = used;
  const placed = params.every(({ place }) => place !== undefined);
  return {
    params: args === "all" || (!placed && args.size > 0) ? params : params.filter(({ name }) => args.has(name)),
    ret: used.ret ? [ret, retPlace] : undefined,
    variables: vars === "all" ? variables : variables?.filter(({ name }) => vars.has(name)),
  };
}
