/**
 * Which places in functions are entered from elsewhere: the branches of all other code of a file. A look at every byte as if a
 * branch began there finds each real one; those that it finds by mistake are told off by walking through their function.
 */
import { branchLengths, MAYBE } from "../../../x86/branches.ts";
import { instructionLength } from "../../../x86/full-decoder.ts";
import { measure } from "../../../x86/length-decoder.ts";

export interface CodeRange {
  /** As offsets from the code's start. */
  readonly start: number;
  readonly end: number;
}

const BRANCH_LENGTH = branchLengths();

/**
 * For each of the ranges (functions, sorted, apart from one another) the offsets within it, its start left out, to which code
 * outside of it branches.
 *
 * @param code all of an executable segment.
 * @param starts where functions begin, sorted: what code is walked through from.
 */
export function entrances(code: Uint8Array, ranges: readonly CodeRange[], starts: ArrayLike<number>): Map<CodeRange, number[]> {
  const wanted = new Uint8Array(code.length);
  for (const { start, end } of ranges) wanted.fill(1, start + 1, end);
  const found = new Map<CodeRange, number[]>();
  const walk = new Walk(code, starts);
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const last = code.length - 6;
  for (let p = 0; p < last; p++) {
    let length = BRANCH_LENGTH[code[p] as number] as number;
    if (length === 0) continue;
    if (length === MAYBE) {
      const next = code[p + 1] as number;
      if (code[p] === 0x0f ? (next & 0xf0) !== 0x80 : next !== 0xf8) continue;
      length = 6;
    }
    const target = p + length + (length === 2 ? view.getInt8(p + 1) : view.getInt32(p + length - 4, true));
    if (target < 0 || wanted[target] !== 1) continue;
    const range = rangeOf(ranges, target);
    if (p >= range.start && p < range.end) continue;
    if (!walk.begins(p)) continue;
    const list = found.get(range);
    if (list === undefined) found.set(range, [target - range.start]);
    else list.push(target - range.start);
  }
  return found;
}

function rangeOf(ranges: readonly CodeRange[], target: number): CodeRange {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle] as CodeRange).start <= target) low = middle + 1;
    else high = middle;
  }
  return ranges[low - 1] as CodeRange;
}

/** So many bytes behind the last known start decoding has found into step with the code, whatever is there. */
const FAR = 1 << 16;

/** Walks through functions one after the other, as they are asked for. */
class Walk {
  readonly #code: Uint8Array;
  readonly #starts: ArrayLike<number>;
  #next = 0;
  #at = 0;
  #lost = false;

  constructor(code: Uint8Array, starts: ArrayLike<number>) {
    this.#code = code;
    this.#starts = starts;
  }

  /** Whether an instruction begins, perhaps behind prefixes, at an offset; yes where that can't be told. Asked by ascending offset. */
  begins(offset: number): boolean {
    while (this.#next < this.#starts.length && (this.#starts[this.#next] as number) <= offset) {
      this.#at = this.#starts[this.#next++] as number;
      this.#lost = false;
    }
    if (this.#next === 0 || this.#lost || offset - this.#at > FAR) return true;
    while (this.#at <= offset) {
      const measured = measure(this.#code, this.#at);
      const length = measured?.length ?? instructionLength(this.#code.subarray(this.#at, this.#at + 15));
      if (length === 0) {
        this.#lost = true;
        return true;
      }
      if (this.#at + length > offset) return offset === (measured?.opcode ?? offset);
      this.#at += length;
    }
    return true;
  }
}
