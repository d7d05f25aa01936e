/** What a probe stands on, whatever its kind. */
import type { Resolved } from "./in-files.ts";
import { resolveInterval, resolveProfile, resolveTracepoint } from "./kernel/events.ts";
import { type ResolveOptions, resolveTarget } from "./resolve.ts";
import { resolveUsdt } from "./usdt/resolve.ts";

/** What a target names. */
export type TargetKind = "function" | "usdt" | "tracepoint" | "interval" | "profile";

/** Which one the function of the vocabulary means that a handler is given to. */
export const kindOf = (register: "uprobe" | "uretprobe" | "intercept" | TargetKind): TargetKind =>
  register === "uprobe" || register === "uretprobe" || register === "intercept" ? "function" : register;

/** The sites of a target. Throws what `resolveTarget`, `resolveUsdt`, `resolveTracepoint`, `resolveInterval` and `resolveProfile` throw. */
export function resolveProbe(target: string, kind: TargetKind, options: ResolveOptions): Resolved {
  switch (kind) {
    case "function":
      return resolveTarget(target, options);
    case "usdt":
      return resolveUsdt(target, options.pids ?? []);
    case "tracepoint":
      return resolveTracepoint(target);
    case "interval":
      return resolveInterval(target);
    case "profile":
      return resolveProfile(target);
  }
}
