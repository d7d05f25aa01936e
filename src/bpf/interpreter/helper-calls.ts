/** The helpers, as the interpreter carries them out. */
import { SondeBug } from "../../errors/error.ts";
import type { HelperName } from "../helpers.ts";
import { s64, u32, u64 } from "./arithmetic.ts";
import { Errno } from "./errno.ts";
import { failure, type Implementation, keyedMap, type Machine, result, ringBuffer, sizeOf } from "./machine.ts";
import { copyFromUser, readText } from "./user-reads.ts";

/** What `loop` may be asked for at most. */
const MAX_LOOPS = 1n << 23n;

/** Seen by the program as addresses of kernel objects, and good for nothing but handing on. */
const TASK_ADDRESS = 0xffff8881_00000000n;

const readUser: Implementation = (machine, args) =>
  result(copyFromUser(machine.environment.user, machine.memory.slice(args.get(1), sizeOf(args.get(2)), true), args.get(3)));

const readKernel: Implementation = (machine, args) => {
  const destination = machine.memory.slice(args.get(1), sizeOf(args.get(2)), true);
  const found = machine.memory.find(args.get(3), destination.length);
  if (found === undefined) {
    destination.fill(0);
    return failure(Errno.EFAULT);
  }
  destination.set(found.region.bytes.slice(found.at, found.at + destination.length));
  return 0n;
};

/** Copies up to a NUL, ends in one whatever happens, and gives how many bytes were written with it. */
const readKernelText: Implementation = (machine, args) => {
  const destination = machine.memory.slice(args.get(1), sizeOf(args.get(2)), true);
  for (let i = 0; i < destination.length; i++) {
    const found = machine.memory.find(args.get(3) + BigInt(i), 1);
    if (found === undefined) {
      destination.fill(0);
      return failure(Errno.EFAULT);
    }
    destination[i] = found.region.bytes[found.at]!;
    if (destination[i] === 0) return BigInt(i + 1);
  }
  if (destination.length > 0) destination[destination.length - 1] = 0;
  return BigInt(destination.length);
};

/** The upper half of the address space. */
const isKernel = (address: bigint): boolean => s64(address) < 0n;

const noFlags = (flags: bigint): void => {
  if (flags > 3n) throw new SondeBug(`the ring buffer knows no flags ${flags}`);
};

function finishRecord(machine: Machine, address: bigint, flags: bigint, state: "submitted" | "discarded"): undefined {
  noFlags(flags);
  const ring = machine.maps.find((model) => "holds" in model && model.holds(address));
  if (ring === undefined || !("finish" in ring)) throw new SondeBug(`0x${address.toString(16)} isn't a reserved record`);
  ring.finish(address, state);
}

export const helperCalls: { readonly [N in HelperName]?: Implementation } = {
  map_lookup_elem: (machine, args) => {
    const map = keyedMap(machine, args.get(1));
    return map.lookup(machine.memory.slice(args.get(2), map.shape.keySize, false), machine.environment.cpu)?.base ?? 0n;
  },
  map_update_elem: (machine, args) => {
    const map = keyedMap(machine, args.get(1));
    const key = machine.memory.slice(args.get(2), map.shape.keySize, false);
    const value = machine.memory.slice(args.get(3), map.shape.valueSize, false);
    return result(map.update(key, value, Number(args.get(4)), machine.environment.cpu));
  },
  map_delete_elem: (machine, args) => {
    const map = keyedMap(machine, args.get(1));
    return result(map.delete(machine.memory.slice(args.get(2), map.shape.keySize, false)));
  },
  map_lookup_percpu_elem: (machine, args) => {
    const map = keyedMap(machine, args.get(1));
    return map.lookup(machine.memory.slice(args.get(2), map.shape.keySize, false), Number(u32(args.get(3))))?.base ?? 0n;
  },

  ktime_get_ns: (machine) => u64(machine.environment.time()),
  get_smp_processor_id: (machine) => BigInt(machine.environment.cpu),
  get_prandom_u32: (machine) => u32(BigInt(machine.environment.random())),
  get_current_pid_tgid: ({ environment }) => (BigInt(environment.pid) << 32n) | BigInt(environment.tid),
  get_current_uid_gid: ({ environment }) => (BigInt(environment.gid) << 32n) | BigInt(environment.uid),
  get_current_comm: (machine, args) => {
    const destination = machine.memory.slice(args.get(1), sizeOf(args.get(2)), true);
    destination.fill(0);
    destination.set(new TextEncoder().encode(machine.environment.comm).subarray(0, Math.min(15, destination.length - 1)));
    return 0n;
  },
  get_current_cgroup_id: ({ environment }) => environment.cgroups[environment.cgroups.length - 1] ?? 0n,
  get_current_ancestor_cgroup_id: ({ environment }, args) => {
    const level = s64(args.get(1));
    return level < 0n ? 0n : (environment.cgroups[Number(level)] ?? 0n);
  },
  get_current_task: () => TASK_ADDRESS,
  get_current_task_btf: () => TASK_ADDRESS,
  get_attach_cookie: (machine) => u64(machine.environment.cookie),
  get_func_ip: (machine) => u64(machine.environment.functionAddress),

  probe_read_user: readUser,
  copy_from_user: (machine, args) => {
    if (!machine.environment.sleepable) throw new SondeBug("a program that isn't sleepable called copy_from_user");
    return readUser(machine, args);
  },
  probe_read_user_str: (machine, args) => result(readText(machine.environment.user, machine.memory.slice(args.get(1), sizeOf(args.get(2)), true), args.get(3))),
  probe_read_kernel: readKernel,
  probe_read_kernel_str: readKernelText,

  // The kernel's memory or the target's: which, the address tells.
  probe_read: (machine, args) => (isKernel(args.get(3)) ? readKernel : readUser)(machine, args),
  probe_read_str: (machine, args) =>
    isKernel(args.get(3))
      ? readKernelText(machine, args)
      : result(readText(machine.environment.user, machine.memory.slice(args.get(1), sizeOf(args.get(2)), true), args.get(3))),
  // Nobody has made up a stack: it has no frames.
  get_stack: (machine, args) => {
    machine.memory.slice(args.get(2), sizeOf(args.get(3)), true).fill(0);
    return 0n;
  },

  ringbuf_reserve: (machine, args) => {
    if (args.get(3) !== 0n) throw new SondeBug("ringbuf_reserve takes no flags");
    return ringBuffer(machine, args.get(1)).reserve(sizeOf(args.get(2)))?.base ?? 0n;
  },
  ringbuf_submit: (machine, args) => finishRecord(machine, args.get(1), args.get(2), "submitted"),
  ringbuf_discard: (machine, args) => finishRecord(machine, args.get(1), args.get(2), "discarded"),
  ringbuf_output: (machine, args) => {
    noFlags(args.get(4));
    const ring = ringBuffer(machine, args.get(1));
    const data = machine.memory.slice(args.get(2), sizeOf(args.get(3)), false).slice();
    const record = ring.reserve(data.length);
    if (record === undefined) return failure(Errno.ENOSPC);
    record.bytes.set(data);
    ring.finish(record.base, "submitted");
    return 0n;
  },

  send_signal: (machine, args) => {
    machine.environment.signal(Number(s64(args.get(1))), "process");
    return 0n;
  },
  send_signal_thread: (machine, args) => {
    machine.environment.signal(Number(s64(args.get(1))), "thread");
    return 0n;
  },
  loop: (machine, args) => {
    const count = u32(args.get(1));
    const callback = args.get(2);
    const context = args.get(3);
    if (args.get(4) !== 0n) return failure(Errno.EINVAL);
    if (count > MAX_LOOPS) return failure(Errno.E2BIG);
    for (let i = 0n; i < count; i++) {
      const stop = machine.callback(callback, [i, context]);
      if (stop > 1n) throw new SondeBug(`the body of a loop gave ${stop}, which is neither 0 nor 1`);
      if (stop === 1n) return i + 1n;
    }
    return count;
  },
  strncmp: (machine, args) => {
    const size = sizeOf(args.get(2));
    const a = machine.memory.slice(args.get(1), size, false);
    for (let i = 0; i < size; i++) {
      const other = machine.memory.load(args.get(3) + BigInt(i), 1);
      if (BigInt(a[i]!) !== other) return result(BigInt(a[i]!) < other ? -1 : 1);
      if (other === 0n) break;
    }
    return 0n;
  },
};
