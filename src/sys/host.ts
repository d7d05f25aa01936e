/** Facts about this machine: kernel version, boot, CPUs, page size, kernel settings. */
import { readFileSync } from "node:fs";
import { release } from "node:os";

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  readonly text: string;
}

export function kernelVersion(): KernelVersion {
  const text = release();
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major), minor: Number(minor), text };
}

export function atLeast(version: KernelVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** Another at each boot. */
export function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id") ?? "unknown";
}

/** CPUs that there could ever be: what per-CPU map values are sized by. "0-3,8" counts 5. */
export function possibleCpus(): number {
  return cpuCount(read("/sys/devices/system/cpu/possible") ?? "0");
}

/** Those that run now, by their numbers. */
export function onlineCpus(): number[] {
  return cpuList(read("/sys/devices/system/cpu/online") ?? "0");
}

export const cpuCount = (list: string): number => cpuList(list).length;

function cpuList(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((range) => {
      const [from = "0", to = from] = range.split("-");
      return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
    });
}

const AT_PAGESZ = 6n;
let page: number | undefined;

/** Bytes of a page, as the kernel told this process in its auxiliary vector (getauxval(3)). */
export function pageSize(): number {
  if (page !== undefined) return page;
  const words = new BigUint64Array(Uint8Array.from(readFileSync("/proc/self/auxv")).buffer);
  page = 4096;
  for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === AT_PAGESZ) page = Number(words[i + 1]);
  return page;
}

/** A kernel setting such as "kernel/perf_event_paranoid", undefined if there is none or it may not be read. */
export function setting(name: string): string | undefined {
  return read(`/proc/sys/${name}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return undefined;
  }
}
