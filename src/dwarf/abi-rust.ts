/**
 * Where rustc passes parameters and results of functions that aren't `extern "C"`, on x86-64. The convention has no
 * specification: this is what `fn_abi_adjust_for_abi` (compiler/rustc_ty_utils/src/abi.rs) does. A type of one or two scalars
 * is passed as these; another one of up to 8 bytes as an integer; larger ones by their address.
 */
import type { CPlace, PlaceRegister } from "../schema/ctypes.ts";
import { type AbiLeaf, type AbiType, address, argumentsOf, at, none, resultPlace, scalar } from "./abi.ts";

const alignTo = (value: number, to: number): number => Math.ceil(value / to) * to;

/** A type's scalars if rustc handles it as one or two of them, else undefined. Variants that agree in theirs count once. */
function scalars(type: AbiType): readonly AbiLeaf[] | undefined {
  if (type.leaves === undefined) return undefined;
  const distinct = new Map(type.leaves.map((leaf) => [`${leaf.kind} ${leaf.offset} ${leaf.size}`, leaf]));
  const [a, b, c] = [...distinct.values()].sort((x, y) => x.offset - y.offset);
  if (a === undefined || c !== undefined || a.offset !== 0) return undefined;
  if (b === undefined) return a.size === type.size ? [a] : undefined;
  const larger = Math.max(a.size, b.size);
  return b.offset === alignTo(a.size, b.size) && type.size === alignTo(b.offset + b.size, larger) ? [a, b] : undefined;
}

/**
 * Whether a result of 9 to 16 bytes that isn't one or two scalars comes back in memory; undefined: not known. rustc 1.63 and 1.95 were
 * seen to do so; versions between them have had other rules.
 */
const smallInMemory = (version: number | undefined): true | undefined => (version !== undefined && (version <= 63 || version >= 95) ? true : undefined);

/** Two scalars that were passed one after the other, as one value. */
function joined(a: CPlace, b: CPlace, offset: number): CPlace {
  if (a.k === "registers" && b.k === "registers") return { k: "registers", parts: [...a.parts, ...b.parts.map((part) => ({ ...part, offset }))] };
  const [low] = a.k === "memory" ? a.address : [];
  const [high] = b.k === "memory" ? b.address : [];
  if (low?.op === "register" && high?.op === "register" && high.plus - low.plus === BigInt(offset)) return a;
  return none("its two halves are in different places");
}

/** Whether one integer register takes it: itself, or its address. */
export function inOneRegister(type: AbiType): boolean {
  const parts = scalars(type);
  return parts === undefined ? type.size > 0 && type.unclear === undefined : parts.length === 1 && parts[0]!.kind === "integer" && type.size <= 8;
}

/**
 * @param version rustc's: 95 for 1.95
 * @param before what is passed before the parameters
 */
export function rustPlaces(
  params: readonly AbiType[],
  ret: AbiType,
  version: number | undefined,
  before: readonly AbiType[] = [],
): { readonly params: CPlace[]; readonly ret: CPlace } {
  const result = scalars(ret);
  const inMemory = result !== undefined || ret.size <= 8 ? false : ret.size > 16 || smallInMemory(version);
  const unclear = ret.unclear ?? (inMemory === undefined ? "a structure of 9 to 16 bytes in this version of rustc" : undefined);
  const hidden = unclear === undefined && inMemory === true;
  const args = argumentsOf(hidden);
  let lost = unclear && `how the function's result, ${unclear}, is returned isn't known`;
  const places = [...before, ...params].map((type): CPlace => {
    lost ??= type.unclear && `how ${type.unclear} is passed isn't known`;
    if (lost !== undefined) return none(lost);
    if (type.size === 0) return { k: "registers", parts: [] };
    const parts = scalars(type);
    if (parts?.some((part) => part.kind !== "integer" && part.kind !== "float")) {
      lost = "how vectors are passed isn't known";
      return none(lost);
    }
    const [a, b] = parts ?? [];
    if (a !== undefined) {
      const first = args.next(scalar(a));
      return b === undefined ? first : joined(first, args.next(scalar(b)), b.offset);
    }
    if (type.size <= 8) return args.next({ ...type, align: 8, leaves: [{ kind: "integer", offset: 0, size: type.size, bits: true }] });
    const place = args.next(address);
    if (place.k !== "memory") return place.k === "registers" ? at(place.parts[0]!.register) : place;
    return { k: "memory", address: [...place.address, { op: "read", size: 8 }] };
  });
  return { params: places.slice(before.length), ret: resultOf(ret, result, hidden, unclear) };
}

function resultOf(ret: AbiType, parts: readonly AbiLeaf[] | undefined, hidden: boolean, unclear: string | undefined): CPlace {
  if (unclear !== undefined) return none(`how ${unclear} is returned isn't known`);
  if (hidden) return at("rax");
  if (ret.size === 0) return { k: "registers", parts: [] };
  if (parts === undefined) return resultPlace({ ...ret, leaves: [{ kind: "integer", offset: 0, size: ret.size, bits: true }] });
  const integers: PlaceRegister[] = ["rax", "rdx"];
  const vectors: PlaceRegister[] = ["xmm0", "xmm1"];
  const found: { register: PlaceRegister; offset: number; size: number }[] = [];
  for (const { kind, offset, size } of parts) {
    for (let done = 0; done < size; done += 8) {
      const register = (kind === "float" ? vectors : integers).shift();
      if (register === undefined || (kind !== "float" && kind !== "integer")) return none("it is in registers that aren't read");
      found.push({ register, offset: offset + done, size: Math.min(8, size - done) });
    }
  }
  return { k: "registers", parts: found };
}
