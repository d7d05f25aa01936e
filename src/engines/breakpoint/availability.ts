/** Whether processes may be traced here at all; which ones is said when one is asked for. */
import { effectiveCapabilities } from "../../sys/capabilities.ts";
import { setting } from "../../sys/host.ts";
import type { Availability } from "../engine.ts";

export function availability(): Availability {
  const yama = setting("kernel/yama/ptrace_scope");
  if (yama === "3")
    return {
      ok: false,
      rights: true,
      why: "kernel.yama.ptrace_scope is 3: nobody may trace until the machine starts anew",
      mend: "Set kernel.yama.ptrace_scope to 1 or 0 in /etc/sysctl.d and restart the machine.",
    };
  if (yama === "2" && !effectiveCapabilities().has("CAP_SYS_PTRACE"))
    return {
      ok: false,
      rights: true,
      why: "kernel.yama.ptrace_scope is 2: only processes with CAP_SYS_PTRACE may trace",
      mend: "Run as root, or set it to 1: sysctl kernel.yama.ptrace_scope=1.",
    };
  return { ok: true };
}
