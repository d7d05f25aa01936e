/** The shared memory as the tracer uses it: the session's file, mapped where WebAssembly's memory lies. */
import type { SessionImage } from "../../../compiler/image.ts";
import { adoptMemory } from "../../../sys/memory.ts";
import { isAlive } from "../../../sys/procfs.ts";
import { checkMemory } from "../../memory/control.ts";
import { CONTEXT_BYTES, Control, type MemoryLayout, planMemory, REFUSABLE } from "../../memory/layout.ts";
import { openStores } from "../../memory/stores.ts";

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
  const lost = new BigUint64Array(memory.buffer, layout.control + Control.lostReturns, 1);
  return {
    layout,
    memory,
    stores: openStores(memory.buffer, layout, { pid: process.pid, isAlive }, wake),
    context: new Uint8Array(memory.buffer, layout.contextAt, CONTEXT_BYTES),
    refused: new Uint8Array(memory.buffer, layout.control + Control.refused, REFUSABLE),
    countLostReturn: () => {
      Atomics.add(lost, 0, 1n);
    },
  };
}
