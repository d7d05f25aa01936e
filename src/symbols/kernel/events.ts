/** From what a script writes to the kernel's events: tracepoints by their names, timers by their periods and rates. */
import { tracepointFields } from "../../btf/tracepoint-format.ts";
import { SondeError } from "../../errors/error.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import type { Signature } from "../../schema/ctypes.ts";
import type { Resolved } from "../in-files.ts";
import type { FunctionSite, KernelEvent } from "../site.ts";
import { findTracepoints, formatOf, numberOf } from "./tracepoints.ts";
import { kernelTypes } from "./types.ts";

/** Not a place in a file. */
const NOWHERE = { path: "", display: "the kernel", file: { device: -1n, inode: 0n }, address: 0n, size: 0, aliases: [], delta: 0 } as const;

/** One for each event; `functionOffset` tells them apart. */
const siteOf = (name: string, event: KernelEvent, number: number): FunctionSite => ({ ...NOWHERE, name, functionOffset: number, event });

/** Throws SONDE_TARGET, SONDE_TRACEPOINT_NOT_FOUND, SONDE_KERNEL_TRACEFS. */
export function resolveTracepoint(target: string): Resolved {
  if (!/^[^:]+:[^:]+$/.test(target)) {
    throw new SondeError("SONDE_TARGET", `${JSON.stringify(target)} isn't a tracepoint`, {
      where: target,
      mend: "Write group:name, as in sched:sched_switch.",
    });
  }
  const sites = findTracepoints(target).map((name) => {
    const id = numberOf(name);
    return siteOf(name, { kind: "tracepoint", id }, id);
  });
  return { sites, notes: [] };
}

/** The record's fields, with the kernel's own types where it tells of them. */
export function recordSignature({ name }: Pick<FunctionSite, "name">): Signature {
  const types = unlessRefused(kernelTypes);
  return { params: [], ret: { k: "void" }, record: tracepointFields(formatOf(name), types), structs: types?.structs ?? {} };
}

const UNITS: { readonly [unit: string]: number } = { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
/** perf's own timers aren't shorter (kernel/events/core.c, perf_swevent_start_hrtimer). */
const SHORTEST = 10_000;
const LONGEST = 24 * 3600e9;
const FASTEST = 1e9 / SHORTEST;

/** `interval("100ms")`. Throws SONDE_PERIOD. */
export function resolveInterval(text: string): Resolved {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text) ?? [];
  const ns = Math.round(Number(amount) * (UNITS[unit ?? ""] ?? Number.NaN));
  if (!(ns >= SHORTEST && ns <= LONGEST)) {
    throw new SondeError("SONDE_PERIOD", `${JSON.stringify(text)} isn't a period`, {
      why: "it is a number with a unit, us, ms, s, m or h, from 10us to 24h",
      mend: 'Write "100ms", "1s", "5m".',
    });
  }
  return { sites: [siteOf(text, { kind: "interval", ns }, ns)], notes: [] };
}

/** `profile("99hz")`. Throws SONDE_PERIOD. */
export function resolveProfile(text: string): Resolved {
  const rate = Number(/^(\d+(?:\.\d+)?)hz$/.exec(text)?.[1]);
  if (!(rate > 0 && rate <= FASTEST && rate >= 1e9 / LONGEST)) {
    throw new SondeError("SONDE_PERIOD", `${JSON.stringify(text)} isn't a rate`, {
      why: `it is a number of times a second on each CPU with the unit hz, at most ${FASTEST}hz`,
      mend: 'Write "99hz".',
    });
  }
  return { sites: [siteOf(text, { kind: "profile", ns: Math.round(1e9 / rate) }, Math.round(1e9 / rate))], notes: [] };
}
