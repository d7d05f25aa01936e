/**
 * A file for each tracer that lives, in the folder of what is kept between runs: one whose tracer is dead tells the next
 * start that breakpoints may have been left somewhere. Looking takes microseconds; searching all processes would not.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../../sys/cache-folder.ts";
import type { Owner } from "./area.ts";
import { isOwnerAlive } from "./owner.ts";

/** Processes of each kind have a folder of their own. */
const TRACERS = "tracers";
const folderOf = (kind: string): string => join(cacheFolder(), kind);
const nameOf = ({ pid, start }: Owner): string => `${pid}-${start}`;

export function leaveMarker(owner: Owner, kind = TRACERS): void {
  mkdirSync(folderOf(kind), { recursive: true, mode: 0o700 });
  writeFileSync(join(folderOf(kind), nameOf(owner)), "");
}
export function removeMarker(owner: Owner, kind = TRACERS): void {
  rmSync(join(folderOf(kind), nameOf(owner)), { force: true });
}

/** Tracers that ended without taking out what they had armed. */
export function deadTracers(kind = TRACERS): Owner[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(kind));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const [, pid, start] = /^(\d+)-(\d+)$/.exec(name) ?? [];
    if (pid === undefined || start === undefined) return [];
    const owner = { pid: Number(pid), start: BigInt(start) };
    return isOwnerAlive(owner) ? [] : [owner];
  });
}
