/** What is known of the parameters and the result of a probe's functions: where it has several, what they share. */
import { signatureOf } from "../prototypes/prototypes.ts";
import type { CVariable, RecordField, Signature } from "../schema/ctypes.ts";
import { parseTarget } from "../symbols/target.ts";
import type { ProbeEntry } from "./probe.ts";

const plain = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a, plain) === JSON.stringify(b, plain);

type Param = Signature["params"][number];

/** Stands where a parameter isn't the same: nobody can name it, but it takes its register. */
const UNNAMED = "";

/**
 * The parameters that have name, type and place in common; the result if it is the same. A float isn't in a register
 * of the others' row, so behind a place where only one has a float nothing is in the same place.
 */
function shared(a: Signature, b: Signature): Signature {
  const sameRet = same(a.ret, b.ret) && same(a.retPlace, b.retPlace);
  return {
    params: isPlaced(a) && isPlaced(b) ? a.params.map((param) => sharedByName(param, b)) : sharedInOrder(a, b),
    ret: sameRet ? a.ret : { k: "int", name: "i64" },
    ...(sameRet && a.retPlace !== undefined ? { retPlace: a.retPlace } : {}),
    ...(a.variables !== undefined && b.variables !== undefined ? { variables: sharedVariables(a.variables, b.variables) } : {}),
    ...(a.record !== undefined && b.record !== undefined ? { record: sharedFields(a.record, b.record) } : {}),
    // The kernel's are the same for all of its tracepoints, and many.
    structs: a.structs === b.structs ? a.structs : { ...a.structs, ...b.structs },
  };
}

function sharedVariables(a: readonly CVariable[], b: readonly CVariable[]): CVariable[] {
  const others = new Map(b.map((one) => [one.name, one]));
  return a.filter((one) => same(one, others.get(one.name)));
}

function sharedFields(a: readonly RecordField[], b: readonly RecordField[]): RecordField[] {
  const others = new Map(b.map((one) => [one.name, one]));
  return a.filter((one) => same(one, others.get(one.name)));
}

const isPlaced = ({ params }: Signature): boolean => params.every(({ place }) => place !== undefined);

function sharedByName(param: Param, { params }: Signature): Param {
  const other = params.find(({ name }) => name === param.name);
  return other !== undefined && same(param, other) ? param : { ...param, name: UNNAMED };
}

function sharedInOrder(a: Signature, b: Signature): Param[] {
  const params: Param[] = [];
  for (const [i, param] of a.params.entries()) {
    const other = b.params[i];
    if (other === undefined || (param.type.k === "float") !== (other.type.k === "float")) break;
    params.push(same(param, other) ? param : { name: UNNAMED, type: param.type });
  }
  return params;
}

/** What they share; undefined where of one nothing is known. */
export function commonOf(signatures: readonly (Signature | undefined)[]): Signature | undefined {
  let common: Signature | undefined;
  for (const one of signatures) {
    if (one === undefined) return undefined;
    common = common === undefined || common === one ? one : shared(common, one);
  }
  return common;
}

/** What of a probe tells its functions: the sites' names, and the target that each comes from. */
export interface NamedFunctions extends Pick<ProbeEntry, "targets" | "from"> {
  readonly sites: readonly Pick<ProbeEntry["sites"][number], "name" | "aliases">[];
}

/** The file as the target names it that a function's site comes from. */
export const fileOfSite = ({ targets, from }: Pick<NamedFunctions, "targets" | "from">, site: number): string => parseTarget(targets[from[site]!]!).file;

/** What is shipped of a function. */
export function prototypeOf(file: string, { name, aliases }: Pick<ProbeEntry["sites"][number], "name" | "aliases">): Signature | undefined {
  for (const each of [name, ...aliases]) {
    const signature = signatureOf(file, each);
    if (signature !== undefined) return signature;
  }
  return undefined;
}

export function commonSignature(entry: NamedFunctions): Signature | undefined {
  const signatures = new Map<string, Signature | undefined>();
  for (const [i, site] of entry.sites.entries()) {
    const file = fileOfSite(entry, i);
    const key = `${file}:${site.name}`;
    if (!signatures.has(key)) signatures.set(key, prototypeOf(file, site));
  }
  return commonOf([...signatures.values()]);
}
