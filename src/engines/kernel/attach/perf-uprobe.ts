/** Arms sites by perf's own uprobe unit, one event each: needs no tracefs, but CAP_SYS_ADMIN on newer kernels. */
import { SondeError } from "../../../errors/error.ts";
import { closeLinks } from "../../../sys/descriptor.ts";
import { openUprobeEvent, uprobeUnit } from "../../../sys/perf-event.ts";
import { Attachment, counterOf, type Hook, type Scope } from "./attachment.ts";
import { linkEvents, openEvents } from "./events.ts";
import { siteError } from "./site-error.ts";

export function attachPerf(hook: Hook, scope: Scope): Attachment {
  const unit = uprobeUnit();
  if (unit === undefined)
    throw new SondeError("SONDE_KERNEL_TOO_OLD", "this kernel has no uprobe unit in perf", {
      mend: "Use kernel 4.17 or later, or let sonde choose the way to attach.",
    });
  const fds: number[] = [];
  try {
    for (const [i, site] of hook.sites.entries()) {
      const events = openEvents(scope, (of) =>
        openUprobeEvent(unit, { path: hook.path, offset: site.offset, atReturn: hook.runs === "return", counter: counterOf(site) }, of),
      );
      if (typeof events === "number") throw siteError("perf_event_open", -events, site, hook.path, scope);
      const linked = linkEvents(hook.program, hook.cookies[i]!, events, true);
      if (typeof linked === "number") throw siteError("bpf(BPF_LINK_CREATE)", -linked, site, hook.path, scope);
      fds.push(...linked);
    }
  } catch (error) {
    closeLinks(fds);
    throw error;
  }
  return new Attachment(hook, scope, fds);
}
