/** Runs a session's image in the interpreter, hit by hit. */
import { UserPieces } from "../../../src/bpf/interpreter/environment.ts";
import { Interpreter } from "../../../src/bpf/interpreter/interpreter.ts";
import type { ProgramImage, SessionImage } from "../../../src/compiler/image.ts";
import type { Hit } from "../evaluator/run.ts";
import type { Memories } from "./outcome.ts";

/** Where pt_regs keep the argument registers, in order, and the result. */
const ARGUMENTS = [112, 104, 96, 88, 72, 64];
const RESULT = 80;
const PT_REGS_BYTES = 168;

const STACK_POINTER = 152;

/** `depth`: how many probed calls are open around this one. The return finds its address popped. */
export function registersOf(hit: Hit, depth: number): Uint8Array {
  const regs = new Uint8Array(PT_REGS_BYTES);
  const view = new DataView(regs.buffer);
  if (hit.at === "entry") for (const [i, value] of hit.args.entries()) view.setBigUint64(ARGUMENTS[i]!, BigInt.asUintN(64, value), true);
  else view.setBigUint64(RESULT, BigInt.asUintN(64, hit.ret), true);
  view.setBigUint64(STACK_POINTER, 0x7fff_0000_0000n - BigInt(depth * 64) + (hit.at === "return" ? 8n : 0n), true);
  return regs;
}

export function interpret(
  image: SessionImage,
  hits: readonly Hit[],
  pieces: readonly { readonly address: bigint; readonly bytes: Uint8Array }[],
  programs: readonly ProgramImage[] = image.programs,
): Memories {
  const interpreter = new Interpreter(image.maps, image.cpuRegion.cpus);
  const user = new UserPieces(pieces);
  const records: Uint8Array[] = [];
  /** Calls that were entered and not left, by thread: what a session link keeps for each. */
  const calls = new Map<number, { readonly cookie: Uint8Array; skipped: boolean }[]>();
  for (const hit of hits) {
    const open = calls.get(hit.tid) ?? [];
    calls.set(hit.tid, open);
    const isReturn = hit.at === "return";
    const call = (isReturn ? open.pop() : undefined) ?? { cookie: new Uint8Array(8), skipped: false };
    for (const program of programs) {
      if (program.runs === "session" ? isReturn && call.skipped : program.runs !== hit.at) continue;
      const result = interpreter.run(program.instructions, registersOf(hit, open.length), {
        time: () => hit.time,
        pid: hit.pid,
        tid: hit.tid,
        uid: hit.uid,
        gid: hit.gid,
        comm: hit.comm,
        cpu: hit.cpu,
        cgroups: [1n, hit.cgroup],
        user,
        cookie: 0n,
        functionAddress: 0x40_1000n,
        sleepable: program.sleepable,
        random: () => 4,
        signal: () => {},
        ...(program.runs === "session" ? { session: { isReturn, cookie: call.cookie } } : {}),
      });
      call.skipped = !isReturn && result !== 0n;
    }
    if (!isReturn) open.push(call);
    if (image.ring !== undefined) records.push(...interpreter.ring(image.ring).take());
  }
  const first = (map: number): Uint8Array => interpreter.keyed(map).entries()[0]!.values[0]!;
  return { entries: (map) => interpreter.keyed(map).entries(), cpuRegion: first(image.cpuRegion.map), sharedRegion: first(image.sharedRegion.map), records };
}
