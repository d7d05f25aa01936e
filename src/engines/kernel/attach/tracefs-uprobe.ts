/** Arms sites by definitions in tracefs, each a perf event (or one a thread, inherited by its children) with the program on it. */
import { closeSync, openSync } from "node:fs";
import { SondeError } from "../../../errors/error.ts";
import type { Site } from "../../../symbols/site.ts";
import { closeLinks } from "../../../sys/descriptor.ts";
import { openTracepointEvent } from "../../../sys/perf-event.ts";
import { defineUprobe, eventId, mountTracefs, tracefs } from "../../../sys/tracefs.ts";
import { Attachment, counterOf, type Hook, type Scope } from "./attachment.ts";
import { ourGroup } from "./definitions.ts";
import { linkEvents, openEvents } from "./events.ts";
import { siteError } from "./site-error.ts";

/** Counts this process's definitions, so that each has a name of its own. */
let serial = 0;

const counterText = (site: Site): string => (counterOf(site) > 0 ? `(0x${counterOf(site).toString(16)})` : "");

export function attachTracefs(hook: Hook, scope: Scope): Attachment {
  const folder = tracefs() ?? mountTracefs();
  if (folder === undefined) {
    throw new SondeError("SONDE_KERNEL_TRACEFS", "the kernel's tracing file system isn't mounted, and it can't be mounted here", {
      mend: "mount -t tracefs nodev /sys/kernel/tracing",
    });
  }
  const group = ourGroup();
  const fds: number[] = [];
  const names: string[] = [];
  const undefine = (): void => {
    for (const name of names) defineUprobe(folder, `-:${group}/${name}`);
  };
  // Definitions are split at blanks: such a path is given by a descriptor of ours.
  const file = /\s/.test(hook.path) ? openSync(hook.path, "r") : undefined;
  const path = file === undefined ? hook.path : `/proc/${process.pid}/fd/${file}`;
  try {
    for (const [i, site] of hook.sites.entries()) {
      const fail = (call: string, code: number): never => {
        throw siteError(call, -code, site, hook.path, scope);
      };
      const name = `s${serial++}`;
      const defined = defineUprobe(folder, `${hook.runs === "return" ? "r" : "p"}:${group}/${name} ${path}:0x${site.offset.toString(16)}${counterText(site)}`);
      if (defined < 0) fail("write to uprobe_events", defined);
      names.push(name);
      const id = eventId(folder, group, name);
      if (id === undefined) return fail("read the event's id", -2);
      const events = openEvents(scope, (of) => openTracepointEvent(id, of));
      if (typeof events === "number") return fail("perf_event_open", events);
      const linked = linkEvents(hook.program, hook.cookies[i]!, events, false);
      if (typeof linked === "number") return fail("bpf(BPF_LINK_CREATE)", linked);
      fds.push(...linked);
    }
  } catch (error) {
    closeLinks(fds);
    undefine();
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
  return new Attachment(hook, scope, fds, undefine);
}
