/** Programs on perf events: which threads need an event of their own, and the program linked to one of them. */
import { linkPerfEvent } from "../../../sys/bpf.ts";
import { closeAll } from "../../../sys/descriptor.ts";
import { errno } from "../../../sys/errno.ts";
import type { EventScope } from "../../../sys/perf-event.ts";
import { threadsOf } from "../../../sys/procfs.ts";
import type { Scope } from "./attachment.ts";

/**
 * Opens the events of a scope. One event of a process is enough for all its threads, because the kernel asks whose
 * address space is hit; but a child inherits only from the thread that forks it, so a family needs one for each thread.
 * The first is the one that is to carry the program. Gives the descriptors, or minus errno.
 */
export function openEvents(scope: Scope, open: (scope: EventScope) => number): number[] | number {
  if (scope.kind !== "family") {
    const fd = open({ thread: scope.kind === "all" ? -1 : scope.pid, inherit: false });
    return fd < 0 ? fd : [fd];
  }
  // The program goes on an event that isn't inherited: from 6.10 on a child's copy of an event takes the program along,
  // and when the child ends, off the definition that all of them share.
  const holder = open({ thread: scope.pid, inherit: false });
  if (holder < 0) return holder;
  const fds = new Map<number, number>([[0, holder]]);
  // Until no thread turns up that wasn't there before; those that our threads start from now on inherit.
  for (let grown = true; grown; ) {
    grown = false;
    for (const thread of threadsOf(scope.pid)) {
      if (fds.has(thread)) continue;
      const fd = open({ thread, inherit: true });
      if (fd === -errno.ESRCH) continue;
      if (fd < 0) {
        closeAll(fds.values());
        return fd;
      }
      fds.set(thread, fd);
      grown = true;
    }
  }
  return [...fds.values()];
}

/** Links a program, with its cookie, to the events of one site. Gives all descriptors, or minus errno and none. */
export function linkEvents(program: number, cookie: number, events: readonly number[], each: boolean): number[] | number {
  const links: number[] = [];
  // Events on one definition share its programs: linking to the first is enough. Perf's own uprobes are one each.
  for (const event of each ? events : events.slice(0, 1)) {
    const link = linkPerfEvent(program, event, cookie);
    if (link < 0) {
      closeAll([...links, ...events]);
      return link;
    }
    links.push(link);
  }
  return [...links, ...events];
}
