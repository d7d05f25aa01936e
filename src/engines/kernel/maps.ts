/** Creates the maps of an image in the kernel, with their first values, and maps its regions into memory. */
import type { MapImage, SessionImage } from "../../compiler/image.ts";
import { SondeBug } from "../../errors/error.ts";
import { roundUp } from "../../schema/layout.ts";
import { createMap, mapFlag, mapType, update } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { pageSize } from "../../sys/host.ts";
import { mapWhileHeld } from "../../sys/memory.ts";
import type { MapTypes, SessionTypes } from "./session-types.ts";

export interface KernelMaps {
  readonly fds: readonly number[];
  /** By map index; those with `mmap`. The memory outlives the maps. */
  readonly mapped: ReadonlyMap<number, ArrayBuffer>;
  close(): void;
}

/** All or none: if one map can't be created, those made before are given back. */
export function createMaps(image: SessionImage, types: SessionTypes): KernelMaps {
  const fds: number[] = [];
  const mapped = new Map<number, ArrayBuffer>();
  const close = (): void => closeAll(fds);
  try {
    for (const [index, map] of image.maps.entries()) {
      const fd = createOne(map, types.fd, types.maps[index]);
      fds.push(fd);
      if (map.mmap) mapped.set(index, mapWhileHeld(fd, roundUp(roundUp(map.valueSize, 8) * map.maxEntries, pageSize())));
      if (map.initial !== undefined) fill(map, fd, mapped.get(index), map.initial);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { fds, mapped, close };
}

function createOne(map: MapImage, btf: number | undefined, types: MapTypes | undefined): number {
  const flags = (map.noPrealloc ? mapFlag.noPrealloc : 0) | (map.mmap ? mapFlag.mmapable : 0);
  return createMap({
    name: map.name,
    type: mapType[map.type],
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags,
    ...(btf === undefined || types === undefined ? {} : { btf: { fd: btf, ...types } }),
  });
}

function fill(map: MapImage, fd: number, memory: ArrayBuffer | undefined, initial: Uint8Array): void {
  if (memory !== undefined) new Uint8Array(memory).set(initial);
  else if (map.type !== "array") throw new SondeBug(`map ${map.name} of type ${map.type} has an initial value`);
  else {
    const value = new Uint8Array(map.valueSize);
    value.set(initial);
    update(fd, new Uint8Array(4), value, "any");
  }
}
