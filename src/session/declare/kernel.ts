/** `sonde types kernel`: declarations of the running kernel's structures and tracepoints, from its BTF and the formats in tracefs. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { BtfCTypes } from "../../btf/c-types.ts";
import { Kind } from "../../btf/format.ts";
import { btfSections } from "../../btf/reader.ts";
import { tracepointFields } from "../../btf/tracepoint-format.ts";
import { BtfTypeTable } from "../../btf/type-table.ts";
import { ExitStatus, SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { type DeclaredTracepoint, declarationsText } from "../../output/declarations/declarations.ts";
import { matchesPieces, patternPieces } from "../../symbols/target.ts";
import { mountTracefs, tracefs } from "../../sys/tracefs.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";
/** What handlers reach as `c.task`. */
const TASK = "task_struct";

export interface KernelRequest {
  /** Structures by name, tracepoints with a colon and wildcards; none: the task's structure and all tracepoints. */
  readonly names: readonly string[];
  /** Pointers that are followed. */
  readonly depth: number;
  /** The command line that makes the file again. */
  readonly command: string;
}

/** Errors: `SONDE_KERNEL_BTF`, `SONDE_KERNEL_TRACEFS`, `SONDE_TYPE_NOT_FOUND`, `SONDE_TRACEPOINT_NOT_FOUND`. */
export function declareKernel({ names, depth, command }: KernelRequest): string {
  const table = kernelBtf();
  const types = new BtfCTypes(table, depth);
  const wantedTypes = names.length === 0 ? [TASK] : names.filter((name) => !name.includes(":"));
  const kernelTypes = wantedTypes.map((name) => {
    const type = types.named(name);
    if (type === undefined) throw noSuchType(name, table);
    return { name, type };
  });
  const patterns = names.length === 0 ? ["*:*"] : names.filter((name) => name.includes(":"));
  const tracepoints = patterns.length === 0 ? [] : tracepointsOf(patterns, types);
  return declarationsText({
    header: [`Written by \`${command}\` on Linux ${release()}: from the kernel's BTF${tracepoints.length > 0 ? " and the formats of its tracepoints" : ""}.`],
    kernelTypes,
    tracepoints,
    structs: types.structs,
    depth,
  });
}

function kernelBtf(): BtfTypeTable {
  const sections = existsSync(VMLINUX) ? btfSections(readFileSync(VMLINUX)) : undefined;
  if (sections === undefined) {
    throw new SondeError("SONDE_KERNEL_BTF", `this kernel has no type information (${VMLINUX})`, {
      mend: "Use a kernel that was built with CONFIG_DEBUG_INFO_BTF, as those of distributions are.",
    });
  }
  return new BtfTypeTable(sections);
}

function noSuchType(name: string, table: BtfTypeTable): SondeError {
  const known = [Kind.struct, Kind.union, Kind.typedef, Kind.enum].flatMap((kind) => table.names(kind));
  const near = nearNames(name, known);
  return new SondeError("SONDE_TYPE_NOT_FOUND", `the kernel has no type called ${name}`, {
    where: VMLINUX,
    mend: near.length > 0 ? `Near names: ${near.join(", ")}.` : "Structures are named without `struct`, tracepoints with their group: sched:sched_switch.",
  });
}

function tracepointsOf(patterns: readonly string[], types: BtfCTypes): DeclaredTracepoint[] {
  const folder = tracefs() ?? mountTracefs();
  if (folder === undefined) {
    const root = process.getuid?.() === 0;
    throw new SondeError("SONDE_KERNEL_TRACEFS", "the formats of tracepoints can't be read", {
      where: "/sys/kernel/tracing",
      why: root ? "The kernel's tracing file system isn't mounted, and it can't be mounted here." : "Only root may look into the kernel's tracing file system.",
      mend: root ? "mount -t tracefs nodev /sys/kernel/tracing" : `Run it as root, or name the structures that are wanted: sonde types kernel ${TASK}`,
      exit: root ? ExitStatus.fault : ExitStatus.rights,
    });
  }
  const all = tracepointNames(folder);
  const wanted = new Set<string>();
  for (const pattern of patterns) {
    const pieces = patternPieces(pattern);
    const matches = all.filter((name) => matchesPieces(pieces, name));
    if (matches.length === 0) throw noSuchTracepoint(pattern, all);
    for (const name of matches) wanted.add(name);
  }
  return [...wanted].sort().flatMap((name) => {
    const format = readFileSync(`${folder}/events/${name.replace(":", "/")}/format`, "latin1");
    return IS_PROBE.test(format) ? [] : [{ name, fields: tracepointFields(format, types) }];
  });
}

/** Probes that somebody defined stand among the events; they go when their definer does. */
const IS_PROBE = /^\tfield:unsigned long __probe_(?:ip|func);/m;

/** "group:name" of every event. */
function tracepointNames(folder: string): string[] {
  const folders = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  return folders(`${folder}/events`).flatMap((group) =>
    folders(`${folder}/events/${group}`)
      .filter((name) => existsSync(`${folder}/events/${group}/${name}/format`))
      .map((name) => `${group}:${name}`),
  );
}

function noSuchTracepoint(pattern: string, all: readonly string[]): SondeError {
  const near = nearNames(pattern, all);
  return new SondeError("SONDE_TRACEPOINT_NOT_FOUND", `no tracepoint is called ${pattern}`, {
    mend: near.length > 0 ? `Near names: ${near.join(", ")}.` : "`sonde types kernel '*:*'` has them all.",
  });
}
