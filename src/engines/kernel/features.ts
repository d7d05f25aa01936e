/** What the running kernel can do, found by trying it: small programs and links that can't succeed, but fail differently. */
import { mov, movsx } from "../../bpf/alu64.ts";
import { encode } from "../../bpf/encode.ts";
import type { Instruction } from "../../bpf/instruction.ts";
import { exit } from "../../bpf/jump.ts";
import { stx } from "../../bpf/memory.ts";
import { r0, r1 } from "../../bpf/register.ts";
import { attachType, linkPerfEvent, linkUprobeMulti, loadProgram, progType } from "../../sys/bpf.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { errno } from "../../sys/errno.ts";
import { atLeast, kernelVersion } from "../../sys/host.ts";
import { openDummyEvent, uprobeUnit } from "../../sys/perf-event.ts";
import { tracefs } from "../../sys/tracefs.ts";

export interface Features {
  /** A tracing program may be loaded at all; else errno of the attempt. */
  readonly load: true | number;
  readonly isa: 3 | 4;
  /** A program is linked to an event with a cookie that tells it the site (kernel ≥ 5.15, or a distribution's that took it over). */
  readonly eventLinks: boolean;
  readonly multi: boolean;
  readonly session: boolean;
  /** uprobe_multi's pid means the process, not only its first thread (fixed in 6.10). */
  readonly processFilter: boolean;
  /** Programs that may fault pages in (kernel ≥ 6.0 for uprobes). */
  readonly sleepable: boolean;
  /** Programs may write registers (kernel ≥ 6.19). */
  readonly writesRegisters: boolean;
  readonly tracefs: boolean;
  /** An event that children inherit stays with each of them (fixed in 6.13). */
  readonly inherit: boolean;
  readonly perf: boolean;
  /** Stacks have the caller of a function that is probed at its `push %rbp` (kernel ≥ 6.11; no attempt would tell). */
  readonly callersAtPush: boolean;
}

/** In pt_regs. */
const RAX_AT = 80;
const noMap = { map: () => 0, kfunc: () => ({ id: 0, offset: 0 }) };

function tryLoad(instructions: readonly Instruction[], type: number, sleepable = false): number {
  return loadProgram({ name: "sonde_feature", type: progType.kprobe, attachType: type, sleepable, code: encode(instructions, noMap, 4) });
}

const nothing = [mov(r0, 0), exit()];

/**
 * A link on "/" can't be: a kernel that knows it says EBADF (not a regular file), one that doesn't says EINVAL.
 * A pid of -1 is looked at before the file, with EINVAL, since the pid means a process.
 */
function tryLink(type: number, session: boolean, pid: number): number {
  const program = tryLoad(nothing, type);
  if (program < 0) return program;
  const link = linkUprobeMulti(program, { path: "/", offsets: [0], counters: undefined, cookies: [0], atReturn: false, session, pid });
  closeAll(link < 0 ? [program] : [link, program]);
  return link;
}

/** There is no event -1: a kernel that knows such links says EBADF, one that doesn't says EINVAL. */
function tryEventLink(program: number): boolean {
  const link = linkPerfEvent(program, -1, 1);
  closeAll(link < 0 ? [] : [link]);
  return link === -errno.EBADF;
}

function tryInherit(): boolean {
  const event = openDummyEvent({ thread: process.pid, inherit: true });
  closeAll(event < 0 ? [] : [event]);
  return event >= 0;
}

function probe(): Features {
  const plain = tryLoad(nothing, attachType.none);
  if (plain < 0) return byVersion(-plain);
  const version4 = tryLoad([mov(r0, 0), movsx(r0, r0, 8), exit()], attachType.none);
  const sleepable = tryLoad(nothing, attachType.none, true);
  const writes = tryLoad([mov(r0, 0), stx(8, r1, RAX_AT, r0), exit()], attachType.none);
  const eventLinks = tryEventLink(plain);
  closeAll([plain, version4, sleepable, writes].filter((fd) => fd >= 0));
  const multi = tryLink(attachType.uprobeMulti, false, 0) === -errno.EBADF;
  return {
    load: true,
    isa: version4 >= 0 ? 4 : 3,
    eventLinks,
    multi,
    session: multi && tryLink(attachType.uprobeSession, true, 0) === -errno.EBADF,
    processFilter: multi && tryLink(attachType.uprobeMulti, false, -1) === -errno.EINVAL,
    sleepable: sleepable >= 0,
    writesRegisters: writes >= 0,
    tracefs: eventLinks && tracefs() !== undefined,
    inherit: tryInherit(),
    perf: eventLinks && uprobeUnit() !== undefined,
    callersAtPush: atLeast(kernelVersion(), 6, 11),
  };
}

/** Without the right to try, what the version promises: enough to compile for, though nothing can be armed. */
function byVersion(load: number): Features {
  const version = kernelVersion();
  const from = (major: number, minor: number): boolean => atLeast(version, major, minor);
  return {
    load,
    isa: from(6, 6) ? 4 : 3,
    eventLinks: from(5, 15),
    multi: from(6, 6),
    session: from(6, 13),
    processFilter: from(6, 10),
    sleepable: from(6, 0),
    writesRegisters: from(6, 19),
    tracefs: tracefs() !== undefined,
    inherit: from(6, 13),
    perf: uprobeUnit() !== undefined,
    callersAtPush: from(6, 11),
  };
}

let found: Features | undefined;
/** Found once for a process: less than a millisecond. */
export function features(): Features {
  found ??= probe();
  return found;
}
