/**
 * Where Go ≥ 1.17 passes parameters and results on amd64: ABIInternal, cmd/compile/abi-internal.md of Go's sources. Places
 * hold at the function's first instruction (parameters) and at each of its `ret` instructions (results).
 */
import { GO_INTEGERS } from "../schema/convention.ts";
import type { CPlace, PlaceRegister } from "../schema/ctypes.ts";
import { type AbiType, align, at, none } from "./abi.ts";

const FLOATS = 15;

/**
 * Places of the parameters (the receiver first) and of the results. What doesn't fit into registers whole is on the
 * stack, above the return address: first parameters, then results.
 * @param registers false for Go before 1.17, which has everything on the stack
 */
export function goPlaces(params: readonly AbiType[], results: readonly AbiType[], registers = true): { readonly params: CPlace[]; readonly results: CPlace[] } {
  let stack = 8;
  const assign = (types: readonly AbiType[]): CPlace[] => {
    let integers = 0;
    let floats = 0;
    let lost: string | undefined;
    const places = types.map((type): CPlace => {
      lost ??= type.unclear && `how ${type.unclear} is passed isn't known`;
      if (lost !== undefined) return none(lost);
      const parts: { register: PlaceRegister; offset: number; size: number }[] = [];
      let i = integers;
      let f = floats;
      let fits = registers && type.size > 0 && type.leaves !== undefined;
      for (const { kind, offset, size } of type.leaves ?? []) {
        if (kind === "float" && f < FLOATS) parts.push({ register: `xmm${f++}`, offset, size });
        else if (kind === "integer" && size <= 8 && i < GO_INTEGERS.length) parts.push({ register: GO_INTEGERS[i++]!, offset, size });
        else fits = false;
      }
      if (fits) {
        integers = i;
        floats = f;
        return { k: "registers", parts };
      }
      stack = align(stack, type.align);
      const place: CPlace = type.size === 0 ? { k: "registers", parts: [] } : at("rsp", stack);
      stack += type.size;
      return place;
    });
    stack = align(stack, 8);
    return places;
  };
  return { params: assign(params), results: assign(results) };
}
