/** What `sonde doctor` looks at: this program's own needs, then what each engine finds when it tries. */
import { arch } from "node:os";
import { loadEngine } from "../engines/choose.ts";
import type { Availability } from "../engines/engine.ts";
import { kernelReport, type ReportItem } from "../engines/kernel/report.ts";
import { ExitStatus } from "../errors/error.ts";
import { effectiveCapabilities } from "../sys/capabilities.ts";
import { possibleCpus, setting } from "../sys/host.ts";

export type Finding = ReportItem;

export interface Examination {
  readonly findings: readonly Finding[];
  /** The engines that work, in the order in which `auto` takes them. */
  readonly engines: readonly string[];
  readonly status: ExitStatus;
}

const ENGINES = [
  { name: "kernel", found: "uprobes with eBPF" },
  { name: "breakpoint", found: "breakpoints of sonde's own, in the processes that may be traced" },
  { name: "inline", found: "jumps to machine code in the program itself, where asked for (--engine inline)" },
] as const;

/** `others`: another engine works, so that this one isn't needed. */
function engineFinding({ name, found }: (typeof ENGINES)[number], { ok, why, mend }: Availability, others: boolean): Finding {
  const what = `engine: ${name}`;
  if (ok) return { what, state: "works", found };
  return { what, state: others ? "limited" : "fails", found: why ?? "not available", ...(mend === undefined ? {} : { mend }) };
}

function processor(): Finding {
  const what = "processor";
  return arch() === "x64"
    ? { what, state: "works", found: `x86-64, ${possibleCpus()} CPUs` }
    : { what, state: "fails", found: arch(), mend: "sonde runs on x86-64." };
}

/** Whom this user may trace (Documentation/admin-guide/LSM/Yama.rst). `yama`: kernel.yama.ptrace_scope, undefined without Yama. */
export function tracingRights(yama: string | undefined, mayTraceAll: boolean): Finding {
  const what = "tracing";
  const scope = yama === undefined ? "no Yama" : `Yama's ptrace_scope ${yama}`;
  if (yama === "3")
    return { what, state: "fails", found: `${scope}: nobody`, mend: "Set kernel.yama.ptrace_scope to 1 or 0 in /etc/sysctl.d and restart the machine." };
  if (mayTraceAll) return { what, state: "works", found: `CAP_SYS_PTRACE (${scope}): every process` };
  if (yama === "2") return { what, state: "fails", found: `${scope}: only with CAP_SYS_PTRACE`, mend: "Run as root, or: sysctl -w kernel.yama.ptrace_scope=1" };
  if (yama === "1")
    return {
      what,
      state: "limited",
      found: `${scope}: commands that sonde starts (-c), no processes that run already`,
      mend: "Run as root, or: sysctl -w kernel.yama.ptrace_scope=0",
    };
  return { what, state: "works", found: `${scope}: this user's processes` };
}

export async function examine(): Promise<Examination> {
  const tried = await Promise.all(ENGINES.map(async (one) => ({ one, available: (await loadEngine(one.name)).available() })));
  const working = tried.filter(({ available }) => available.ok).map(({ one }) => one.name);
  const findings: Finding[] = [
    { what: "Node", state: "works", found: process.version },
    processor(),
    ...kernelReport(),
    tracingRights(setting("kernel/yama/ptrace_scope"), effectiveCapabilities().has("CAP_SYS_PTRACE")),
    ...tried.map(({ one, available }) => engineFinding(one, available, working.length > 0)),
  ];
  const status = working.length > 0 ? ExitStatus.ok : tried.some(({ available }) => available.rights) ? ExitStatus.rights : ExitStatus.fault;
  return { findings, engines: working, status };
}
