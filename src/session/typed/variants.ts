/**
 * A handler is compiled once for all sites where what it uses is in the same places: an argument that one function has in
 * rdi and another one in rsi, or a variable that is in a register at one line and on the stack at the next, takes two.
 */
import type { HandlerHir } from "../../compiler/hir/types.ts";
import type { CPlace, CVariable, PlaceStep, RecordField, Signature } from "../../schema/ctypes.ts";
import type { ProbePlaces } from "../probe.ts";
import { commonOf } from "../signatures.ts";
import { type UsedTypes, usedTypes, usesAny } from "./used-types.ts";

export interface Variant {
  /** Indices into the probe's sites. */
  readonly sites: readonly number[];
  readonly signature: Signature | undefined;
  /** Of the sites, as linked, where the handler uses what lies at a fixed address in their file. */
  readonly address?: bigint | undefined;
  /** How far behind each of the sites a `ret` is, where the handler skips functions; "none": none was found. */
  readonly returnAt?: bigint | "none" | undefined;
}

/** At least one, also for a probe without sites. `signatureOf` takes an index into them. */
export function variantsOf(handler: HandlerHir, { sites }: Pick<ProbePlaces, "sites">, signatureOf: (site: number) => Signature | undefined): Variant[] {
  const all = sites.map((_, i) => i);
  const used = usedTypes(handler);
  if (!usesAny(used)) return [{ sites: all, signature: undefined }];
  const signatures = all.map(signatureOf);
  if (signatures.every((one) => one === undefined || !hasPlaces(one))) return [{ sites: all, signature: commonOf(signatures) }];
  const groups = new Map<string, { readonly sites: number[]; readonly address: bigint | undefined }>();
  for (const i of all) {
    const uses = signatures[i] && projected(signatures[i], used);
    const address = uses !== undefined && isFixed(uses) ? sites[i]!.address + BigInt(sites[i]!.delta) : undefined;
    const key = JSON.stringify([uses, address], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sites: [i], address });
    else group.sites.push(i);
  }
  return withAbsent([...groups.values()].map((group) => ({ ...group, signature: commonOf(group.sites.map((i) => signatures[i])) })));
}

/** What is nowhere at some of the sites is absent there, if it is somewhere at others. */
function withAbsent(variants: readonly Variant[]): Variant[] {
  const placed = (of: "params" | "variables") =>
    new Set(variants.flatMap(({ signature }) => (signature?.[of] ?? []).flatMap(({ name, place }) => (place === undefined || place.k === "none" ? [] : name))));
  const [params, variables] = [placed("params"), placed("variables")];
  return variants.map((variant) => {
    const { signature } = variant;
    if (signature === undefined) return variant;
    return {
      ...variant,
      signature: {
        ...signature,
        params: signature.params.map((one) => elsewhere(one, params)),
        ...(signature.variables === undefined ? {} : { variables: signature.variables.map((one) => elsewhere(one, variables)) }),
      },
    };
  });
}

const elsewhere = <T extends { readonly name: string; readonly place?: CPlace }>(one: T, placed: ReadonlySet<string>): T =>
  one.place?.k === "none" && placed.has(one.name) ? { ...one, place: { ...one.place, elsewhere: true } } : one;

const hasPlaces = ({ params, retPlace, variables, record }: Signature): boolean =>
  record !== undefined || retPlace !== undefined || variables !== undefined || params.some(({ place }) => place !== undefined);

/** What of a signature matters to a handler. */
interface Projected {
  readonly params: Signature["params"];
  readonly ret: { readonly type: Signature["ret"]; readonly place: CPlace | undefined } | undefined;
  readonly variables: readonly CVariable[] | undefined;
  readonly record: readonly RecordField[] | undefined;
}

function projected({ params, ret, retPlace, variables, record }: Signature, used: UsedTypes): Projected {
  const { args, vars } = used;
  const placed = params.every(({ place }) => place !== undefined);
  return {
    params: args === "all" || (!placed && args.size > 0) ? params : params.filter(({ name }) => args.has(name)),
    ret: used.ret ? { type: ret, place: retPlace } : undefined,
    record: args === "all" ? record : record?.filter(({ name }) => args.has(name)),
    variables: vars === "all" ? variables : variables?.filter(({ name }) => vars.has(name)),
  };
}

/** Whether something lies at a fixed address in the file. */
function isFixed({ params, ret, variables }: Projected): boolean {
  const places = [...params, ...(variables ?? [])].map(({ place }) => place).concat(ret?.place ?? []);
  return places.some((place) => stepsOf(place).some(({ op }) => op === "address"));
}

const stepsOf = (place: CPlace | undefined): readonly PlaceStep[] =>
  place?.k === "memory" ? place.address : place?.k === "value" ? place.steps : place?.k === "pieces" ? place.parts.flatMap((part) => stepsOf(part.place)) : [];
