/**
 * Semaphores of static probes: each probed place counts one up where its program looks whether somebody listens, in each process
 * by itself. They are in the data of the file, which the loader maps behind its text.
 */
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import type { Mapping } from "../../../sys/procfs.ts";
import type { Area } from "../area/area.ts";
import type { Armed, Space } from "./space.ts";

const SIZE = 2;
const MOST = 0xffff;

/** Those of armed sites whose data is mapped by now. */
export function raiseAll(space: Space, mappings: readonly Mapping[]): void {
  for (const armed of space.armed.values()) {
    const { semaphore } = armed;
    if (semaphore === undefined || !armed.inserted || armed.raised || !isData(mappings, semaphore)) continue;
    armed.raised = count(space.memory, semaphore, 1);
    if (armed.raised) space.areas.setSemaphore(armed.address, semaphore);
  }
}

export function lower(space: Space, armed: Armed): void {
  if (!armed.raised || armed.semaphore === undefined) return;
  armed.raised = false;
  space.areas.setSemaphore(armed.address, 0);
  count(space.memory, armed.semaphore, -1);
}

/** Those that a dead tracer has left up, as an area says. (Killed between a count and what is said of it, it leaves one up.) */
export function lowerLeft(area: Area, memory: ProcessMemory, mappings: readonly Mapping[]): void {
  for (const { site, semaphore } of area.raised(memory)) {
    area.setSemaphore(memory, site, 0);
    if (isData(mappings, semaphore)) count(memory, semaphore, -1);
  }
}

/** Never below 0: a program that sets it anew has taken our count away. */
function count(memory: ProcessMemory, at: number, by: number): boolean {
  const bytes = memory.bytes(at, SIZE);
  if (bytes === undefined) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIZE);
  const next = view.getUint16(0, true) + by;
  if (next < 0 || next > MOST) return false;
  view.setUint16(0, next, true);
  return memory.write(at, bytes);
}

/** The process's own copy, written to by nobody else. */
const isData = (mappings: readonly Mapping[], at: number): boolean =>
  mappings.some(({ start, end, permissions }) => at >= start && at + SIZE <= end && permissions[1] === "w" && permissions[3] === "p");
