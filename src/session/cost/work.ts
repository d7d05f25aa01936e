/** What a probe's programs do at a hit: they are run in the interpreter, on registers and memory that can all be read. */
import type { Environment } from "../../bpf/interpreter/environment.ts";
import { Interpreter, type Tally } from "../../bpf/interpreter/interpreter.ts";
import type { SessionImage } from "../../compiler/image.ts";
import { SondeBug } from "../../errors/error.ts";
import { type Work, workOf } from "./model.ts";

/** Registers as they may be at a hit. */
const ANYWHERE = 0x5555_5555_5000n;
const CONTEXT_BYTES = 440;
/** Who runs, where the filter doesn't say. */
const PID = 1;
/** Every address has a text of so many bytes at most, and zeros as words. */
const TEXT = 32;

const memory = {
  read(address: bigint, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => (Number((address + BigInt(i)) % BigInt(TEXT)) === TEXT - 1 ? 0 : 0x61));
  },
};

/**
 * The second hit's: the first one makes entries of maps. A program that can't be run so (it reads what only a kernel has) counts by its
 * instructions alone. `only`: the probe lets through this process alone.
 */
export function probeWork(image: SessionImage, programs: readonly number[], only?: number): Work {
  const interpreter = new Interpreter(image.maps, image.cpuRegion.cpus);
  if (image.pidSet !== undefined) interpreter.keyed(image.pidSet).update(Uint8Array.of(PID, 0, 0, 0), Uint8Array.of(1), 0, 0);
  let tally: Tally = { instructions: 0, calls: new Map() };
  const context = new Uint8Array(CONTEXT_BYTES);
  new BigUint64Array(context.buffer, 0, 21).fill(ANYWHERE);
  for (let hit = 0; hit < 2; hit++) {
    tally = { instructions: 0, calls: new Map() };
    const cookie = new Uint8Array(8);
    for (const index of programs) {
      const program = image.programs[index]!;
      for (const isReturn of program.runs === "session" ? [false, true] : [false]) {
        const filter = (program.on === undefined ? undefined : image.eventFilter) ?? image.filter ?? { kind: "all" };
        const environment: Environment = {
          time: () => 1_000_000n,
          pid: only ?? (filter.kind === "pids" ? (filter.pids[0] ?? PID) : PID),
          tid: PID,
          uid: 0,
          gid: 0,
          comm: "comm",
          cpu: 0,
          cgroups: filter.kind === "cgroup" ? Array<bigint>(filter.level + 1).fill(filter.id) : [1n],
          user: memory,
          cookie: 0n,
          functionAddress: ANYWHERE,
          sleepable: program.sleepable,
          random: () => 4,
          signal: () => {},
          ...(program.runs === "session" ? { session: { isReturn, cookie } } : {}),
        };
        const before = tally.instructions;
        try {
          interpreter.run(program.instructions, context, environment, { writableContext: true, tally });
        } catch (error) {
          if (!(error instanceof SondeBug)) throw error;
          tally.instructions = before + program.instructions.length;
        }
      }
    }
    if (image.ring !== undefined) interpreter.ring(image.ring).take();
  }
  return workOf(tally.instructions, tally.calls);
}
