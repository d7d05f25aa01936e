/** Arms the kernel's own events: a perf event for each tracepoint, and for each timer of a CPU, with the program on it. */
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeError } from "../../../errors/error.ts";
import type { KernelEvent } from "../../../symbols/site.ts";
import { closeLinks } from "../../../sys/descriptor.ts";
import { callError, errno } from "../../../sys/errno.ts";
import { onlineCpus } from "../../../sys/host.ts";
import { openTimerEvent, openTracepointEvent } from "../../../sys/perf-event.ts";
import type { ArmProbe } from "../../engine.ts";
import { Attachment } from "./attachment.ts";
import { linkEvents } from "./events.ts";

/** All of a probe's, or none: throws a SondeError that names the one that failed. */
export function attachEvents(image: SessionImage, { probe, programs, events, cookies }: ArmProbe, loaded: readonly number[]): Attachment[] {
  const attachments: Attachment[] = [];
  try {
    for (const [i, { event, name }] of (events ?? []).entries()) {
      for (const index of programs) {
        const program = loaded[index]!;
        const hook = { probe, runs: image.programs[index]!.runs, program, path: name, sites: [], cookies: [cookies[i]!] };
        attachments.push(new Attachment(hook, { kind: "all" }, attachOne(event, name, program, cookies[i]!)));
      }
    }
  } catch (error) {
    Attachment.close(attachments);
    throw error;
  }
  return attachments;
}

/** The descriptors that hold it. */
function attachOne(event: KernelEvent, name: string, program: number, cookie: number): number[] {
  const fds: number[] = [];
  for (const cpu of event.kind === "tracepoint" ? [-1] : event.kind === "profile" ? onlineCpus() : onlineCpus().slice(0, 1)) {
    const fd = event.kind === "tracepoint" ? openTracepointEvent(event.id, { thread: -1, inherit: false }) : openTimerEvent(cpu, event.ns);
    // A CPU that was taken away meanwhile has no timer.
    if (fd === -errno.ENODEV && event.kind === "profile") continue;
    if (fd < 0) throw failed("perf_event_open", -fd, name, fds);
    const linked = linkEvents(program, cookie, [fd], false);
    if (typeof linked === "number") throw failed("bpf(BPF_LINK_CREATE)", -linked, name, fds);
    fds.push(...linked);
  }
  return fds;
}

function failed(call: string, code: number, name: string, fds: readonly number[]): SondeError {
  closeLinks(fds);
  if (code === errno.EOPNOTSUPP || code === errno.ENOENT)
    return new SondeError("SONDE_KERNEL_ATTACH", `the kernel has no events for ${name}`, {
      mend: "Use a kernel with CONFIG_PERF_EVENTS and CONFIG_BPF_EVENTS.",
    });
  return callError(call, code, { doing: `arm ${name}`, needs: ["CAP_PERFMON"] });
}
