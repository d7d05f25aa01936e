/** The engine that stands on the kernel's uprobes: eBPF programs attached to sites. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Target } from "../../compiler/target.ts";
import { possibleCpus } from "../../sys/host.ts";
import type { Armed, ArmProbe, Availability, Engine, ProcessFilter } from "../engine.ts";
import { armSession } from "./arm.ts";
import { availability } from "./availability.ts";
import { features } from "./features.ts";
import { kernelTypes } from "./kernel-types.ts";
import { makePlan, type Plan, type PlanRequest } from "./plan.ts";

/** Room for about a third of a second at 300,000 events of 32 bytes a second. */
const RING_BYTES = 1 << 22;

/** One engine serves one session at a time: `arm` goes by what `target` decided for the same filter. */
export class KernelEngine implements Engine {
  readonly name = "kernel";
  #decided: { readonly filter: ProcessFilter; readonly plan: Plan } | undefined;

  available(): Availability {
    return availability();
  }

  target(request: PlanRequest): Target {
    const able = features();
    const plan = makePlan(request, able);
    this.#decided = { filter: request.filter, plan };
    return {
      sessions: plan.method === "session",
      sleepable: able.sleepable,
      kfuncs: new Set(Object.keys(kernelTypes().functions)),
      isa: able.isa,
      cpus: possibleCpus(),
      extendedContext: false,
      writesRegisters: able.writesRegisters,
      filter: plan.filter,
      eventFilter: plan.eventFilter,
      stacks: "both",
      callersAtPush: able.callersAtPush,
      ringBytes: RING_BYTES,
    };
  }

  async arm(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Promise<Armed> {
    return armSession(image, probes, this.#planFor(image, probes, filter), features());
  }

  #planFor(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Plan {
    if (this.#decided !== undefined && sameFilter(this.#decided.filter, filter)) return this.#decided.plan;
    const sites = probes.reduce((sum, probe) => sum + probe.sites.length, 0);
    const events = image.programs.some(({ on }) => on !== undefined);
    return makePlan({ filter, sites, calls: image.programs.some((program) => program.runs === "session"), events }, features());
  }
}

const sameFilter = (a: ProcessFilter, b: ProcessFilter): boolean =>
  a.children === b.children && a.cgroup === b.cgroup && a.pids.length === b.pids.length && a.pids.every((pid, i) => pid === b.pids[i]);
