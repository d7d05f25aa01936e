/** Runs a session's image as the tracer does: translated to WebAssembly, on the maps in shared memory, hit by hit. */
import type { SessionImage } from "../../../src/compiler/image.ts";
import { type HitEnvironment, Programs } from "../../../src/engines/breakpoint/tracer/programs.ts";
import { openAccess } from "../../../src/engines/memory/access.ts";
import { fillMemory } from "../../../src/engines/memory/create.ts";
import { CONTEXT_BYTES, planMemory } from "../../../src/engines/memory/layout.ts";
import { RingConsumer } from "../../../src/engines/memory/ring.ts";
import { openStores } from "../../../src/engines/memory/stores.ts";
import { address as addressOf } from "../../../src/sys/ffi/native.ts";
import type { Hit } from "../evaluator/run.ts";
import { registersOf } from "./interpret.ts";
import type { Memories } from "./outcome.ts";

type Pieces = readonly { readonly address: bigint; readonly bytes: Uint8Array }[];

const sharing = { pid: process.pid, isAlive: () => true };

/** As the memory of a process is read: as much as is there. */
class TargetMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #base: number;
  readonly #pieces: Pieces;

  constructor(memory: WebAssembly.Memory, pieces: Pieces) {
    this.#memory = memory;
    this.#base = Number(addressOf(new Uint8Array(memory.buffer)));
    this.#pieces = pieces;
  }
  read(address: number, to: number, length: number): number {
    for (const piece of this.#pieces) {
      const at = address - Number(piece.address);
      if (at < 0 || at >= piece.bytes.length) continue;
      const found = piece.bytes.subarray(at, at + length);
      new Uint8Array(this.#memory.buffer).set(found, to - this.#base);
      return found.length;
    }
    return 0;
  }
}

export function runTranslated(image: SessionImage, hits: readonly Hit[], pieces: Pieces): Memories {
  const layout = planMemory(image);
  const pages = layout.bytes / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  fillMemory(memory.buffer, layout);
  // Programs don't count on a clean stack: in the kernel they find none.
  new Uint8Array(memory.buffer, layout.stackAt, layout.scratchAt - layout.stackAt).fill(0xa5);
  const target = new TargetMemory(memory, pieces);
  let hit = hits[0] as Hit;
  const environment: HitEnvironment = {
    get pid() {
      return hit.pid;
    },
    get tid() {
      return hit.tid;
    },
    cookie: 0,
    functionAddress: 0x40_1000,
    get isReturn() {
      return hit.at === "return";
    },
    signal: () => 0,
    uid: () => hit.uid,
    gid: () => hit.gid,
    comm: () => {
      const name = new Uint8Array(16);
      name.set(new TextEncoder().encode(hit.comm).subarray(0, 15));
      return name;
    },
    cpu: () => hit.cpu,
    cgroupAt: (level) => (level === 0 ? 1n : hit.cgroup),
    stack: () => [],
    stackInFiles: () => 0,
    readUser: (address, to, length) => target.read(address, to, length),
  };
  const stores = openStores(memory.buffer, layout, sharing, () => {});
  const programs = new Programs(image, layout, memory, stores, environment, { timeNs: () => hit.time, random: () => 4 });
  const context = new Uint8Array(memory.buffer, layout.contextAt, CONTEXT_BYTES);
  const place = image.ring === undefined ? undefined : layout.maps[image.ring];
  const ring = place?.kind === "ring" ? new RingConsumer(memory.buffer, layout, place) : undefined;
  const records: Uint8Array[] = [];
  /** Calls that were entered and not left, by thread. */
  const calls = new Map<number, { readonly cookie: bigint; readonly skipped: boolean }[]>();
  for (hit of hits) {
    const open = calls.get(hit.tid) ?? [];
    calls.set(hit.tid, open);
    const isReturn = hit.at === "return";
    const call = (isReturn ? open.pop() : undefined) ?? { cookie: 0n, skipped: false };
    programs.cookie[0] = call.cookie;
    let result = 0;
    image.programs.forEach((program, index) => {
      if (program.runs === "session" ? isReturn && call.skipped : program.runs !== hit.at) return;
      context.set(registersOf(hit, open.length));
      result = programs.run(index);
    });
    if (!isReturn) open.push({ cookie: programs.cookie[0] as bigint, skipped: result !== 0 });
    ring?.consume((bytes, offset, length) => records.push(new Uint8Array(bytes.buffer, offset, length).slice()));
  }
  const entries = (map: number): { key: Uint8Array; values: Uint8Array[] }[] =>
    [...openAccess(memory.buffer, layout, map, sharing).entries()].map(([key, value]) => ({ key, values: [value] }));
  const first = (map: number): Uint8Array => entries(map)[0]?.values[0] as Uint8Array;
  return { entries, cpuRegion: first(image.cpuRegion.map), sharedRegion: first(image.sharedRegion.map), records };
}
