/** What sonde has to know of the running kernel's own functions and structures, out of its BTF, kept between runs. */
import { readFileSync, statSync } from "node:fs";
import { release, version } from "node:os";
import { btfSections, type Found, findInBtf } from "../../btf/reader.ts";
import { SondeBug } from "../../errors/error.ts";
import { buildStamp, hashOf, readCached, writeCached } from "../../sys/cache-folder.ts";

const VMLINUX = "/sys/kernel/btf/vmlinux";

/** Kernel functions that compiled programs may call. */
const functions = [
  "bpf_copy_from_user_str",
  "bpf_session_cookie",
  "bpf_session_is_return",
  "bpf_strnlen",
  "bpf_iter_num_new",
  "bpf_iter_num_next",
  "bpf_iter_num_destroy",
];
const members = { task_struct: ["pid", "tgid", "utask"], uprobe_task: ["depth"] };

export interface KernelTypes extends Found {
  /** Whether the kernel has type information at all. */
  readonly btf: boolean;
}
let known: KernelTypes | undefined;

/** Reads several MB (tens of ms) at the first run on a kernel build, a small file afterwards. */
export function kernelTypes(): KernelTypes {
  known ??= fromCache() ?? read();
  return known;
}

/** The id of a kernel function for a CALL. */
export function kernelFunction(name: string): { readonly id: number; readonly offset: number } {
  const id = kernelTypes().functions[name];
  if (id === undefined) throw new SondeBug(`a program calls the kernel function ${name}, which this kernel doesn't have`);
  return { id, offset: 0 };
}

function cacheName(): string | undefined {
  try {
    return `kernel-${hashOf(buildStamp(), release(), version(), String(statSync(VMLINUX).size)).slice(0, 16)}.json`;
  } catch {
    return undefined;
  }
}

function fromCache(): KernelTypes | undefined {
  const name = cacheName();
  const text = name === undefined ? undefined : readCached(name)?.toString("utf8");
  try {
    const value = text === undefined ? undefined : (JSON.parse(text) as KernelTypes);
    return value?.btf === true && typeof value.functions === "object" && typeof value.members === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

function read(): KernelTypes {
  const none: KernelTypes = { btf: false, functions: {}, members: {} };
  const name = cacheName();
  if (name === undefined) return none;
  const sections = btfSections(readFileSync(VMLINUX));
  if (sections === undefined) return none;
  const types: KernelTypes = { btf: true, ...findInBtf(sections, { functions, members }) };
  writeCached(name, JSON.stringify(types));
  return types;
}
