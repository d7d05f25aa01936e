/** Kernel functions that programs call by name, as the interpreter carries them out. */
import { SondeBug } from "../../errors/error.ts";
import { HIGHEST_BIT } from "../own-functions.ts";
import { u32 } from "./arithmetic.ts";
import { Errno } from "./errno.ts";
import { type Implementation, type Machine, sizeOf } from "./machine.ts";
import type { Region } from "./memory.ts";
import { copyFromUser, copyTextFromUser } from "./user-reads.ts";

const PAD_ZEROS = 1n;
/** What a numeric iterator may span at most. */
const MAX_SPAN = 1n << 23n;

// Kernel functions are C functions: of r0 only as many low bits are the result as their type has, the rest is
// whatever was in the register. Programs must extend it themselves.
const RUBBISH = 0x5a5a_5a5a_0000_0000n;
const asInt = (n: number): bigint => RUBBISH | u32(BigInt(n));
const asBool = (value: boolean): bigint => RUBBISH | 0x5a5a_5a00n | (value ? 1n : 0n);

const s32 = (n: bigint): bigint => BigInt.asIntN(32, n);

function session(machine: Machine): { readonly isReturn: boolean; readonly cookie: Uint8Array } {
  const { session } = machine.environment;
  if (session === undefined) throw new SondeBug("a program that isn't attached as a session asked for its session");
  return session;
}

const cookieRegions = new WeakMap<Uint8Array, { readonly memory: object; readonly region: Region }>();

/** One address for as long as both runs of the session share the cookie. */
function cookieRegion(machine: Machine): Region {
  const { cookie } = session(machine);
  const known = cookieRegions.get(cookie);
  if (known?.memory === machine.memory) return known.region;
  const region = machine.memory.map("session's cookie", cookie, { aligned: true });
  cookieRegions.set(cookie, { memory: machine.memory, region });
  return region;
}

function sleepable(machine: Machine, name: string): void {
  if (!machine.environment.sleepable) throw new SondeBug(`a program that isn't sleepable called ${name}`);
}

export const kfuncCalls: { readonly [name: string]: Implementation } = {
  bpf_session_is_return: (machine) => asBool(session(machine).isReturn),
  bpf_session_cookie: (machine) => cookieRegion(machine).base,
  [HIGHEST_BIT]: (_machine, args) => BigInt(Math.max(0, BigInt.asUintN(64, args.get(1)).toString(2).length - 1)),

  bpf_copy_from_user_str: (machine, args) => {
    sleepable(machine, "bpf_copy_from_user_str");
    const flags = args.get(4);
    if ((flags & ~PAD_ZEROS) !== 0n) return asInt(-Errno.EINVAL);
    const destination = machine.memory.slice(args.get(1), sizeOf(u32(args.get(2))), true);
    return asInt(copyTextFromUser(machine.environment.user, destination, args.get(3), flags === PAD_ZEROS));
  },
  bpf_copy_from_user: (machine, args) => {
    sleepable(machine, "bpf_copy_from_user");
    return asInt(copyFromUser(machine.environment.user, machine.memory.slice(args.get(1), sizeOf(u32(args.get(2))), true), args.get(3)));
  },

  // struct bpf_iter_num { s32 current; s32 end; }: `next` gives the address of `current`, or NULL at the end.
  bpf_iter_num_new: (machine, args) => {
    const at = args.get(1);
    const start = s32(args.get(2));
    const end = s32(args.get(3));
    const bad = start > end ? Errno.EINVAL : end - start > MAX_SPAN ? Errno.E2BIG : 0;
    machine.memory.store(at, 4, bad === 0 ? start - 1n : 0n);
    machine.memory.store(at + 4n, 4, bad === 0 ? end : 0n);
    return asInt(-bad);
  },
  bpf_iter_num_next: (machine, args) => {
    const at = args.get(1);
    const next = s32(machine.memory.load(at, 4)) + 1n;
    if (next >= s32(machine.memory.load(at + 4n, 4))) {
      machine.memory.store(at, 8, 0n);
      return 0n;
    }
    machine.memory.store(at, 4, next);
    return at;
  },
  bpf_iter_num_destroy: (machine, args) => {
    machine.memory.store(args.get(1), 8, 0n);
    return undefined;
  },

  bpf_rcu_read_lock: () => undefined,
  bpf_rcu_read_unlock: () => undefined,
  bpf_preempt_disable: () => undefined,
  bpf_preempt_enable: () => undefined,
};
