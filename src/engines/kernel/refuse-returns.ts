/** Return probes that would harm the target: refused, with the way round. */

import type { SessionImage } from "../../compiler/image.ts";
import { findSection, readElf } from "../../elf/image.ts";
import { SondeError } from "../../errors/error.ts";
import { FileSource } from "../../symbols/file-source.ts";
import { type KernelVersion, kernelVersion } from "../../sys/host.ts";
import { commOf, seccompMode } from "../../sys/procfs.ts";
import type { ArmProbe } from "../engine.ts";

const ENTRY_ONLY = "Probe the entry only, or each `ret` of the function by its offset (`sonde list -v` shows them).";

/** Go moves stacks and walks them by return addresses: a replaced one crashes the program. */
export function isGoBinary(path: string): boolean {
  const source = new FileSource(path);
  try {
    const image = readElf(source);
    return [".gopclntab", ".go.buildinfo", ".note.go.buildid"].some((name) => findSection(image, name) !== undefined);
  } finally {
    source.close();
  }
}

/**
 * From 6.11 on a uretprobe returns by a system call that older seccomp filters don't know, and kill for; from 6.14 on
 * (and in later releases of 6.12 and 6.13) the kernel keeps it away from the filters.
 */
export function filtersSeeReturns(version: KernelVersion): boolean {
  return version.major === 6 && version.minor >= 11 && version.minor < 14;
}

/** An unwinder takes the replaced return address for a frame that it knows nothing of, and ends the program (seen). Which functions are left so can't be told. */
function unwindingNotes(probes: readonly ArmProbe[]): string[] {
  // C++ and Rust, by their mangled names.
  const site = probes.flatMap((probe) => probe.sites).find(({ symbol }) => symbol !== undefined);
  if (site === undefined) return [];
  return [
    `The return of ${site.name} is probed: if a C++ exception or a Rust panic leaves a function so probed, the program ends, for nothing can be unwound past the kernel's return probe. Probing entries alone is safe.`,
  ];
}

/** Returns of Go's functions are probed at their instructions: no return address is replaced. */
export const returnsInGo = ({ sites }: Pick<ArmProbe, "sites">): boolean => sites.length > 0 && sites.every(({ go }) => go !== undefined);

/** Throws if a probe with a return can't be armed safely. Gives notes where it can't be told. */
export function checkReturns(image: SessionImage, probes: readonly ArmProbe[], pids: readonly number[]): string[] {
  const returning = probes.filter((probe) => probe.programs.some((program) => image.programs[program]!.runs !== "entry") && !returnsInGo(probe));
  if (returning.length === 0) return [];
  const paths = new Map(returning.flatMap((probe) => probe.sites.map((site) => [site.path, site] as const)));
  for (const [path, site] of paths) {
    if (!isGoBinary(path)) continue;
    throw new SondeError("SONDE_KERNEL_GO_RETURN", `${site.display} is a Go program: it crashes when the return of a function is probed`, {
      where: `${site.display}:${site.name}`,
      why: "Go moves its stacks, and a uretprobe's return address isn't one it knows",
      mend: ENTRY_ONLY,
    });
  }
  const notes = unwindingNotes(returning);
  if (!filtersSeeReturns(kernelVersion())) return notes;
  const named = new Set(returning.flatMap((probe) => probe.pids ?? pids));
  for (const pid of named) {
    if (seccompMode(pid) === 0) continue;
    throw new SondeError(
      "SONDE_KERNEL_SECCOMP_RETURN",
      `process ${pid} (${commOf(pid)}) runs under a seccomp filter that may kill it when the return of a function is probed`,
      {
        why: `Linux ${kernelVersion().text} returns from a probed function by a system call that the filter may not know`,
        mend: `${ENTRY_ONLY} Kernels from 6.14 on don't show that call to filters.`,
      },
    );
  }
  return named.size > 0
    ? notes
    : [
        ...notes,
        `Return probes make a system call on Linux ${kernelVersion().text}: a process under a seccomp filter that doesn't know it may be killed. Filter by process to have that checked.`,
      ];
}
