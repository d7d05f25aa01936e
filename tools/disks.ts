/** Names of disks and partitions by the numbers that the kernel's block events have of them. */
import { readFileSync } from "node:fs";

const names = new Map<number, string>();

function look(): void {
  for (const line of readFileSync("/proc/partitions", "utf8").split("\n")) {
    const [, major, minor, name] = /^\s*(\d+)\s+(\d+)\s+\d+\s+(\S+)$/.exec(line) ?? [];
    if (name !== undefined) names.set((Number(major) << 20) | Number(minor), name);
  }
}

/** `dev`: major << 20 | minor. */
export function diskName(dev: number): string {
  if (!names.has(dev)) look();
  return names.get(dev) ?? `${dev >> 20}:${dev & 0xfffff}`;
}
