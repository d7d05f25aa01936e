/** `sonde types kernel`: declarations of the running kernel's structures and tracepoints, from its BTF and the formats in tracefs. */
import { release } from "node:os";
import { BtfCTypes } from "../../btf/c-types.ts";
import { Kind } from "../../btf/format.ts";
import { tracepointFields } from "../../btf/tracepoint-format.ts";
import type { BtfTypeTable } from "../../btf/type-table.ts";
import { SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { type DeclaredTracepoint, declarationsText } from "../../output/declarations/declarations.ts";
import { findTracepoints, formatOf, isProbe } from "../../symbols/kernel/tracepoints.ts";
import { kernelBtf, TASK, VMLINUX } from "../../symbols/kernel/types.ts";

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

function noSuchType(name: string, table: BtfTypeTable): SondeError {
  const known = [Kind.struct, Kind.union, Kind.typedef, Kind.enum].flatMap((kind) => table.names(kind));
  const near = nearNames(name, known);
  return new SondeError("SONDE_TYPE_NOT_FOUND", `the kernel has no type called ${name}`, {
    where: VMLINUX,
    mend: near.length > 0 ? `Near names: ${near.join(", ")}.` : "Structures are named without `struct`, tracepoints with their group: sched:sched_switch.",
  });
}

const tracepointsOf = (patterns: readonly string[], types: BtfCTypes): DeclaredTracepoint[] =>
  [...new Set(patterns.flatMap(findTracepoints))].sort().flatMap((name) => {
    const format = formatOf(name);
    return isProbe(format) ? [] : [{ name, fields: tracepointFields(format, types) }];
  });
