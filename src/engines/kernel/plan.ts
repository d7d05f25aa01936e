/**
 * Decides how a session will be attached and which processes its hits come from, before anything is compiled:
 * the programs depend on it.
 *
 *     filter                  reaches                         the program lets through     others pay
 *     none                    every process                   all                          -
 *     pids                    a link for each process         those pids                   nothing
 *     pids + children, few    an inherited event a thread     all                          nothing (9 ns)
 *     pids + children, many   every process                   the map `pidSet`             about 1 µs a call
 *     cgroup                  every process                   the cgroup and those below   about 1 µs a call
 *
 * Tracepoints and `profile` happen in every process: their programs let through the same, and with pids those pids, or their family.
 */
import type { HitFilter } from "../../compiler/image.ts";
import { SondeError } from "../../errors/error.ts";
import { hasLostLeader, threadsOf } from "../../sys/procfs.ts";
import type { ProcessFilter } from "../engine.ts";
import { cgroupOf } from "./cgroup.ts";
import type { Features } from "./features.ts";
import { familyOf, inRootPidNamespace, isProcessGone } from "./process-tree.ts";

export type Method = "session" | "multi" | "tracefs" | "perf";
const methods: readonly Method[] = ["session", "multi", "tracefs", "perf"];

/** More events than this (sites × threads) take too long to open and to close. */
const MOST_INHERITED_EVENTS = 32;

export interface Plan {
  readonly method: Method;
  readonly reach: "all" | "process" | "family";
  /** The processes that were named; with "family" and a "set" their descendants belong to them. */
  readonly pids: readonly number[];
  readonly filter: HitFilter;
  /** Of the kernel's own events, which happen in every process. */
  readonly eventFilter: HitFilter;
  readonly notes: readonly string[];
}

export interface PlanRequest {
  readonly filter: ProcessFilter;
  readonly sites: number;
  readonly calls: boolean;
  /** There are tracepoints or timers. */
  readonly events?: boolean;
}

/** SONDE_ATTACH forces one way to attach. */
export function forcedMethod(environment: NodeJS.ProcessEnv = process.env): Method | undefined {
  const wish = environment.SONDE_ATTACH;
  if (wish === undefined || wish === "") return undefined;
  if (!methods.includes(wish as Method))
    throw new SondeError("SONDE_KERNEL_ATTACH", `SONDE_ATTACH=${wish} isn't a way to attach`, { mend: `Use one of ${methods.join(", ")}.` });
  return wish as Method;
}

/** Whether a way works here; "session" is only for calls. */
const works = (method: Method, features: Features): boolean => features[method];

function chooseMethod(request: PlanRequest, features: Features): Method {
  const forced = forcedMethod();
  const method = forced === "session" && !request.calls ? "multi" : forced;
  if (method !== undefined) {
    if (works(method, features)) return method;
    throw new SondeError("SONDE_KERNEL_ATTACH", `SONDE_ATTACH=${method}: this kernel can't attach that way`, {
      mend: "See `sonde doctor` for the ways that work.",
    });
  }
  const found = methods.find((m) => (m !== "session" || request.calls) && works(m, features));
  if (found !== undefined) return found;
  throw new SondeError("SONDE_KERNEL_ATTACH", "this kernel has none of the ways to attach a program to a user-space function", {
    mend: "Use kernel 6.6 or later, or one with CONFIG_UPROBE_EVENTS and a mounted tracefs.",
  });
}

export function makePlan(request: PlanRequest, features: Features): Plan {
  const plan = planSites(request, features);
  const { pids, children } = request.filter;
  if (pids.length === 0 || children) return { ...plan, eventFilter: plan.filter };
  if (request.events === true && !inRootPidNamespace()) {
    throw new SondeError("SONDE_KERNEL_FILTER", "tracepoints and profile() can't be filtered by process inside a PID namespace", {
      why: "their programs see the numbers that processes have outside of it",
      mend: "Give a cgroup (--cgroup), or run sonde outside of the container.",
    });
  }
  return { ...plan, eventFilter: { kind: "pids", pids } };
}

type SitePlan = Omit<Plan, "eventFilter">;

function planSites(request: PlanRequest, features: Features): SitePlan {
  const { pids, children, cgroup } = request.filter;
  const method = chooseMethod(request, features);
  if (cgroup !== undefined) {
    if (pids.length > 0) throw new SondeError("SONDE_KERNEL_FILTER", "a filter by cgroup and one by process can't be combined", { mend: "Give one of them." });
    const group = cgroupOf(cgroup);
    const notes = ["Processes outside the cgroup pay about 1 µs for each call of a probed function, because the kernel can't arm sites for a cgroup alone."];
    return {
      method,
      reach: "all",
      pids: [],
      filter: group.level === 0 ? { kind: "all" } : { kind: "cgroup", ...group },
      notes: group.level === 0 || request.sites === 0 ? [] : notes,
    };
  }
  if (pids.length === 0) return { method, reach: "all", pids: [], filter: { kind: "all" }, notes: [] };
  if (children) return planFamily(request, features, method);
  if ((method === "multi" || method === "session") && !features.processFilter) {
    const notes = ["Other processes pay about 1 µs for each call of a probed function: this kernel's filter by process is faulty (mended in 6.10)."];
    return { method, reach: "all", pids: [], filter: { kind: "pids", pids }, notes };
  }
  // The kernel's own filter knows a process by its first thread's memory, which a thread that has ended hasn't got.
  if (pids.some(hasLostLeader)) return { method, reach: "all", pids, filter: { kind: "pids", pids }, notes: [] };
  // Inside a pid namespace programs see other numbers than we do: there the kernel's own filter must do.
  return { method, reach: "process", pids, filter: inRootPidNamespace() ? { kind: "pids", pids } : { kind: "all" }, notes: [] };
}

function planFamily(request: PlanRequest, features: Features, method: Method): SitePlan {
  const { pids } = request.filter;
  const threads = familyOf(pids).reduce((sum, pid) => sum + threadCount(pid, pids), 0);
  // An enter/leave pair needs an event for each of its two.
  const events = request.sites * threads * (request.calls ? 2 : 1);
  const forced = forcedMethod();
  const few = events <= MOST_INHERITED_EVENTS;
  // Of the kernel's events no child inherits one: its processes are in the set then, for both.
  if (request.events !== true && features.tracefs && features.inherit && (forced === "tracefs" || (forced === undefined && few))) {
    return { method: "tracefs", reach: "family", pids, filter: { kind: "all" }, notes: [] };
  }
  if (request.sites === 0) return { method, reach: "all", pids, filter: { kind: "set" }, notes: [] };
  const why = few
    ? "because this kernel can't follow descendants for these processes alone (6.13 can)"
    : "because descendants are followed at too many sites to arm them for these processes alone";
  const notes = [`Other processes pay about 1 µs for each call of a probed function, ${why}.`];
  return { method, reach: "all", pids, filter: { kind: "set" }, notes };
}

/** A descendant may end at any moment; a process that was named must be there. */
function threadCount(pid: number, named: readonly number[]): number {
  try {
    return threadsOf(pid).length;
  } catch (error) {
    if (named.includes(pid) || !isProcessGone(error)) throw error;
    return 0;
  }
}
