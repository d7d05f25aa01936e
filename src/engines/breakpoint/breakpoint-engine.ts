/** The engine of our own breakpoints: a tracer process arms the places in the processes that it may trace, and runs the handlers itself. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Target } from "../../compiler/target.ts";
import { type ErrorParts, SondeError } from "../../errors/error.ts";
import type { Armed, ArmProbe, Availability, Engine, ProcessFilter } from "../engine.ts";
import { processesOf } from "../own-processes.ts";
import { OWN_TARGET } from "../own-target.ts";
import { availability } from "./availability.ts";
import { BreakpointArmed, stampsOf } from "./client/armed.ts";
import { recoverWhatIsLeft } from "./client/recovery.ts";
import { SessionMemory } from "./client/session-memory.ts";
import { TracerProcess } from "./client/tracer-process.ts";
import type { WireProbe } from "./protocol.ts";

export class BreakpointEngine implements Engine {
  readonly name = "breakpoint";

  available(): Availability {
    return availability();
  }

  target(): Target {
    // One thread runs all programs.
    return { ...OWN_TARGET, cpus: 1, stacks: "user" };
  }

  async arm(image: SessionImage, probes: readonly ArmProbe[], filter: ProcessFilter): Promise<Armed> {
    if (filter.cgroup !== undefined)
      throw new SondeError("SONDE_ENGINE_LACKS", "the engine breakpoint can't choose processes by cgroup", {
        mend: "Name the processes with -p, or use the engine kernel.",
      });
    await recoverWhatIsLeft();
    const files = stampsOf(probes);
    // Before the tracer is one of our descendants.
    const pids = processesOf(probes, filter);
    const memory = new SessionMemory(image);
    const tracer = new TracerProcess(memory.fd);
    try {
      const answered = tracer.answer(["armed", "failed"]);
      tracer.send({ kind: "arm", image, probes: probes.map(wire), pids, named: filter.pids, children: filter.children, held: filter.held });
      const answer = await answered.catch((how: string) => {
        throw new SondeError("SONDE_TRACER_LOST", "the tracer has ended while it armed", {
          why: `its process ended with ${how}`,
          mend: "Run the script again; if it happens again, it is a bug in sonde.",
        });
      });
      if (answer.kind === "failed") {
        const { code, message, ...facts } = answer.error;
        throw new SondeError(code as `SONDE_${string}`, message, facts as ErrorParts);
      }
      return new BreakpointArmed({ image, probes, tracer, memory, sites: answer.sites, notes: answer.notes, files, recover: recoverWhatIsLeft });
    } catch (error) {
      tracer.close();
      await tracer.ended;
      memory.close();
      throw error;
    } finally {
      tracer.idle();
    }
  }
}

function wire(probe: ArmProbe): WireProbe {
  return {
    probe: probe.probe,
    programs: probe.programs,
    pids: probe.pids,
    intercept: probe.intercept === undefined ? undefined : { enter: probe.intercept.enter, leave: probe.intercept.leave },
    sites: probe.sites.map((site, i) => ({
      path: site.path,
      display: site.display,
      device: site.file.device,
      inode: site.file.inode,
      offset: site.offset,
      functionOffset: site.functionOffset,
      size: site.size,
      name: site.name,
      cookie: probe.cookies[i] ?? 0,
      stackDelta: site.stackDelta,
      semaphore: site.usdt?.semaphore && Number(site.usdt.semaphore.address - site.address),
    })),
  };
}
