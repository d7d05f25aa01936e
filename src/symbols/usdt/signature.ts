/** The arguments of a static probe, from the operands in its note. */
import type { CType, Signature } from "../../schema/ctypes.ts";
import { type AddressesOf, type OperandSize, placeOfOperand } from "./operand.ts";

/** More than sys/sdt.h writes. */
const MOST_ARGUMENTS = 12;
type Param = Signature["params"][number];

/**
 * One parameter for each operand, named arg0 to arg11; further ones are left out. One that can't be read has no place, with
 * the reason. Sites of one probe have different signatures where their operands are different texts.
 *
 *     8@%rax -4@-20(%rbp) 1@$7 8f@%xmm0      bytes, negative for signed numbers, f for floats @ operand
 *
 * One without a size is an address or another word, as gdb takes it.
 * Source: https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 */
export function usdtSignature(operands: string, addressesOf: AddressesOf): Signature {
  const params = splitOperands(operands).map((text, i) => parameter(`arg${i}`, text, addressesOf));
  return { params, ret: { k: "void" }, structs: {} };
}

const SIZED = /^(-?)(\d{1,9})(f?)@/;

/** At white space, but for that inside an operand. */
function splitOperands(text: string): string[] {
  const found: string[] = [];
  let open = false;
  for (const word of text.split(/\s+/)) {
    if (word === "") continue;
    const starts = SIZED.test(word) || !open;
    if (starts && found.length === MOST_ARGUMENTS) break;
    if (starts) found.push(word);
    else found[found.length - 1] += word;
    open = word.lastIndexOf("(") > word.lastIndexOf(")") || (open && !word.includes(")"));
  }
  return found;
}

function parameter(name: string, text: string, addressesOf: AddressesOf): Param {
  const [head = "", sign, digits = "8", f] = SIZED.exec(text) ?? [];
  const bytes = Number(digits);
  const float = f === "f";
  const size = ([1, 2, 4, 8] as const).find((one) => one === bytes);
  if (size === undefined || (float && size < 4)) {
    const what = `${float ? "float" : "value"} of ${bytes} bytes`;
    return { name, type: { k: "unknown", size: bytes, what }, place: { k: "none", why: `it is a ${what}` } };
  }
  const argument: OperandSize = { size, signed: sign === "-", float };
  return { name, type: typeOf(argument), place: placeOfOperand(text.slice(head.length), argument, addressesOf) };
}

function typeOf({ size, signed, float }: OperandSize): CType {
  if (float) return { k: "float", size: size === 4 ? 4 : 8 };
  return { k: "int", name: `${signed ? "i" : "u"}${(size * 8) as 8 | 16 | 32 | 64}` };
}
