/** What stands between a use of a type and the type itself: typedefs and qualifiers. */
import { DW_AT, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";

/** Longest chain of types that refer to each other before it counts as a cycle. */
export const MAX_CHAIN = 64;

const QUALIFIERS: ReadonlySet<number> = new Set([
  DW_TAG.const_type,
  DW_TAG.volatile_type,
  DW_TAG.restrict_type,
  DW_TAG.atomic_type,
  DW_TAG.packed_type,
  DW_TAG.shared_type,
  DW_TAG.immutable_type,
]);
const ALIASES: ReadonlySet<number> = new Set([DW_TAG.typedef, DW_TAG.template_alias]);

/** A typedef of nothing is void, as is no type at all. */
export interface Stripped {
  readonly type: Entry | undefined;
  /** The name of the last typedef on the way: what an anonymous structure is called. */
  readonly alias: string | undefined;
  /** It goes in circles. */
  readonly cyclic?: true;
}

export const isQualifier = (entry: Entry): boolean => QUALIFIERS.has(entry.tag);
export const isAlias = (entry: Entry): boolean => ALIASES.has(entry.tag);

export function stripped(entry: Entry | undefined): Stripped {
  let alias: string | undefined;
  let type = entry;
  for (let steps = 0; type !== undefined; steps++) {
    if (ALIASES.has(type.tag)) alias = type.text(DW_AT.name) ?? alias;
    else if (!QUALIFIERS.has(type.tag)) break;
    if (steps > MAX_CHAIN) return { type: undefined, alias, cyclic: true };
    type = type.reference(DW_AT.type);
  }
  return { type, alias };
}

/** What a type, a member or a parameter says of its type. */
export const typeAttribute = (entry: Entry): Entry | undefined => entry.reference(DW_AT.type);

/** Of an array, from the outermost: how many elements, 0 if that isn't said or only known at run time. */
export function dimensions(array: Entry): readonly number[] {
  const result: number[] = [];
  for (const child of array.children()) {
    if (result.length >= 16) break;
    if (child.tag === DW_TAG.enumeration_type) {
      let count = 0;
      for (const one of child.children()) if (one.tag === DW_TAG.enumerator) count++;
      result.push(count);
    }
    if (child.tag !== DW_TAG.subrange_type && child.tag !== DW_TAG.generic_subrange) continue;
    const count = child.number(DW_AT.count);
    const upper = child.number(DW_AT.upper_bound);
    const length = count ?? (upper === undefined ? 0 : upper - (child.number(DW_AT.lower_bound) ?? 0) + 1);
    // -1 as an unsigned number is how some compilers write "no elements".
    result.push(Number.isSafeInteger(length) && length > 0 && length < 0xffff_ffff ? length : 0);
  }
  return result;
}
