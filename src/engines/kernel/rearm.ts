/**
 * Arms a process again when another thread than its first has executed a program. A link for one process names its first
 * thread of then, which is gone:
 *
 *     the kernel asks                    with                              after such an exec
 *     is this memory to be armed?        that thread's memory              no: it has none any more
 *     is this hit to be handled?         6.12 on: its thread group         yes: the group is the same
 *                                        before: its memory                no
 *
 * From 6.12 on only the breakpoints are missing. A link with a program that does nothing has them put there, and the old
 * links go on: with a new link in an old one's place, each hit would count twice while both are there.
 */
import { mov } from "../../bpf/alu64.ts";
import { encode } from "../../bpf/encode.ts";
import { exit } from "../../bpf/jump.ts";
import { r0 } from "../../bpf/register.ts";
import { attachType, loadProgram, progType } from "../../sys/bpf.ts";
import { atLeast, type KernelVersion } from "../../sys/host.ts";
import type { Attach, Attachment } from "./attach/attachment.ts";

/** Whether links go on to mean the process; else, and for events of perf, they are replaced. */
export const linksKeepProcess = (version: KernelVersion, multi: boolean): boolean => multi && atLeast(version, 6, 12);

/** Descriptor of the program that does nothing, or -errno. */
export function loadHolder(): number {
  const code = encode([mov(r0, 0), exit()], { map: () => 0, kfunc: () => ({ id: 0, offset: 0 }) });
  return loadProgram({ name: "sonde_hold", type: progType.kprobe, attachType: attachType.uprobeMulti, sleepable: false, code });
}

/**
 * Arms what is attached for the process again, with `holder` beside it or, without one, in its place. Gives what isn't needed
 * any more, to be closed when nothing is urgent; undefined if nothing was armed.
 */
export function rearm(attachments: Attachment[], pid: number, attach: Attach, holder: number | undefined): Attachment[] | undefined {
  const old: Attachment[] = [];
  let armed = 0;
  for (const [i, attachment] of [...attachments].entries()) {
    const { hook, scope } = attachment;
    if (!attachment.open || scope.kind !== "process" || scope.pid !== pid) continue;
    // It held what an exec before this one had taken.
    if (hook.program === holder) {
      old.push(attachment);
      continue;
    }
    try {
      if (holder === undefined) {
        attachments[i] = attach(hook, scope);
        old.push(attachment);
      } else attachments.push(attach({ ...hook, runs: "entry", program: holder }, scope));
      armed++;
    } catch {
      // The process has ended meanwhile.
    }
  }
  return armed === 0 ? undefined : old;
}
