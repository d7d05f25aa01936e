/** Which processes the engines arm that arm processes one by one. */
import type { ArmProbe, ProcessFilter } from "./engine.ts";
import { familyOf } from "./kernel/process-tree.ts";

/** The processes that are meant; none: all. Descendants that are there already belong to them, where children are followed. */
export function processesOf(probes: readonly ArmProbe[], filter: ProcessFilter): readonly number[] {
  if (filter.pids.length > 0) {
    if (!filter.children) return filter.pids;
    const family = familyOf(filter.pids);
    const others = family.filter((pid) => pid !== process.pid);
    // With their descendants, sonde's own ancestors may be named, and this process among them: whoever traces can't be traced.
    return others.length > 0 ? others : family;
  }
  return probes.every(({ pids }) => pids !== undefined) ? [...new Set(probes.flatMap(({ pids }) => pids ?? []))] : [];
}
