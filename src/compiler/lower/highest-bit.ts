/** The place of the highest bit that is set, which eBPF has no instruction for. */
import { HIGHEST_BIT } from "../../bpf/own-functions.ts";
import type { Operand } from "../mir/types.ts";
import type { Program } from "./program.ts";

/** floor(log2 v), 0 for 0, of a number below 2^`bits`. Without a branch: each way would be walked by the verifier. */
export function highestBit(p: Program, value: Operand, bits: 32 | 64): Operand {
  const { b } = p;
  if (p.session.request.target.kfuncs.has(HIGHEST_BIT)) return b.kfunc(HIGHEST_BIT, [value], true);
  let rest = value;
  let log: Operand = 0n;
  for (const place of [5n, 4n, 3n, 2n, 1n, 0n]) {
    const step = 1n << place;
    if (2n * step > bits) continue;
    const some = b.binary("shr", b.binary("sub", 0n, b.binary("shr", rest, step)), 63n); // 1 if there are bits above
    const shift = b.binary("shl", some, place);
    if (place > 0n) rest = b.binary("shr", rest, shift);
    log = b.binary("or", log, shift);
  }
  return log;
}
