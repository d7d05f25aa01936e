/** What `sonde doctor` looks at. Each finding is a fact that was tried or read just now, with its mend where it isn't as it should be. */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { arch } from "node:os";
import { KernelEngine } from "../engines/kernel/kernel-engine.ts";
import { ExitStatus } from "../errors/error.ts";
import { effectiveCapabilities, mayTrace } from "../sys/capabilities.ts";
import { atLeast, kernelVersion, possibleCpus, setting } from "../sys/host.ts";

export interface Finding {
  readonly what: string;
  readonly state: "works" | "limited" | "fails";
  readonly found: string;
  readonly mend?: string;
}

export interface Examination {
  readonly findings: readonly Finding[];
  readonly status: ExitStatus;
}

const finding = (what: string, state: Finding["state"], found: string, mend?: string): Finding => ({
  what,
  state,
  found,
  ...(mend === undefined ? {} : { mend }),
});

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function lockdown(): Finding[] {
  const path = "/sys/kernel/security/lockdown";
  if (!may(path, constants.R_OK)) return [];
  const mode = /\[(\w+)\]/.exec(readFileSync(path, "latin1"))?.[1] ?? "none";
  return mode === "confidentiality"
    ? [finding("lockdown", "fails", mode, "The kernel refuses to let eBPF read memory: boot without lockdown=confidentiality.")]
    : [finding("lockdown", "works", mode)];
}

function rights(): Finding {
  const have = [...effectiveCapabilities()];
  const who = process.getuid?.() === 0 ? "root" : `user ${process.getuid?.()}`;
  return mayTrace()
    ? finding("rights", "works", `${who}: ${have.join(", ")}`)
    : finding("rights", "fails", `${who}, without CAP_BPF and CAP_PERFMON`, "Run sonde as root (sudo sonde …).");
}

const TRACEFS = "/sys/kernel/tracing";
const PERF_UPROBE = "/sys/bus/event_source/devices/uprobe/type";

function attachMethods(): Finding[] {
  const kernel = kernelVersion();
  const needs = (major: number, minor: number) => `needs Linux ${major}.${minor}`;
  const byVersion = (what: string, major: number, minor: number, otherwise: string) =>
    atLeast(kernel, major, minor) ? finding(what, "works", "in this kernel") : finding(what, "limited", needs(major, minor), otherwise);
  const tracefs = existsSync(`${TRACEFS}/uprobe_events`);
  return [
    byVersion("attach: many at once", 6, 6, "Sites are armed one by one: thousands take seconds. A newer kernel mends it."),
    byVersion("attach: entry with return", 6, 13, "enter and leave are two programs with a table between them."),
    existsSync(PERF_UPROBE)
      ? finding("attach: perf events", "works", "in this kernel")
      : finding("attach: perf events", "limited", "no uprobe events", "A kernel with CONFIG_UPROBE_EVENTS has them."),
    may(`${TRACEFS}/uprobe_events`, constants.W_OK)
      ? finding("attach: tracefs", "works", TRACEFS)
      : finding(
          "attach: tracefs",
          "limited",
          tracefs ? "may not be written" : "not mounted",
          tracefs ? "Run as root." : `Mount it: mount -t tracefs tracefs ${TRACEFS}`,
        ),
  ];
}

function sysctls(): Finding[] {
  const jit = setting("net/core/bpf_jit_enable");
  return jit === "0" ? [finding("eBPF compiler", "limited", "off: programs are interpreted", "sysctl -w net.core.bpf_jit_enable=1")] : [];
}

export async function examine(): Promise<Examination> {
  const kernel = kernelVersion();
  const engine = new KernelEngine().available();
  const btf = existsSync("/sys/kernel/btf/vmlinux");
  const findings = [
    finding("Node", "works", process.version),
    arch() === "x64" ? finding("processor", "works", `x86-64, ${possibleCpus()} CPUs`) : finding("processor", "fails", arch(), "sonde runs on x86-64."),
    atLeast(kernel, 5, 15) ? finding("kernel", "works", kernel.text) : finding("kernel", "fails", kernel.text, "Linux 5.15 or newer is needed."),
    btf
      ? finding("BTF", "works", "/sys/kernel/btf/vmlinux")
      : finding("BTF", "fails", "this kernel has no type information", "Use a kernel with CONFIG_DEBUG_INFO_BTF (every large distribution's has it)."),
    rights(),
    ...lockdown(),
    ...sysctls(),
    ...attachMethods(),
    engine.ok ? finding("engine: kernel", "works", "uprobes with eBPF") : finding("engine: kernel", "fails", engine.why ?? "not available", engine.mend),
  ];
  const status = engine.ok ? ExitStatus.ok : mayTrace() ? ExitStatus.fault : ExitStatus.rights;
  return { findings, status };
}
