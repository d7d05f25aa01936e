/** Runs a session's image in the kernel: armed at a fixture's function, which is then called with each hit's arguments. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SessionImage } from "../../../src/compiler/image.ts";
import type { Target } from "../../../src/compiler/target.ts";
import { KernelEngine } from "../../../src/engines/kernel/kernel-engine.ts";
import { compile, Running, sites } from "../../kernel-engine/support/fixture.ts";
import type { Hit } from "../evaluator/run.ts";
import { memoryPieces } from "../snippets/snippet.ts";
import type { Memories } from "./outcome.ts";

/** A running fixture, and what its hits have in common. */
export class KernelRun {
  readonly #engine = new KernelEngine();
  readonly #path: string;
  readonly #running: Running;
  cpu = 0;

  constructor() {
    this.#path = compile("fixture", readFileSync(join(import.meta.dirname, "fixture.c"), "utf8"));
    const pages = join(dirname(this.#path), "pages");
    const pieces = memoryPieces();
    writeFileSync(pages, Buffer.concat(pieces.map(({ bytes }) => bytes)));
    this.#running = new Running(this.#path, [pages, ...pieces.map(({ address }) => `0x${address.toString(16)}`)]);
  }

  async start(): Promise<void> {
    this.cpu = Number(await this.#running.line());
  }

  /** What the fixture's hits have in common. */
  get process(): Pick<Hit, "pid" | "tid" | "uid" | "gid" | "cpu" | "comm"> {
    return { pid: this.#running.pid, tid: this.#running.pid, uid: process.getuid!(), gid: process.getgid!(), cpu: this.cpu, comm: "fixture" };
  }

  get #filter(): { pids: number[]; children: boolean; cgroup: undefined } {
    return { pids: [this.#running.pid], children: false, cgroup: undefined };
  }

  target(calls: boolean): Target {
    return this.#engine.target({ filter: this.#filter, sites: 1, calls });
  }

  async run(image: SessionImage, hits: readonly Hit[]): Promise<Memories> {
    const armed = await this.#engine.arm(
      image,
      [{ probe: 0, programs: image.programs.map((_, index) => index), sites: sites(this.#path, ["probed"]), cookies: [0], pids: undefined }],
      this.#filter,
    );
    try {
      await this.#running.ask(planOf(hits));
      armed.disarm();
      const records: Uint8Array[] = [];
      armed.consume((bytes, offset, length) => records.push(new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length).slice()));
      const entries = new Map(
        image.maps.map((map, index) => [
          index,
          map.type === "ringbuf" || map.mmap
            ? []
            : [...armed.map(index).entries()].map(([key, value]) => ({
                key: key.slice(),
                values: split(value, map.type.includes("percpu") ? map.valueSize : value.length),
              })),
        ]),
      );
      return {
        entries: (map) => entries.get(map)!,
        cpuRegion: new Uint8Array(armed.cpuRegion).slice(),
        sharedRegion: new Uint8Array(armed.sharedRegion).slice(),
        records,
      };
    } finally {
      armed.close();
    }
  }

  async end(): Promise<void> {
    await this.#running.end();
  }
}

/** Per-CPU values lie one after the other, each on 8 bytes. */
function split(value: Uint8Array, size: number): Uint8Array[] {
  const step = Math.ceil(size / 8) * 8;
  return Array.from({ length: value.length / step }, (_, i) => value.slice(i * step, i * step + size));
}

/** Entries without a return of their own return at once. */
function planOf(hits: readonly Hit[]): string {
  const withReturns = hits.some(({ at }) => at === "return");
  return hits
    .map((hit) =>
      hit.at === "return"
        ? `R ${BigInt.asUintN(64, hit.ret)}`
        : `E ${hit.args.map((value) => BigInt.asUintN(64, value)).join(" ")}${withReturns ? "" : " R 0"}`,
    )
    .join(" ");
}
