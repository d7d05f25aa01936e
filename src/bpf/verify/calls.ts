/** What a program may call, what each call takes and touches, and what it gives. */
import { SondeBug } from "../../errors/error.ts";
import { helperName } from "../helpers.ts";
import type { Instruction } from "../instruction.ts";
import { CallKind } from "../opcodes.ts";
import { HIGHEST_BIT } from "../own-functions.ts";

/**
 * An argument: a map; a key or value of the map in r1; a number; memory that is written or read, of as many bytes as the
 * call's `size` says (of a text one less: its last byte becomes the NUL); an address of the target, which may be anything;
 * the context; a reserved record.
 */
export type Parameter = "map" | "ring" | "key" | "value" | "number" | "written" | "read" | "size" | "address" | "context" | "record" | "text";
export type Result = "number" | "value" | "record" | "cookie" | "isReturn" | "none";

export interface Signature {
  readonly params: readonly Parameter[];
  readonly result: Result;
}
const call = (result: Result, ...params: readonly Parameter[]): Signature => ({ params, result });

/** By the name of the helper (without bpf_) or of the kernel function. */
export const signatures: { readonly [name: string]: Signature } = {
  map_lookup_elem: call("value", "map", "key"),
  map_update_elem: call("number", "map", "key", "value", "number"),
  map_delete_elem: call("number", "map", "key"),
  ktime_get_ns: call("number"),
  get_prandom_u32: call("number"),
  get_smp_processor_id: call("number"),
  get_current_pid_tgid: call("number"),
  get_current_uid_gid: call("number"),
  get_current_comm: call("number", "written", "size"),
  get_attach_cookie: call("number", "context"),
  get_func_ip: call("number", "context"),
  probe_read_user: call("number", "written", "size", "address"),
  copy_from_user: call("number", "written", "size", "address"),
  probe_read_user_str: call("number", "written", "size", "address"),
  // Of the program's own memory: the compiler copies with them.
  probe_read_kernel: call("number", "written", "size", "read"),
  probe_read_kernel_str: call("number", "written", "size", "text"),
  ringbuf_reserve: call("record", "ring", "size", "number"),
  ringbuf_submit: call("none", "record", "number"),
  ringbuf_discard: call("none", "record", "number"),
  ringbuf_output: call("number", "ring", "read", "size", "number"),
  bpf_copy_from_user_str: call("number", "written", "size", "address", "number"),
  bpf_session_is_return: call("isReturn", "context"),
  bpf_session_cookie: call("cookie", "context"),
  [HIGHEST_BIT]: call("number", "number"),
};

/** The name of what is called; undefined for a local function. */
export function calledName({ src, imm, kfunc }: Instruction): string | undefined {
  if (src === CallKind.local) return undefined;
  const name = src === CallKind.kfunc ? kfunc : (helperName(Number(imm)) ?? `helper ${imm}`);
  if (name === undefined) throw new SondeBug("a call of a kernel function without a name");
  return name;
}
