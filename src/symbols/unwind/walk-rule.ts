/** A row of a frame table as the word by which a handler unwinds the frame (schema/stack-walk.ts), where the row is of a kind that it can. */
import type { CfaRule, FrameAt, RegisterRule } from "../../dwarf/frames.ts";
import { From, SAVED_BY_FRAME, SAVED_BY_RBP } from "../../schema/stack-walk.ts";
import { type ExpressionWorld, evaluate } from "./expression.ts";
import { RBP, RIP, RSP } from "./registers.ts";

export const NO_RULE = 0n;
/** A frame that has a frame pointer: the caller's rbp is where rbp leads to, the return address behind it. */
export const BY_FRAME_POINTER = word(From.rbp, 16, { flag: SAVED_BY_FRAME, offset: -16 });
/** The one that the kernel makes for a signal. */
export const BY_SIGNAL = word(From.signal, 0, undefined);

interface SavedRbp {
  readonly flag: number;
  readonly offset: number;
}

/** `NO_RULE`: it needs more than rsp and rbp. `pc`: absolute; `bias`: what was added to addresses as linked. */
export function walkRule(row: FrameAt, pc: number, bias: number): bigint {
  if (row.signal) return BY_SIGNAL;
  const returns = row.rules.get(row.returnRegister);
  if (returns?.k === "undefined") return word(From.outermost, 0, undefined);
  if (row.returnRegister !== RIP || returns?.k !== "saved" || returns.offset !== -8) return NO_RULE;
  // The caller's rsp is the frame's address, unless the table has another idea.
  if (row.rules.has(RSP)) return NO_RULE;
  const frame = frameOf(row.cfa, pc, bias);
  const rbp = rbpOf(row.rules.get(RBP), pc, bias);
  if (frame === undefined || rbp === "elsewhere") return NO_RULE;
  return word(frame.from, frame.offset, rbp);
}

function word(from: number, frame: number, rbp: SavedRbp | undefined): bigint {
  if (frame !== (frame | 0)) return NO_RULE;
  const offset = rbp?.offset ?? 0;
  if (offset !== (offset << 16) >> 16) return NO_RULE;
  return (BigInt.asUintN(32, BigInt(frame)) << 32n) | (BigInt.asUintN(16, BigInt(offset)) << 16n) | BigInt(from | (rbp?.flag ?? 0));
}

function frameOf(cfa: CfaRule, pc: number, bias: number): { readonly from: number; readonly offset: number } | undefined {
  if (cfa.k === "unknown") return undefined;
  if (cfa.k === "expression") return expressionOf(cfa.bytes, pc, bias);
  if (cfa.register === RSP) return { from: From.rsp, offset: cfa.offset };
  return cfa.register === RBP ? { from: From.rbp, offset: cfa.offset } : undefined;
}

/** Undefined: it is still in the register. */
function rbpOf(rule: RegisterRule | undefined, pc: number, bias: number): SavedRbp | "elsewhere" | undefined {
  switch (rule?.k) {
    case undefined:
    case "same":
      return undefined;
    case "saved":
      return { flag: SAVED_BY_FRAME, offset: rule.offset };
    case "expression": {
      const at = expressionOf(rule.bytes, pc, bias);
      return at?.from === From.rbp ? { flag: SAVED_BY_RBP, offset: at.offset } : "elsewhere";
    }
    default:
      return "elsewhere";
  }
}

/** Far apart, and from any offset of the one none of the other is reached. */
const PROBES = [1n << 40n, (1n << 44n) + 0x1000n] as const;
const WORD = 1n << 46n;

/**
 * What an expression computes at this very pc, if that is rsp or rbp plus an offset, or the word there: it is computed twice, with other registers.
 * (The linker's stubs have one of which the offset depends on the pc.)
 */
function expressionOf(bytes: Uint8Array, pc: number, bias: number): { readonly from: number; readonly offset: number } | undefined {
  const results = PROBES.map((rsp, i) => {
    const rbp = PROBES[1 - i]! << 1n;
    const reads: bigint[] = [];
    const world: ExpressionWorld = {
      bias,
      register: (number) => (number === RSP ? rsp : number === RBP ? rbp : number === RIP ? BigInt(pc) : undefined),
      read: (address, size) => {
        reads.push(address);
        return size === 8 ? WORD : undefined;
      },
    };
    return { value: evaluate(bytes, world), reads, rsp, rbp };
  });
  const same = (of: (result: (typeof results)[number]) => bigint | undefined): number | undefined => {
    const [a, b] = results.map(of);
    return a !== undefined && a === b ? Number(BigInt.asIntN(64, a)) : undefined;
  };
  if (results.every(({ reads }) => reads.length === 0)) {
    const bySp = same(({ value, rsp }) => (value === undefined ? undefined : value - rsp));
    if (bySp !== undefined) return { from: From.rsp, offset: bySp };
    const byBp = same(({ value, rbp }) => (value === undefined ? undefined : value - rbp));
    return byBp === undefined ? undefined : { from: From.rbp, offset: byBp };
  }
  if (results.some(({ reads, value }) => reads.length !== 1 || value !== WORD)) return undefined;
  const at = same(({ reads, rbp }) => reads[0]! - rbp);
  return at === undefined ? undefined : { from: From.atRbp, offset: at };
}
