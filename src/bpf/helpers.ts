/** The kernel's helper functions that sonde's programs may call: ids are kernel ABI (`include/uapi/linux/bpf.h`). */

export interface Helper {
  readonly id: number;
  /** Parameters as text, for people: `sonde explain` and messages. */
  readonly params: readonly string[];
  /** How many of r1 to r5 it reads. */
  readonly arity: number;
  /** Only sleepable programs may call it. */
  readonly sleepable: boolean;
}

const helper = (id: number, params: string, sleepable = false): Helper => {
  const list = params === "" ? [] : params.split(", ");
  return Object.freeze({ id, params: list, arity: list.length, sleepable });
};

/** By name without `bpf_`. */
export const helpers = Object.freeze({
  map_lookup_elem: helper(1, "map, key"),
  map_update_elem: helper(2, "map, key, value, flags"),
  map_delete_elem: helper(3, "map, key"),
  probe_read: helper(4, "dst, size, address"),
  ktime_get_ns: helper(5, ""),
  trace_printk: helper(6, "format, size, a, b, c"),
  get_prandom_u32: helper(7, ""),
  get_smp_processor_id: helper(8, ""),
  tail_call: helper(12, "ctx, map, index"),
  get_current_pid_tgid: helper(14, ""),
  get_current_uid_gid: helper(15, ""),
  get_current_comm: helper(16, "dst, size"),
  get_stackid: helper(27, "ctx, map, flags"),
  get_current_task: helper(35, ""),
  probe_read_str: helper(45, "dst, size, address"),
  get_stack: helper(67, "ctx, dst, size, flags"),
  get_current_cgroup_id: helper(80, ""),
  send_signal: helper(109, "signal"),
  probe_read_user: helper(112, "dst, size, address"),
  probe_read_kernel: helper(113, "dst, size, address"),
  probe_read_user_str: helper(114, "dst, size, address"),
  probe_read_kernel_str: helper(115, "dst, size, address"),
  send_signal_thread: helper(117, "signal"),
  jiffies64: helper(118, ""),
  get_ns_current_pid_tgid: helper(120, "device, inode, dst, size"),
  get_current_ancestor_cgroup_id: helper(123, "level"),
  ktime_get_boot_ns: helper(125, ""),
  ringbuf_output: helper(130, "map, data, size, flags"),
  ringbuf_reserve: helper(131, "map, size, flags"),
  ringbuf_submit: helper(132, "record, flags"),
  ringbuf_discard: helper(133, "record, flags"),
  ringbuf_query: helper(134, "map, flags"),
  copy_from_user: helper(148, "dst, size, address", true),
  task_storage_get: helper(156, "map, task, value, flags"),
  task_storage_delete: helper(157, "map, task"),
  get_current_task_btf: helper(158, ""),
  for_each_map_elem: helper(164, "map, callback, ctx, flags"),
  snprintf: helper(165, "dst, size, format, data, length"),
  get_func_ip: helper(173, "ctx"),
  get_attach_cookie: helper(174, "ctx"),
  task_pt_regs: helper(175, "task"),
  loop: helper(181, "count, callback, ctx, flags"),
  strncmp: helper(182, "a, size, b"),
  copy_from_user_task: helper(191, "dst, size, address, task, flags", true),
  map_lookup_percpu_elem: helper(195, "map, key, cpu"),
});
export type HelperName = keyof typeof helpers;

const names: ReadonlyMap<number, HelperName> = new Map((Object.keys(helpers) as HelperName[]).map((name) => [helpers[name].id, name]));

/** The name of a helper by its id, if it is one that we know. */
export const helperName = (id: number): HelperName | undefined => names.get(id);

/** Flags of map_update_elem. */
export const UpdateFlag = { any: 0, noExist: 1, exist: 2 } as const;
