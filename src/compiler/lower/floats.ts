/** Floats of 4 bytes: a handler carries doubles, so they are widened, exactly, by integer arithmetic. */
import type { Operand } from "../mir/types.ts";
import { highestBit } from "./highest-bit.ts";
import type { Program } from "./program.ts";

/** What is added to an exponent: a double's bias is 1023, a float's 127. */
const REBIAS = 1023n - 127n;

/**
 * The bits of the double with the value of a float, whose bits are the lowest 32 of `bits` (IEEE 754-2019, §3.4).
 * Without a branch: the kernel's verifier would walk what follows once for each way.
 */
export function widened(p: Program, bits: Operand): Operand {
  const { b } = p;
  const word = b.extend(bits, 32, false);
  const sign = b.binary("shl", b.binary("shr", word, 31n), 63n);
  const exponent = b.binary("and", b.binary("shr", word, 23n), 0xffn);
  const fraction = b.binary("and", word, 0x7f_ffffn);
  // Infinities and NaNs keep an exponent of ones only.
  const special = b.binary("shr", b.binary("add", exponent, 1n), 8n);
  const rebias = b.binary("add", b.binary("mul", special, REBIAS), REBIAS);
  const normal = b.binary("or", b.binary("shl", b.binary("add", exponent, rebias), 52n), b.binary("shl", fraction, 29n));
  // A float below the normal ones is fraction × 2^-149, which is a normal double: its highest bit goes, as all doubles' does.
  const highest = highestBit(p, fraction, 32);
  const scaled = b.binary("shl", fraction, b.binary("sub", 52n, highest));
  const some = b.binary("shr", b.binary("sub", 0n, fraction), 63n);
  const small = b.binary("mul", some, b.binary("add", b.binary("shl", b.binary("add", highest, 1023n - 149n - 1n), 52n), scaled));
  const isSmall = b.binary("sar", b.binary("sub", exponent, 1n), 63n);
  const magnitude = b.binary("or", b.binary("and", small, isSmall), b.binary("and", normal, b.binary("xor", isSmall, -1n)));
  return b.binary("or", sign, magnitude);
}
