/** Who made an area: a process's id and when it started, which together nobody has again. */
import { readFileSync } from "node:fs";
import type { Owner } from "./area.ts";

/** Field 22 of /proc/PID/stat, in clock ticks since the boot; undefined if there is no such process. */
export function startOf(pid: number): bigint | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : BigInt(fields[19] ?? 0);
  } catch {
    return undefined;
  }
}

let own: Owner | undefined;
export const ownIdentity = (): Owner => (own ??= { pid: process.pid, start: startOf(process.pid) ?? 0n });
/** Of an area that nobody uses. */
export const NOBODY: Owner = { pid: 0, start: 0n };
export const isOwnerAlive = (owner: Owner): boolean => startOf(owner.pid) === owner.start;
