/** What a probe stands on, whatever its kind. */
import type { Resolved } from "./in-files.ts";
import { type ResolveOptions, resolveTarget } from "./resolve.ts";
import { resolveUsdt } from "./usdt/resolve.ts";

/** What a target names. */
export type TargetKind = "function" | "usdt";

/** The sites of a function's or a static probe's target. Throws what `resolveTarget` and `resolveUsdt` throw. */
export const resolveProbe = (target: string, kind: TargetKind, options: ResolveOptions): Resolved =>
  kind === "usdt" ? resolveUsdt(target, options.pids ?? []) : resolveTarget(target, options);
