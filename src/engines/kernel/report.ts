/** What of the kernel engine works on this machine, tried and read just now: the facts that `sonde doctor` shows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mov } from "../../bpf/alu64.ts";
import { encode } from "../../bpf/encode.ts";
import { exit } from "../../bpf/jump.ts";
import { r0 } from "../../bpf/register.ts";
import { SondeError } from "../../errors/error.ts";
import type { Site } from "../../symbols/site.ts";
import { attachType, loadProgram, progType } from "../../sys/bpf.ts";
import { effectiveCapabilities, mayTrace } from "../../sys/capabilities.ts";
import { closeAll } from "../../sys/descriptor.ts";
import { callError } from "../../sys/errno.ts";
import { kernelVersion, setting } from "../../sys/host.ts";
import { mountTracefs, tracefs } from "../../sys/tracefs.ts";
import { type Attach, Attachment, type Hook } from "./attach/attachment.ts";
import { attachPerf } from "./attach/perf-uprobe.ts";
import { attachTracefs } from "./attach/tracefs-uprobe.ts";
import { attachMulti } from "./attach/uprobe-multi.ts";
import { cgroupMounts } from "./cgroup.ts";
import { features } from "./features.ts";
import { kernelTypes } from "./kernel-types.ts";
import type { Method } from "./plan.ts";

export interface ReportItem {
  readonly what: string;
  /** "limited": sonde works without, but something is slower or missing. */
  readonly state: "works" | "limited" | "fails";
  readonly found: string;
  readonly mend?: string;
}

const item = (what: string, state: ReportItem["state"], found: string, mend?: string): ReportItem => ({
  what,
  state,
  found,
  ...(mend === undefined ? {} : { mend }),
});

export function kernelReport(): ReportItem[] {
  return [kernel(), types(), rights(), ...lockdown(), ...compiler(), ...methods(), changes(), tracing(), cgroups(), ...unprivileged()];
}

function kernel(): ReportItem {
  const { text } = kernelVersion();
  const { multi, eventLinks } = features();
  return multi || eventLinks ? item("kernel", "works", text) : item("kernel", "fails", text, "Linux 5.15 or newer is needed, 6.6 or newer is better.");
}

function changes(): ReportItem {
  return features().writesRegisters
    ? item("c.unsafe", "works", "programs may set registers")
    : item("c.unsafe", "limited", "this kernel's programs can't set registers", "For c.unsafe use the engine breakpoint.");
}

function types(): ReportItem {
  const { btf, functions } = kernelTypes();
  return btf
    ? item("BTF", "works", `/sys/kernel/btf/vmlinux, ${Object.keys(functions).length} kernel functions of use`)
    : item("BTF", "limited", "this kernel has no type information", "Use a kernel with CONFIG_DEBUG_INFO_BTF (those of the large distributions have it).");
}

function rights(): ReportItem {
  const have = effectiveCapabilities();
  const who = process.geteuid?.() === 0 ? "root" : `user ${process.geteuid?.()}`;
  return mayTrace(have)
    ? item("rights", "works", `${who}: ${[...have].join(", ")}`)
    : item("rights", "fails", `${who}, without CAP_BPF and CAP_PERFMON`, "Run sonde as root (sudo sonde …).");
}

function lockdown(): ReportItem[] {
  const text = read("/sys/kernel/security/lockdown");
  const mode = text === undefined ? undefined : (/\[(\w+)\]/.exec(text)?.[1] ?? "none");
  if (mode === undefined) return [];
  return [
    mode === "confidentiality"
      ? item("lockdown", "fails", mode, "The kernel doesn't let eBPF read memory: boot without lockdown=confidentiality.")
      : item("lockdown", "works", mode),
  ];
}

function compiler(): ReportItem[] {
  const jit = setting("net/core/bpf_jit_enable");
  return [
    jit === "0"
      ? item("eBPF compiler", "limited", "off: programs are interpreted", "sysctl -w net.core.bpf_jit_enable=1")
      : item("eBPF compiler", "works", jit === undefined ? "can't be told" : "on"),
  ];
}

const ways: readonly { readonly method: Method; readonly attach: Attach; readonly needs: string }[] = [
  { method: "session", attach: attachMulti, needs: "Linux 6.13 or newer has it; without, entry and return are two programs." },
  { method: "multi", attach: attachMulti, needs: "Linux 6.6 or newer has it; without, sites are armed one by one, which takes seconds for thousands." },
  {
    method: "tracefs",
    attach: attachTracefs,
    needs:
      "Mount tracefs (mount -t tracefs nodev /sys/kernel/tracing) on a kernel with CONFIG_UPROBE_EVENTS; without, children can't be followed at no cost to others.",
  },
  { method: "perf", attach: attachPerf, needs: "A kernel with CONFIG_UPROBE_EVENTS has it, for processes with CAP_SYS_ADMIN." },
];

/** Each way is tried for real, on a file that nobody runs. */
function methods(): ReportItem[] {
  if (!mayTrace()) return [item("attach methods", "limited", "not tried, for want of rights")];
  const folder = mkdtempSync(join(tmpdir(), "sonde-doctor-"));
  const path = join(folder, "nothing");
  writeFileSync(path, new Uint8Array(4096).fill(0x90));
  const site: Site = {
    path,
    display: path,
    file: { device: 0n, inode: 0n },
    offset: 0,
    functionOffset: 0,
    address: 0n,
    size: 4096,
    name: "nothing",
    aliases: [],
    delta: 0,
    instruction: { text: "nop", bytes: Uint8Array.of(0x90) },
    cost: "emulated",
    stackDelta: 0,
  };
  try {
    return ways.map(({ method, attach, needs }) => {
      const why = tryMethod(method, attach, site);
      if (why === undefined) return item(`attach by ${method}`, "works", "tried");
      const tooOld = (method === "tracefs" || method === "perf") && features().load === true && !features().eventLinks;
      return item(`attach by ${method}`, "limited", why, tooOld ? "Linux 5.15 or newer has it." : needs);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why it didn't work; undefined if it did. */
function tryMethod(method: Method, attach: Attach, site: Site): string | undefined {
  const type = method === "session" ? attachType.uprobeSession : method === "multi" ? attachType.uprobeMulti : attachType.none;
  const code = encode([mov(r0, 0), exit()], { map: () => 0, kfunc: () => ({ id: 0, offset: 0 }) });
  const program = loadProgram({ name: "sonde_doctor", type: progType.kprobe, attachType: type, sleepable: false, code });
  if (program < 0) return callError("bpf(BPF_PROG_LOAD)", -program, { needs: ["CAP_BPF", "CAP_PERFMON"] }).message;
  const hook: Hook = { probe: 0, runs: method === "session" ? "session" : "entry", program, path: site.path, sites: [site], cookies: [0] };
  try {
    Attachment.close([attach(hook, { kind: "all" })]);
    return undefined;
  } catch (error) {
    if (error instanceof SondeError) return error.message;
    throw error;
  } finally {
    closeAll([program]);
  }
}

function tracing(): ReportItem {
  const folder = tracefs() ?? (mayTrace() ? mountTracefs() : undefined);
  return folder === undefined
    ? item("tracefs", "limited", "not mounted, or not to be read", "mount -t tracefs nodev /sys/kernel/tracing")
    : item("tracefs", "works", folder);
}

function cgroups(): ReportItem {
  const mount = cgroupMounts()[0];
  return mount === undefined
    ? item("cgroup version 2", "limited", "not mounted: --cgroup can't be used", "mount -t cgroup2 none /sys/fs/cgroup")
    : item("cgroup version 2", "works", mount.path);
}

function unprivileged(): ReportItem[] {
  const bpf = setting("kernel/unprivileged_bpf_disabled");
  const perf = setting("kernel/perf_event_paranoid");
  const found = `unprivileged_bpf_disabled ${bpf ?? "?"}, perf_event_paranoid ${perf ?? "?"}`;
  const filter =
    features().load === true && features().multi && !features().processFilter
      ? [item("filter by process", "limited", "this kernel's own is faulty: others pay for a probe too", "Linux 6.10 mends it.")]
      : [];
  return [item("settings", "works", found), ...filter];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}
