/**
 * Where stubs stand in a target: in the zeros behind the vDSO's content, r-x in every process, which nothing ever executes.
 * There is room for a few. A stub that was seen to its end is wiped out; one whose tracer was killed stays, because its thread
 * may not be through with it: not scheduled yet, or below the handler of a signal that came at its end. Only if all places
 * are taken like that, the oldest in which no thread stands is used again.
 */
import { readFileSync } from "node:fs";
import type { ProcessMemory } from "../../../sys/process-memory.ts";
import { programEntry, readMappings, threadsOf } from "../../../sys/procfs.ts";
import { STUB_BYTES, writtenAt } from "./stub.ts";

export interface StubPlace {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** All places; without a vDSO there is one, over the program's first instructions, which don't run again. */
export function stubPlaces(pid: number, memory: ProcessMemory): StubPlace[] {
  const vdso = readMappings(pid).find(({ path }) => path === "[vdso]");
  const image = vdso && memory.bytes(vdso.start, vdso.end - vdso.start);
  const places: StubPlace[] = [];
  if (vdso !== undefined && image !== undefined) {
    const content = contentEnd(image);
    for (let at = image.length - STUB_BYTES; at >= content; at -= STUB_BYTES) places.push({ at: vdso.start + at, bytes: image.slice(at, at + STUB_BYTES) });
  }
  if (places.length > 0) return places;
  const entry = programEntry(pid);
  const bytes = entry === undefined ? undefined : memory.bytes(entry, STUB_BYTES);
  return entry === undefined || bytes === undefined ? [] : [{ at: entry, bytes }];
}

/** The one to be used next. */
export function freePlace(pid: number, places: readonly StubPlace[]): StubPlace | undefined {
  const empty = places.find(({ bytes }) => bytes.every((byte) => byte === 0));
  if (empty !== undefined) return empty;
  const standing = threadsOf(pid).map(whereabouts);
  const left = places.filter((place) => !standing.some((address) => isIn(place, address)));
  return left.toSorted((a, b) => Number(writtenAt(a.bytes) - writtenAt(b.bytes)))[0];
}

export const isIn = (place: StubPlace, address: number): boolean => address >= place.at && address < place.at + STUB_BYTES;

/** Where a thread that doesn't run stands; 0 of one that does: it is through a stub in no time. */
function whereabouts(tid: number): number {
  try {
    return Number(readFileSync(`/proc/${tid}/syscall`, "latin1").trim().split(" ").at(-1)) || 0;
  } catch {
    return 0;
  }
}

/** An ELF image as the kernel's build makes it ends with its section headers. */
function contentEnd(image: Uint8Array): number {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const headers = Number(view.getBigUint64(40, true));
  const end = headers + view.getUint16(58, true) * view.getUint16(60, true);
  return headers === 0 || end > image.length ? image.length : end;
}
