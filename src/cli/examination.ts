/** What `sonde doctor` looks at: this program's own needs, then what each engine finds when it tries. */
import { arch } from "node:os";
import type { Availability } from "../engines/engine.ts";
import { KernelEngine } from "../engines/kernel/kernel-engine.ts";
import { kernelReport, type ReportItem } from "../engines/kernel/report.ts";
import { ExitStatus } from "../errors/error.ts";
import { possibleCpus } from "../sys/host.ts";

export type Finding = ReportItem;

export interface Examination {
  readonly findings: readonly Finding[];
  readonly status: ExitStatus;
}

function engine({ ok, why, mend }: Availability): Finding {
  const what = "engine: kernel";
  if (ok) return { what, state: "works", found: "uprobes with eBPF" };
  return { what, state: "fails", found: why ?? "not available", ...(mend === undefined ? {} : { mend }) };
}

function processor(): Finding {
  const what = "processor";
  return arch() === "x64"
    ? { what, state: "works", found: `x86-64, ${possibleCpus()} CPUs` }
    : { what, state: "fails", found: arch(), mend: "sonde runs on x86-64." };
}

export function examine(): Examination {
  const kernel = new KernelEngine().available();
  const findings: Finding[] = [{ what: "Node", state: "works", found: process.version }, processor(), ...kernelReport(), engine(kernel)];
  return { findings, status: kernel.ok ? ExitStatus.ok : kernel.rights ? ExitStatus.rights : ExitStatus.fault };
}
