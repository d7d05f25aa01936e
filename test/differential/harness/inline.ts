/** Runs a session's image as machine code, in a program of its own, hit by hit, on the inline engine's maps. */
import type { SessionImage } from "../../../src/compiler/image.ts";
import type { Target } from "../../../src/compiler/target.ts";
import { inlineCode, inlineTarget } from "../../../src/engines/inline/code/inline-code.ts";
import { openInline } from "../../../src/engines/inline/memory/access.ts";
import { fillShared } from "../../../src/engines/inline/memory/create.ts";
import { InlineRing } from "../../../src/engines/inline/memory/ring.ts";
import type { Hit } from "../evaluator/run.ts";
import { Place, type Run, runMachine, STACK_TOP } from "./machine.ts";
import type { Memories } from "./outcome.ts";

/** One part for each CPU of the region of aggregates, two in all. */
export const inline: Target = inlineTarget(2, 1 << 20);

const FEATURES = { rdpid: false };
const LDT = 16;
/** rdi, rsi, rdx, rcx, r8, r9: where arguments are, by the registers' numbers. */
const ARGUMENTS = [7, 6, 2, 1, 8, 9];

function registersOf(hit: Hit, depth: number): bigint[] {
  const registers = Array.from({ length: LDT }, () => 0n);
  if (hit.at === "entry") for (const [i, value] of hit.args.entries()) registers[ARGUMENTS[i] as number] = BigInt.asUintN(64, value);
  else registers[0] = BigInt.asUintN(64, hit.ret);
  registers[4] = BigInt(STACK_TOP - 8 - depth * 64);
  return registers;
}

export interface InlineOutcome extends Memories {
  /** Every run left registers, flags, vectors and the stack as they were. */
  readonly untouched: boolean;
}

export function runInline(
  image: SessionImage,
  hits: readonly Hit[],
  pieces: readonly { readonly address: bigint; readonly bytes: Uint8Array }[],
): InlineOutcome {
  const code = inlineCode(image, { place: { shared: Place.shared, own: Place.own }, features: FEATURES });
  const routines = code.routines(Place.code);
  const parts = [routines.bytes];
  let end: number = Place.code + routines.bytes.length;
  const entries = (["entry", "return"] as const).map((at) => {
    const isReturn = at === "return";
    const programs = image.programs.flatMap(({ runs }, index) => (runs === at || runs === "session" ? [{ index, cookie: 0, pair: index }] : []));
    const { bytes } = code.trampoline(end, routines, { isReturn, address: 0x40_1000, functionAddress: 0x40_1000, copy: Place.landing, programs });
    const entry = end;
    parts.push(bytes);
    end += bytes.length;
    return entry;
  });
  /** How many calls of a thread are open. */
  const open = new Map<number, number>();
  const runs = hits.map((hit): Run => {
    const isReturn = hit.at === "return";
    const before = open.get(hit.tid) ?? 0;
    const depth = isReturn ? Math.max(0, before - 1) : before;
    open.set(hit.tid, isReturn ? depth : before + 1);
    const { pid, tid, time, cpu, uid, gid, comm } = hit;
    return { entry: entries[isReturn ? 1 : 0] as number, registers: registersOf(hit, depth), flags: 0x202, pid, tid, time, cpu, uid, gid, comm };
  });
  const memory = new Uint8Array(code.layout.bytes);
  fillShared(memory, code.layout, 1n);
  const { ran, shared } = runMachine({ code: Buffer.concat(parts), shared: memory, pieces, runs });
  const buffer = new Uint8Array(shared).buffer;
  const all = (map: number): { key: Uint8Array; values: Uint8Array[] }[] =>
    [...openInline(buffer, code.layout, map).entries()].map(([key, value]) => ({ key, values: [value] }));
  const first = (map: number): Uint8Array => all(map)[0]?.values[0] as Uint8Array;
  const records: Uint8Array[] = [];
  const place = image.ring === undefined ? undefined : code.layout.maps[image.ring];
  if (place?.kind === "ring")
    new InlineRing(buffer, place, () => false).consume((bytes, offset, length) => records.push(new Uint8Array(bytes.buffer, offset, length).slice()));
  const untouched = ran.every(
    (one, i) => one.stackUntouched && one.vectorsUntouched && one.registers.every((value, n) => value === runs[i]?.registers[n]) && (one.flags & 0xcd5) === 0,
  );
  return { entries: all, cpuRegion: first(image.cpuRegion.map), sharedRegion: first(image.sharedRegion.map), records, untouched };
}
