/** The running kernel's own types, by its BTF: what `c.task` and the pointers in tracepoints' records lead to. */
import { existsSync, readFileSync } from "node:fs";
import { BtfCTypes } from "../../btf/c-types.ts";
import { btfSections } from "../../btf/reader.ts";
import { BtfTypeTable } from "../../btf/type-table.ts";
import { SondeError } from "../../errors/error.ts";

export const VMLINUX = "/sys/kernel/btf/vmlinux";
/** What handlers reach as `c.task`. */
export const TASK = "task_struct";

/** Throws SONDE_KERNEL_BTF. */
export function kernelBtf(): BtfTypeTable {
  const sections = existsSync(VMLINUX) ? btfSections(readFileSync(VMLINUX)) : undefined;
  if (sections === undefined) {
    throw new SondeError("SONDE_KERNEL_BTF", `this kernel has no type information (${VMLINUX})`, {
      mend: "Use a kernel that was built with CONFIG_DEBUG_INFO_BTF, as those of distributions are.",
    });
  }
  return new BtfTypeTable(sections);
}

let known: BtfCTypes | undefined;

/** Types by their names, as tracepoints' formats have them; read when they are first asked for. Throws SONDE_KERNEL_BTF. */
export function kernelTypes(): BtfCTypes {
  known ??= new BtfCTypes(kernelBtf());
  return known;
}

/** With the task's structure and all that it leads to, which takes some tenths of a second. Throws SONDE_KERNEL_BTF. */
export function taskTypes(): BtfCTypes {
  const types = kernelTypes();
  types.named(TASK);
  return types;
}
