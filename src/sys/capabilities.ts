/** Which capabilities this process has (capabilities(7)). */
import { readFileSync } from "node:fs";

/** Bit numbers in CapEff, of those that sonde asks about. */
const bits = { CAP_KILL: 5, CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21, CAP_SYS_RESOURCE: 24, CAP_PERFMON: 38, CAP_BPF: 39 } as const;
export type Capability = keyof typeof bits;

/** The effective capabilities of this process, read anew at each call. */
export function effectiveCapabilities(): ReadonlySet<Capability> {
  return parseCapabilities(readFileSync("/proc/self/status", "latin1"));
}

/** The effective capabilities in the text of a /proc/PID/status. */
export function parseCapabilities(status: string): ReadonlySet<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  return new Set((Object.keys(bits) as Capability[]).filter((name) => (mask >> BigInt(bits[name])) & 1n));
}

/** Whether it may load tracing programs: CAP_BPF and CAP_PERFMON, both contained in CAP_SYS_ADMIN. */
export function mayTrace(have: ReadonlySet<Capability> = effectiveCapabilities()): boolean {
  return have.has("CAP_SYS_ADMIN") || (have.has("CAP_BPF") && have.has("CAP_PERFMON"));
}
