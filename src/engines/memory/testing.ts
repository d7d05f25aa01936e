/** Images of maps alone, for the tests of the memory that they lie in. */
import type { MapImage, SessionImage } from "../../compiler/image.ts";

export function mapImage(type: MapImage["type"], parts: Partial<MapImage> = {}): MapImage {
  const fixed = type === "ringbuf" ? { keySize: 0, valueSize: 0, maxEntries: 4096 } : { keySize: 4, valueSize: 8, maxEntries: 16 };
  return { name: type, type, mmap: false, noPrealloc: false, ...fixed, ...parts };
}

export function imageOf(maps: readonly MapImage[]): SessionImage {
  return {
    maps,
    programs: [],
    files: [],
    states: [],
    formats: [],
    counters: [],
    cpuRegion: { map: 0, stride: 0, cpus: 1 },
    sharedRegion: { map: 0, size: 0 },
    ring: undefined,
    pidSet: undefined,
  };
}
