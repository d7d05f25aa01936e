/** Whether the kernel engine can be used here, and if not, why and what to do. */
import { effectiveCapabilities, mayTrace } from "../../sys/capabilities.ts";
import { errnoName } from "../../sys/errno.ts";
import { kernelVersion, setting } from "../../sys/host.ts";
import type { Availability } from "../engine.ts";
import { features } from "./features.ts";

export function availability(): Availability {
  const have = effectiveCapabilities();
  if (!mayTrace(have)) {
    const missing = (["CAP_BPF", "CAP_PERFMON"] as const).filter((name) => !have.has(name));
    const paranoid = setting("kernel/unprivileged_bpf_disabled");
    return {
      ok: false,
      rights: true,
      why: `this process lacks ${missing.join(" and ")}${paranoid === undefined ? "" : ` (kernel.unprivileged_bpf_disabled is ${paranoid})`}`,
      mend: "Run as root (sudo sonde …), or give the process these capabilities.",
    };
  }
  const able = features();
  if (able.load !== true) {
    return {
      ok: false,
      rights: true,
      why: `the kernel refuses tracing programs with ${errnoName(able.load)}`,
      mend: "A container, a kernel lockdown or a security module may forbid bpf(2): run outside of it; see `sonde doctor`.",
    };
  }
  const version = kernelVersion();
  if (!able.multi && !able.eventLinks) {
    return {
      ok: false,
      why: `Linux ${version.text} is too old: it can't tell a program which of its sites was hit`,
      mend: "Use Linux 5.15 or newer; 6.6 and newer arm many sites at once.",
    };
  }
  if (!able.multi && !able.tracefs && !able.perf) {
    return {
      ok: false,
      why: `Linux ${version.text} offers no way to attach a program to a user-space function`,
      mend: "Use Linux 6.6 or newer, or a kernel with CONFIG_UPROBE_EVENTS.",
    };
  }
  return { ok: true };
}
