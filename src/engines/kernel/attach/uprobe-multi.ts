/** Arms any number of sites of one file by one link: uprobe_multi (kernel ≥ 6.6), and its sessions (≥ 6.13). */

import type { Site } from "../../../symbols/site.ts";
import { linkUprobeMulti } from "../../../sys/bpf.ts";
import { closeAll } from "../../../sys/descriptor.ts";
import { errno } from "../../../sys/errno.ts";
import { Attachment, counterOf, type Hook, type Scope } from "./attachment.ts";
import { siteError } from "./site-error.ts";

const link = (hook: Hook, pid: number, from: number, to: number): number =>
  linkUprobeMulti(hook.program, {
    path: hook.path,
    offsets: hook.sites.slice(from, to).map((site) => site.offset),
    counters: countersOf(hook.sites.slice(from, to)),
    cookies: hook.cookies.slice(from, to),
    atReturn: hook.runs === "return",
    session: hook.runs === "session",
    pid,
  });

/** Undefined where no site has one: the kernel takes that as well. */
function countersOf(sites: readonly Site[]): readonly number[] | undefined {
  const counters = sites.map(counterOf);
  return counters.some((one) => one > 0) ? counters : undefined;
}

export function attachMulti(hook: Hook, scope: Scope): Attachment {
  const pid = scope.kind === "all" ? 0 : scope.pid;
  const fd = link(hook, pid, 0, hook.sites.length);
  if (fd < 0) throw siteError("bpf(BPF_LINK_CREATE)", -fd, hook.sites[culprit(hook, pid, -fd)]!, hook.path, scope);
  return new Attachment(hook, scope, [fd]);
}

/** The kernel doesn't say which site of a batch it refused: halves are tried until one is left. */
function culprit(hook: Hook, pid: number, code: number): number {
  if (code === errno.EPERM || code === errno.ENOENT || code === errno.ESRCH) return 0;
  let from = 0;
  let to = hook.sites.length;
  while (to - from > 1) {
    const middle = (from + to) >>> 1;
    const fd = link(hook, pid, from, middle);
    if (fd < 0) to = middle;
    else {
      closeAll([fd]);
      from = middle;
    }
  }
  return from;
}
