/** Arms a session's image in the interpreter: nothing is probed, hits are made up, and no rights are needed. */
import type { Environment } from "../../bpf/interpreter/environment.ts";
import { Interpreter } from "../../bpf/interpreter/interpreter.ts";
import type { KeyedMap, MapShape } from "../../bpf/interpreter/maps.ts";
import type { ProgramImage, SessionImage } from "../../compiler/image.ts";
import type { Target } from "../../compiler/target.ts";
import type { Armed, Engine, Losses, MapAccess } from "../engine.ts";
import { OWN_TARGET } from "../own-target.ts";

/** CPUs that a made-up hit may name: 0 to 63. */
export const SIMULATED_CPUS = 64;

export class SimulatedEngine implements Pick<Engine, "name" | "target"> {
  /** Whose features it has: registers of every kind, and calls that are awaited. */
  readonly name = "breakpoint";

  target(): Target {
    return { ...OWN_TARGET, cpus: SIMULATED_CPUS, eventFilter: { kind: "all" }, stacks: "both" };
  }
}

export class SimulatedArmed implements Armed {
  readonly engine = "simulation";
  readonly method = "made-up hits";
  readonly sites: number;
  readonly notes: readonly string[] = [];
  readonly cpuRegion: ArrayBuffer;
  readonly sharedRegion: ArrayBuffer;
  readonly #image: SessionImage;
  readonly #interpreter: Interpreter;
  readonly #detached = new Set<number>();

  constructor(image: SessionImage, probes: readonly { readonly sites: readonly unknown[] }[]) {
    this.#image = image;
    this.sites = probes.reduce((sum, { sites }) => sum + sites.length, 0);
    this.#interpreter = new Interpreter(image.maps.map(shapeOf), image.cpuRegion.cpus);
    const region = (map: number): ArrayBuffer => this.#interpreter.keyed(map).lookup(new Uint8Array(4), 0)!.bytes.buffer as ArrayBuffer;
    this.cpuRegion = region(image.cpuRegion.map);
    this.sharedRegion = region(image.sharedRegion.map);
  }

  /** Runs a program of the image; gives its result. Nothing runs of a probe that was detached. */
  run(program: ProgramImage, context: Uint8Array, environment: Environment): bigint {
    if (this.#detached.has(program.probe)) return 0n;
    return this.#interpreter.run(program.instructions, context, environment, { writableContext: true });
  }

  map(index: number): MapAccess {
    return accessOf(this.#interpreter.keyed(index), this.#image.cpuRegion.cpus);
  }
  consume(record: (bytes: DataView, offset: number, length: number) => void): number {
    const { ring } = this.#image;
    const records = ring === undefined ? [] : this.#interpreter.ring(ring).take();
    for (const bytes of records) record(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.byteLength);
    return records.length;
  }
  /** Records come by `run` alone, and who calls that reads them. */
  wait(): Promise<void> {
    return new Promise(() => {});
  }
  losses(): Losses {
    return { skipped: 0n, depth: 0n };
  }
  detach(probe: number): void {
    this.#detached.add(probe);
  }
  disarm(): void {
    for (const { probe } of this.#image.programs) this.#detached.add(probe);
  }
  close(): void {}
}

const shapeOf = ({ name, type, keySize, valueSize, maxEntries, initial }: SessionImage["maps"][number]): MapShape => ({
  name,
  type,
  keySize,
  valueSize,
  maxEntries,
  ...(initial === undefined ? {} : { initial }),
});

const MODES = { any: 0, new: 1, existing: 2 } as const;

function accessOf(map: KeyedMap, cpus: number): MapAccess {
  const copies = map.shape.type.includes("percpu") ? cpus : 1;
  return {
    lookup(key) {
      const values = Array.from({ length: copies }, (_, cpu) => map.lookup(key, cpu)?.bytes);
      return values[0] === undefined ? undefined : new Uint8Array(Buffer.concat(values as Uint8Array[]));
    },
    update: (key, value, mode) => map.update(key, value, MODES[mode], 0) === 0,
    delete: (key) => map.delete(key) === 0,
    *entries() {
      for (const { key, values } of map.entries()) yield [key, new Uint8Array(Buffer.concat(values))];
    },
    clear() {
      for (const { key, values } of map.entries()) if (map.delete(key) !== 0) for (const cpu of values.keys()) map.lookup(key, cpu)?.bytes.fill(0);
    },
  };
}
