/** The shared memory as the tracer uses it: the session's file, mapped where WebAssembly's memory lies. */
import type { SessionImage } from "../../../compiler/image.ts";
import { adoptMemory } from "../../../sys/memory.ts";
import { isAlive } from "../../../sys/procfs.ts";
import { checkMemory } from "../../memory/control.ts";
import { CONTEXT_BYTES, Control, type MemoryLayout, planMemory, REFUSABLE } from "../../memory/layout.ts";
import { openStores } from "../../memory/stores.ts";
import type { RingStore } from "../../memory/types.ts";

const WASM_PAGE = 65_536;

export interface Shared {
  readonly layout: MemoryLayout;
  readonly memory: WebAssembly.Memory;
  readonly stores: ReturnType<typeof openStores>;
  /** What programs are handed. */
  readonly context: Uint8Array<ArrayBufferLike>;
  /** By probe: 1 once the session has taken it out. */
  readonly refused: Uint8Array<ArrayBufferLike>;
  countLostReturn(): void;
}

export function attachShared(image: SessionImage, fd: number, wake: () => void): Shared {
  const layout = planMemory(image);
  const pages = layout.bytes / WASM_PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  adoptMemory(memory, fd);
  checkMemory(memory.buffer, layout);
  const refused = new Uint8Array(memory.buffer, layout.control + Control.refused, REFUSABLE);
  const stores = openStores(memory.buffer, layout, { pid: process.pid, isAlive }, wake);
  const lost = new BigUint64Array(memory.buffer, layout.control + Control.lostReturns, 1);
  return {
    layout,
    memory,
    stores: stores.map((store, index) => (index === image.ring && "submit" in store ? obeying(store, image, new DataView(memory.buffer), refused) : store)),
    context: new Uint8Array(memory.buffer, layout.contextAt, CONTEXT_BYTES),
    refused,
    countLostReturn: () => {
      Atomics.add(lost, 0, 1n);
    },
  };
}

/** A handler that takes its probe out is obeyed at once: the session carries the record out when it comes to it. */
function obeying(ring: RingStore, image: SessionImage, memory: DataView, refused: Uint8Array<ArrayBufferLike>): RingStore {
  if (!image.formats.some(({ kind }) => kind === "detach")) return ring;
  const obey = (record: number): void => {
    const format = image.formats[memory.getUint32(record, true)];
    if (format?.kind === "detach") refused[format.probe] = 1;
  };
  return {
    reserve: (size) => ring.reserve(size),
    submit: (address, discard) => {
      if (!discard) obey(address);
      ring.submit(address, discard);
    },
    output: (address, size) => {
      obey(address);
      return ring.output(address, size);
    },
  };
}
