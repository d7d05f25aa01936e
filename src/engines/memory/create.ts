/** The session's side: makes the memory of an image, with the maps' first values, and maps it into this process. */
import type { SessionImage } from "../../compiler/image.ts";
import { SondeBug } from "../../errors/error.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { createMemfd } from "../../sys/memfd.ts";
import { mapWhileHeld } from "../../sys/memory.ts";
import { signMemory } from "./control.ts";
import { type MemoryLayout, planMemory } from "./layout.ts";

export interface SharedMemory {
  /** To be passed to the engine's process. */
  readonly fd: number;
  readonly layout: MemoryLayout;
  /** All of it. It stays readable for as long as it is held, though the session is closed. */
  readonly buffer: ArrayBuffer;
  /** A region (an array with `mmap`) alone, to be given to others; likewise. */
  region(map: number): ArrayBuffer;
  /** Closes the descriptor; what is mapped stays. */
  close(): void;
}

export function createMemory(image: SessionImage): SharedMemory {
  const layout = planMemory(image);
  const fd = createMemfd("sonde-session", layout.bytes);
  try {
    const buffer = mapWhileHeld(fd, layout.bytes);
    fillMemory(buffer, layout);
    return {
      fd,
      layout,
      buffer,
      region: (map) => mapRegion(fd, layout, map),
      close: () => closeAll([fd]),
    };
  } catch (error) {
    closeAll([fd]);
    throw error;
  }
}

/** Brings zeros into the state in which the engine expects them. */
export function fillMemory(memory: ArrayBufferLike, layout: MemoryLayout): void {
  signMemory(memory, layout);
  for (const place of layout.maps) {
    const { name, initial } = place.image;
    if (initial === undefined) continue;
    if (place.kind !== "array" || initial.length > place.stride) throw new SondeBug(`map ${name} can't have an initial value of ${initial.length} bytes`);
    new Uint8Array(memory, place.at).set(initial);
  }
}

function mapRegion(fd: number, layout: MemoryLayout, map: number): ArrayBuffer {
  const place = layout.maps[map];
  if (place?.kind !== "array" || !place.image.mmap) throw new SondeBug(`map ${map} isn't a region`);
  return mapWhileHeld(fd, place.bytes, place.at);
}
