/** Arms a session in the kernel: maps, programs, then the links; whatever fails, all of it is given back. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Site } from "../../symbols/site.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { kernelVersion, possibleCpus } from "../../sys/host.ts";
import type { ArmProbe } from "../engine.ts";
import { KernelArmed } from "./armed.ts";
import { type Attach, Attachment, type Hook, type Scope } from "./attach/attachment.ts";
import { sweepDefinitions } from "./attach/definitions.ts";
import { attachEvents } from "./attach/kernel-events.ts";
import { attachPerf } from "./attach/perf-uprobe.ts";
import { attachTracefs } from "./attach/tracefs-uprobe.ts";
import { attachMulti } from "./attach/uprobe-multi.ts";
import { type ExecWatch, watchExec } from "./exec-watch.ts";
import type { Features } from "./features.ts";
import { type Following, followChildren } from "./follow-children.ts";
import { kernelTypes } from "./kernel-types.ts";
import { loadOne } from "./load.ts";
import { createMaps, type KernelMaps } from "./maps.ts";
import type { Method, Plan } from "./plan.ts";
import { familyOf, inRootPidNamespace, isProcessGone } from "./process-tree.ts";
import { linksKeepProcess, loadHolder, rearm } from "./rearm.ts";
import { checkReturns, returnsInGo } from "./refuse-returns.ts";
import { withDepthCounting } from "./return-depth.ts";
import { loadSessionTypes, type SessionTypes } from "./session-types.ts";

const ways: { readonly [M in Method]: { readonly attach: Attach; readonly name: string } } = {
  session: { attach: attachMulti, name: "uprobe_multi session" },
  multi: { attach: attachMulti, name: "uprobe_multi" },
  tracefs: { attach: attachTracefs, name: "tracefs uprobes" },
  perf: { attach: attachPerf, name: "perf uprobes" },
};

export function armSession(asked: SessionImage, askedProbes: readonly ArmProbe[], plan: Plan, features: Features): KernelArmed {
  const { image, probes, map: depth } = withDepthCounting(asked, askedProbes, kernelTypes());
  const { attach, name } = ways[plan.method];
  const multi = plan.method === "multi" || plan.method === "session";
  const notes = [...plan.notes, ...checkReturns(image, probes, plan.pids)];
  sweepDefinitions();
  const types = loadSessionTypes(image);
  const maps = mapsOf(image, types);
  const programs: number[] = [];
  const attachments: Attachment[] = [];
  let following: Following | undefined;
  let watch: ExecWatch | undefined;
  try {
    for (const program of image.programs) programs.push(loadOne(image, program, { maps: maps.fds, multi, isa: features.isa, types }));
    // Maps and programs hold it from now on.
    types.close();
    if (plan.filter.kind === "set" && image.pidSet !== undefined) following = followChildren(maps.fds[image.pidSet]!, plan.pids);
    const processes = new Set<number>();
    const family = plan.reach === "family" ? familyOf(plan.pids) : plan.pids;
    for (const probe of probes) attachments.push(...attachEvents(image, probe, programs));
    // The kernel runs first what was attached last: backwards, so that handlers run in the order of the script.
    for (const probe of probes.toReversed()) {
      for (const scope of scopesOf(probe, plan, family)) {
        if (scope.kind === "process") processes.add(scope.pid);
        const descendant = scope.kind === "family" && !plan.pids.includes(scope.pid);
        for (const hook of hooksOf(image, probe, programs)) {
          try {
            attachments.push(attach(hook, scope));
          } catch (error) {
            // A descendant that has ended meanwhile isn't missed.
            if (!descendant || !isProcessGone(error)) throw error;
          }
        }
      }
    }
    if (processes.size > 0 && inRootPidNamespace()) {
      const loaded = linksKeepProcess(kernelVersion(), multi) ? loadHolder() : -1;
      const holder = loaded < 0 ? undefined : loaded;
      if (holder !== undefined) programs.push(holder);
      watch = watchExec([...processes], (pid, time) => {
        const old = rearm(attachments, pid, attach, holder);
        if (old === undefined) return;
        notes.push(`Process ${pid} executed a program by a thread other than its first: its first ${microseconds(time)} µs after that were not probed.`);
        // Closing waits for the kernel: not before whatever else has to be armed again at this moment.
        setImmediate(() => Attachment.close(old));
      });
    }
  } catch (error) {
    watch?.close();
    following?.close();
    Attachment.close(attachments);
    types.close();
    closeAll(programs);
    maps.close();
    throw error;
  }
  const sites = probes.reduce((sum, probe) => sum + probe.sites.length + (probe.events?.length ?? 0), 0);
  return new KernelArmed({ image, maps, programs, attachments, cpus: possibleCpus(), method: methodOf(name, probes), sites, notes, following, watch, depth });
}

/** The kernel's own events have a perf event each, however places in files are attached. */
function methodOf(places: string, probes: readonly ArmProbe[]): string {
  if (probes.every(({ events }) => (events?.length ?? 0) === 0)) return places;
  return probes.every(({ sites }) => sites.length === 0) ? "perf events" : `${places}, perf events`;
}

function mapsOf(image: SessionImage, types: SessionTypes): KernelMaps {
  try {
    return createMaps(image, types);
  } catch (error) {
    types.close();
    throw error;
  }
}

const microseconds = (since: bigint): bigint => (process.hrtime.bigint() - since) / 1000n;

function scopesOf(probe: ArmProbe, plan: Plan, family: readonly number[]): Scope[] {
  if (probe.pids !== undefined) return probe.pids.map((pid) => ({ kind: "process", pid }));
  const { reach } = plan;
  return reach === "all" ? [{ kind: "all" }] : family.map((pid) => ({ kind: reach, pid }));
}

/** A hook for each program and file of a probe; a function of Go has its return probed at each of its `ret` instructions. */
function hooksOf(image: SessionImage, probe: ArmProbe, programs: readonly number[]): Hook[] {
  const byPath = new Map<string, number[]>();
  for (const [i, site] of probe.sites.entries()) {
    const group = byPath.get(site.path);
    if (group === undefined) byPath.set(site.path, [i]);
    else group.push(i);
  }
  return probe.programs.flatMap((program) =>
    [...byPath].map(([path, indices]) => {
      const { runs } = image.programs[program]!;
      const of = { probe: probe.probe, program: programs[program]!, path };
      if (runs !== "return" || !returnsInGo(probe))
        return { ...of, runs, sites: indices.map((i) => probe.sites[i]!), cookies: indices.map((i) => probe.cookies[i]!) };
      const returns = indices.flatMap((i) => returnSites(probe.sites[i]!).map((site) => ({ site, cookie: probe.cookies[i]! })));
      return { ...of, runs: "entry" as const, sites: returns.map(({ site }) => site), cookies: returns.map(({ cookie }) => cookie) };
    }),
  );
}

const returnSites = (site: Site): Site[] => (site.go?.returns ?? []).map((at) => ({ ...site, offset: site.functionOffset + at, delta: at }));
