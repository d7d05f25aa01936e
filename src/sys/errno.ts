/** Names of error numbers, and the error for a system call that failed: the call, errno's name, and what to do. */
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import { ExitStatus, SondeError } from "../errors/error.ts";
import { type Capability, effectiveCapabilities } from "./capabilities.ts";

export const errno = constants.errno;

/** ENOTSUPP is the kernel's own and has no name in user space (include/linux/errno.h). */
const kernelOnly: { readonly [n: number]: string } = { 512: "ERESTARTSYS", 524: "ENOTSUPP" };

/** `EPERM` for 1. */
export function errnoName(code: number): string {
  return kernelOnly[code] ?? (code > 0 && code < 134 ? getSystemErrorName(-code) : `errno ${code}`);
}

export interface CallFailure {
  /** What the call was for: "create map calls". */
  readonly doing?: string;
  readonly where?: string;
  readonly why?: string;
  readonly mend?: string;
  /** Capabilities that the call needs; those missing are named. */
  readonly needs?: readonly Capability[];
}

/** The error for a failed call. `code` is positive. EPERM and EACCES become SONDE_SYS_RIGHTS with exit status 3. */
export function callError(call: string, code: number, failure: CallFailure = {}): SondeError {
  const name = errnoName(code);
  const what = `${call} failed with ${name}${failure.doing === undefined ? "" : ` (to ${failure.doing})`}`;
  const rights = code === errno.EPERM || (code === errno.EACCES && failure.needs !== undefined);
  const missing = rights ? missingOf(failure.needs ?? []) : [];
  const why = failure.why ?? (missing.length > 0 ? `this process lacks ${missing.join(" and ")}` : undefined);
  const mend = failure.mend ?? (rights ? rightsMend(missing) : undefined);
  return new SondeError(rights ? "SONDE_SYS_RIGHTS" : `SONDE_SYS_${name.replace(/[^A-Z0-9]/g, "_")}`, what, {
    ...(failure.where === undefined ? {} : { where: failure.where }),
    ...(why === undefined ? {} : { why }),
    ...(mend === undefined ? {} : { mend }),
    ...(rights ? { exit: ExitStatus.rights } : {}),
  });
}

function missingOf(needs: readonly Capability[]): Capability[] {
  const have = effectiveCapabilities();
  if (have.has("CAP_SYS_ADMIN")) return needs.filter((n) => n !== "CAP_BPF" && n !== "CAP_PERFMON" && !have.has(n));
  return needs.filter((n) => !have.has(n));
}

function rightsMend(missing: readonly Capability[]): string {
  if (missing.length === 0) return "Run as root; if you are root already, a container, a lockdown or a security module forbids the call: see `sonde doctor`.";
  return `Run as root, or give the process ${missing.join(" and ")} (for example: setpriv --ambient-caps or AmbientCapabilities= of a service).`;
}
