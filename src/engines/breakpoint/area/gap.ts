/** Where an area goes: a gap of the address space that lies near the code, and where neither heap, stack nor loader will grow into it. */
import type { Mapping } from "../../../sys/procfs.ts";

/** A jump of 32 bits reaches 2 GiB; what the code itself addresses lies around it. */
const REACH = 2 ** 30;
const PAGE = 4096;
/** The kernel maps nothing lower (vm.mmap_min_addr is less). */
const LOWEST = 0x1_0000;
/** Stacks grow down by so much. */
const STACK_ROOM = 64 * 1024 * 1024;
/** The loader maps the next library right below the last: well away from there. */
const LOADER_ROOM = 128 * 1024 * 1024;

/**
 * An address for `size` bytes within 1 GiB of all of [low, high); undefined if there is none. Below the code rather than
 * above it, where the heap follows; in a wide gap well below its upper end.
 */
export function findGap(mappings: readonly Mapping[], low: number, high: number, size: number): number | undefined {
  const from = Math.max(LOWEST, high - REACH);
  const to = low + REACH;
  const sorted = [...mappings].sort((a, b) => a.start - b.start);
  const gaps: { start: number; end: number; above: Mapping | undefined; below: Mapping | undefined }[] = [];
  let end = LOWEST;
  let below: Mapping | undefined;
  for (const mapping of sorted) {
    if (mapping.start > end) gaps.push({ start: end, end: mapping.start, above: mapping, below });
    end = Math.max(end, mapping.end);
    below = mapping;
  }
  const fitting = gaps.flatMap((gap) => {
    const lowest = Math.max(gap.start, from);
    // Below a stack, or where libraries come, some room is left.
    const room = gap.above?.path === "[stack]" ? STACK_ROOM : gap.end - lowest > 4 * LOADER_ROOM ? LOADER_ROOM : 0;
    const highest = Math.min(gap.end - room, to) - size;
    if (highest < lowest || gap.below?.path === "[heap]") return [];
    return [{ at: Math.floor(highest / PAGE) * PAGE, wide: gap.end - gap.start }];
  });
  // Between two mappings of one library, or of its neighbours, a small gap is better left alone.
  const usable = fitting.filter(({ at, wide }) => at >= from && wide >= size);
  usable.sort((a, b) => Number(b.at < low) - Number(a.at < low) || b.wide - a.wide);
  return usable[0]?.at;
}
