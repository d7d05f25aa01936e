/** The engine that stands on the kernel's uprobes: eBPF programs attached to sites. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Target } from "../../compiler/target.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { possibleCpus } from "../../sys/host.ts";
import { mayTrace } from "../../sys/capabilities.ts";
import type { ArmProbe, Armed, Availability, Engine, ProcessFilter } from "../engine.ts";
import { KernelArmed } from "./armed.ts";
import type { Attachment, Hook } from "./attach/attachment.ts";
import { attachMulti } from "./attach/uprobe-multi.ts";
import { kernelTypes } from "./kernel-types.ts";
import { loadOne } from "./load.ts";
import { createMaps } from "./maps.ts";

const RING_BYTES = 1 << 20;

export class KernelEngine implements Engine {
  readonly name = "kernel";

  available(): Availability {
    return mayTrace() ? { ok: true } : { ok: false, why: "this process lacks CAP_BPF and CAP_PERFMON", mend: "Run as root." };
  }

  target(request: { readonly filter: ProcessFilter; readonly sites: number; readonly calls: boolean }): Target {
    const { pids } = request.filter;
    return {
      sessions: request.calls, sleepable: true, kfuncs: new Set(Object.keys(kernelTypes().functions)), isa: 4, cpus: possibleCpus(), ringBytes: RING_BYTES,
      filter: pids.length > 0 ? { kind: "pids", pids } : { kind: "all" },
    };
  }

  async arm(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Promise<Armed> {
    const maps = createMaps(image);
    const programs: number[] = [];
    const attachments: Attachment[] = [];
    try {
      for (const program of image.programs) programs.push(loadOne(image, program, maps.fds, true, 4));
      // The kernel runs the consumer that came last first.
      for (const probe of probes.toReversed()) {
        for (const hook of hooksOf(image, probe, programs)) {
          const pids = probe.pids ?? filter.pids;
          if (pids.length === 0) attachments.push(attachMulti(hook, { kind: "all" }));
          for (const pid of pids) attachments.push(attachMulti(hook, { kind: "process", pid }));
        }
      }
      const sites = probes.reduce((sum, probe) => sum + probe.sites.length, 0);
      return new KernelArmed({ image, maps, programs, attachments, cpus: possibleCpus(), method: "uprobe_multi", sites, notes: [] });
    } catch (error) {
      for (const attachment of attachments) attachment.close();
      closeAll(programs);
      maps.close();
      throw error;
    }
  }
}

/** A hook for each file and program of a probe. */
function hooksOf(image: SessionImage, probe: ArmProbe, programs: readonly number[]): Hook[] {
  const byPath = new Map<string, number[]>();
  for (const [i, site] of probe.sites.entries()) {
    const group = byPath.get(site.path);
    if (group === undefined) byPath.set(site.path, [i]);
    else group.push(i);
  }
  return probe.programs.flatMap((program) => [...byPath].map(([path, indices]) => ({
    probe: probe.probe, runs: image.programs[program]!.runs, program: programs[program]!, path,
    sites: indices.map((i) => probe.sites[i]!), cookies: indices.map((i) => probe.cookies[i]!),
  })));
}
