/** Enumerations: C's, C++'s `enum class`, Rust's without data. */
import type { CType } from "../schema/ctypes.ts";
import { DW_AT, DW_ATE, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { qualifiedName } from "./type-names.ts";
import { stripped, typeAttribute } from "./types-strip.ts";

type Enum = Extract<CType, { k: "enum" }>;
/** Names beyond these are left out: their values are shown as numbers. */
const MAX_NAMES = 10_000;

const isEnumSize = (size: number): size is Enum["size"] => size === 1 || size === 2 || size === 4 || size === 8;
const SIGNED: ReadonlySet<number> = new Set([DW_ATE.signed, DW_ATE.signed_char]);

/** @param names with their values, which may be of any sign and are brought to the size's range */
export function enumOf(size: number, signed: boolean, names: readonly (readonly [string, bigint])[]): Enum | undefined {
  if (!isEnumSize(size)) return undefined;
  const wrap = signed ? BigInt.asIntN : BigInt.asUintN;
  return { k: "enum", size, signed, names: names.map(([name, value]) => [name, wrap(8 * size, value)] as const) };
}

/**
 * Undefined if it has a size that no integer has. It is signed as its underlying type is, or if a value is negative.
 * @param alias the typedef that it is used by, which names it if it has no tag
 */
export function enumType(entry: Entry, alias: string | undefined): Enum | undefined {
  const underlying = stripped(typeAttribute(entry)).type;
  const names: [string, bigint][] = [];
  for (const child of entry.children()) {
    if (names.length >= MAX_NAMES) break;
    const value = child.tag === DW_TAG.enumerator ? child.big(DW_AT.const_value) : undefined;
    if (value !== undefined && child.name !== undefined) names.push([child.name, value]);
  }
  const encoding = underlying?.number(DW_AT.encoding) ?? entry.number(DW_AT.encoding);
  const signed = encoding === undefined ? names.some(([, value]) => value < 0n) : SIGNED.has(encoding);
  const plain = enumOf(entry.number(DW_AT.byte_size) ?? underlying?.number(DW_AT.byte_size) ?? 4, signed, names);
  const name = qualifiedName(entry) || alias;
  return plain && name ? { ...plain, name } : plain;
}
