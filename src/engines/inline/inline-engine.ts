/**
 * The engine of jumps: handlers are made machine code that runs in the target itself. Processes are armed one by one, and nothing
 * is attached to them afterwards.
 */
import type { SessionImage } from "../../compiler/image.ts";
import type { Target } from "../../compiler/target.ts";
import { SondeError } from "../../errors/error.ts";
import { possibleCpus } from "../../sys/host.ts";
import { counterIsSteady, hasRdpid } from "../../sys/time-stamp-counter.ts";
import { availability } from "../breakpoint/availability.ts";
import type { Armed, ArmProbe, Availability, Engine, ProcessFilter } from "../engine.ts";
import { processesOf } from "../own-processes.ts";
import { ArmerProcess, recoverArenas } from "./attach/arm.ts";
import { InlineSession } from "./client/inline-armed.ts";
import { InlineMemory } from "./client/inline-memory.ts";
import { planFiles } from "./client/plan.ts";
import { Processes } from "./client/processes.ts";
import { inlineTarget } from "./code/inline-code.ts";
import { planInline } from "./memory/layout.ts";

const RING_BYTES = 1 << 22;

export class InlineEngine implements Engine {
  readonly name = "inline";

  available(): Availability {
    const traced = availability();
    if (!traced.ok) return traced;
    return counterIsSteady()
      ? traced
      : { ok: false, why: "the processor's time stamp counter isn't steady (constant_tsc and nonstop_tsc), and handlers have no other clock" };
  }

  target(): Target {
    return inlineTarget(2 ** Math.ceil(Math.log2(possibleCpus())), RING_BYTES);
  }

  async arm(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Promise<Armed> {
    if (filter.cgroup !== undefined) throw lacks("can't choose processes by cgroup");
    await recoverArenas();
    const plan = planFiles(image, probes);
    // Before the arming process is one of our descendants.
    const pids = processesOf(probes, filter);
    const everyone = pids.length === 0;
    const memory = new InlineMemory(image, planInline(image));
    const armer = new ArmerProcess({ fd: memory.fd, bytes: memory.layout.bytes });
    try {
      const notes: string[] = [];
      const processes = new Processes({ plan, image, armer, features: { rdpid: hasRdpid() }, filter, everyone, note: (text) => notes.push(text) });
      const session = new InlineSession({ image, armer, memory, processes, sites: plan.sites, notes });
      if (everyone) await processes.armEveryone();
      if (everyone || filter.children)
        notes.push("Programs that start later, and children, are probed some moments after that: the engine kernel sees them from their first instruction.");
      for (const pid of pids) if (pid !== filter.held) await processes.arm(pid);
      if (filter.held !== undefined) await follow(armer, filter.held, processes, session);
      processes.watch();
      return session;
    } catch (error) {
      await armer.close();
      memory.close();
      throw error;
    }
  }
}

/** A command that is still to be executed: armed at its program's entry. */
async function follow(armer: ArmerProcess, pid: number, processes: Processes, session: InlineSession): Promise<void> {
  const followed = await armer.follow(pid);
  void (async () => {
    for (let ended = await followed.entered; !ended; ended = await followed.again()) if ((await processes.arm(pid)) > 0) return await followed.resume();
  })().catch(async (error: unknown) => {
    if (!(error instanceof SondeError)) throw error;
    session.fail(error);
    await followed.resume().catch(() => {});
  });
}

const lacks = (what: string): SondeError =>
  new SondeError("SONDE_ENGINE_LACKS", `the engine inline ${what}`, { mend: "Name processes with -p, start a command with -c, or use the engine kernel." });
