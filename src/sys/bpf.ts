/** bpf(2): maps, programs, links, as thin calls over file descriptors. Field offsets are those of union bpf_attr (include/uapi/linux/bpf.h). */
import { callError, errno } from "./errno.ts";
import { syscall } from "./ffi/native.ts";
import { withSignalsHeld } from "./held-signals.ts";
import { nr } from "./numbers.ts";
import { cString, Struct, u64Array } from "./struct.ts";

const command = {
  mapCreate: 0,
  lookup: 1,
  update: 2,
  delete: 3,
  nextKey: 4,
  progLoad: 5,
  infoByFd: 15,
  rawTracepointOpen: 17,
  btfLoad: 18,
  lookupBatch: 24,
  lookupAndDeleteBatch: 25,
  linkCreate: 28,
} as const;

export const mapType = { hash: 1, array: 2, percpu_hash: 5, percpu_array: 6, lru_hash: 9, lru_percpu_hash: 10, ringbuf: 27 } as const;
export const mapFlag = { noPrealloc: 1, mmapable: 1 << 10 } as const;
export const progType = { kprobe: 2, tracepoint: 5, perfEvent: 7, rawTracepoint: 17 } as const;
export const attachType = { none: 0, perfEvent: 41, uprobeMulti: 48, uprobeSession: 57 } as const;
const PROG_SLEEPABLE = 1 << 4;
const MULTI_RETURN = 1;
const ATTR_SIZE = 152;

const call = (cmd: number, attr: Struct, size = ATTR_SIZE): number => syscall(nr.bpf, cmd, attr.bytes, size);
const needs = ["CAP_BPF", "CAP_PERFMON"] as const;

export interface MapParts {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly btf?: { readonly fd: number; readonly key: number; readonly value: number };
}

/** BPF_MAP_CREATE. Gives the map's descriptor. */
export function createMap(map: MapParts): number {
  const attr = new Struct(ATTR_SIZE)
    .u32(0, map.type)
    .u32(4, map.keySize)
    .u32(8, map.valueSize)
    .u32(12, map.maxEntries)
    .u32(16, map.flags)
    .text(28, 16, map.name);
  if (map.btf !== undefined) attr.u32(48, map.btf.fd).u32(52, map.btf.key).u32(56, map.btf.value);
  const fd = call(command.mapCreate, attr, 72);
  if (fd < 0) {
    const big = -fd === errno.E2BIG || -fd === errno.ENOMEM;
    throw callError("bpf(BPF_MAP_CREATE)", -fd, {
      doing: `create map ${map.name}: ${map.maxEntries} entries of ${map.keySize} + ${map.valueSize} bytes`,
      needs,
      ...(big ? { why: "the map is larger than the kernel allows or than there is memory", mend: "Give the map a smaller capacity, or a smaller value." } : {}),
    });
  }
  return fd;
}

export interface ProgramParts {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly sleepable: boolean;
  readonly code: Uint8Array;
  readonly btf?: { readonly fd: number; readonly functions: Uint8Array; readonly functionSize: number; readonly lines: Uint8Array; readonly lineSize: number };
}
export interface VerifierLog {
  readonly memory: Uint8Array;
  readonly level: number;
}

/** BPF_PROG_LOAD under the licence "Dual MIT/GPL". Gives the program's descriptor, or minus errno. */
export function loadProgram(program: ProgramParts, log?: VerifierLog): number {
  const attr = new Struct(ATTR_SIZE)
    .u32(0, program.type)
    .u32(4, program.code.length / 8)
    .pointer(8, program.code)
    .pointer(16, cString("Dual MIT/GPL"))
    .u32(44, program.sleepable ? PROG_SLEEPABLE : 0)
    .text(48, 16, program.name)
    .u32(68, program.attachType);
  if (log !== undefined) attr.u32(24, log.level).u32(28, log.memory.length).pointer(32, log.memory);
  if (program.btf !== undefined) {
    const { fd, functions, functionSize, lines, lineSize } = program.btf;
    attr
      .u32(72, fd)
      .u32(76, functionSize)
      .pointer(80, functions)
      .u32(88, functions.length / functionSize);
    attr
      .u32(92, lineSize)
      .pointer(96, lines)
      .u32(104, lines.length / lineSize);
  }
  const load = (): number => call(command.progLoad, attr, 128);
  const fd = load();
  // The verifier gives up where a signal is pending: a child's end, a profiler's ticks.
  return fd === -errno.EAGAIN ? withSignalsHeld(load) : fd;
}

/** BPF_BTF_LOAD. Gives a descriptor, or minus errno. */
export function loadBtf(blob: Uint8Array, log?: Uint8Array): number {
  const attr = new Struct(ATTR_SIZE).pointer(0, blob).u32(16, blob.length);
  if (log !== undefined) attr.pointer(8, log).u32(20, log.length).u32(24, 1);
  return call(command.btfLoad, attr, 32);
}

export interface MultiParts {
  readonly path: string;
  readonly offsets: readonly number[];
  /** For each, where in the file a 16-bit count is that is up while it is probed (0: none); undefined: for none. Kernel ≥ 6.6. */
  readonly counters: readonly number[] | undefined;
  readonly cookies: readonly number[];
  readonly atReturn: boolean;
  readonly session: boolean;
  /** A process id, 0 for all processes. */
  readonly pid: number;
}

/** BPF_LINK_CREATE of many uprobes in one file. Gives a descriptor, or minus errno. Kernel ≥ 6.6, sessions ≥ 6.13. */
export function linkUprobeMulti(program: number, multi: MultiParts): number {
  const attr = new Struct(ATTR_SIZE)
    .u32(0, program)
    .u32(8, multi.session ? attachType.uprobeSession : attachType.uprobeMulti)
    .pointer(16, cString(multi.path))
    .pointer(24, u64Array(multi.offsets))
    .pointer(32, multi.counters && u64Array(multi.counters))
    .pointer(40, u64Array(multi.cookies))
    .u32(48, multi.offsets.length)
    .u32(52, multi.atReturn ? MULTI_RETURN : 0)
    .i32(56, multi.pid);
  return call(command.linkCreate, attr, 64);
}

/** BPF_LINK_CREATE of a program on a perf event, with a cookie. Gives a descriptor, or minus errno. Kernel ≥ 5.15. */
export function linkPerfEvent(program: number, event: number, cookie: number): number {
  const attr = new Struct(ATTR_SIZE).u32(0, program).u32(4, event).u32(8, attachType.perfEvent).u64(16, cookie);
  return call(command.linkCreate, attr, 64);
}

/** BPF_RAW_TRACEPOINT_OPEN. Gives a descriptor, or minus errno. */
export function openRawTracepoint(program: number, name: string): number {
  return call(command.rawTracepointOpen, new Struct(ATTR_SIZE).pointer(0, cString(name)).u32(8, program), 32);
}

/** BPF_OBJ_GET_INFO_BY_FD: how often the kernel skipped a program because it was running already (struct bpf_prog_info). */
export function recursionMisses(program: number): bigint {
  const info = new Struct(232);
  const attr = new Struct(ATTR_SIZE).u32(0, program).u32(4, info.bytes.length).pointer(8, info.bytes);
  return call(command.infoByFd, attr, 16) < 0 ? 0n : info.getU64(208);
}

const elementFlag = { any: 0, new: 1, existing: 2 } as const;
const element = (map: number, key: Uint8Array | undefined, value: Uint8Array | undefined, flags = 0): Struct =>
  new Struct(32).u32(0, map).pointer(8, key).pointer(16, value).u64(24, flags);

/** Fills `value` with an entry; false if there is none. */
export function lookup(map: number, key: Uint8Array, value: Uint8Array): boolean {
  return found("bpf(BPF_MAP_LOOKUP_ELEM)", call(command.lookup, element(map, key, value), 32));
}
/** Sets an entry. False if `mode` forbids it or the map is full. */
export function update(map: number, key: Uint8Array, value: Uint8Array, mode: keyof typeof elementFlag): boolean {
  const result = call(command.update, element(map, key, value, elementFlag[mode]), 32);
  if (result === -errno.EEXIST || result === -errno.E2BIG) return false;
  return found("bpf(BPF_MAP_UPDATE_ELEM)", result);
}
export function remove(map: number, key: Uint8Array): boolean {
  return found("bpf(BPF_MAP_DELETE_ELEM)", call(command.delete, element(map, key, undefined), 32));
}
/** Fills `next` with the key after `key` (the first, if undefined); false at the end. */
export function nextKey(map: number, key: Uint8Array | undefined, next: Uint8Array): boolean {
  return found("bpf(BPF_MAP_GET_NEXT_KEY)", call(command.nextKey, element(map, key, next), 32));
}
function found(name: string, result: number): boolean {
  if (result === -errno.ENOENT) return false;
  if (result < 0) throw callError(name, -result);
  return true;
}

export interface Batch {
  /** How many entries it gave. */
  readonly count: number;
  readonly end: boolean;
}
/**
 * BPF_MAP_LOOKUP_BATCH or BPF_MAP_LOOKUP_AND_DELETE_BATCH. `from` is undefined at first, then what `to` was filled with.
 * Gives minus errno when it fails; -ENOSPC: one bucket holds more than the buffers.
 */
export function lookupBatch(
  map: number,
  from: Uint8Array | undefined,
  to: Uint8Array,
  keys: Uint8Array,
  values: Uint8Array,
  count: number,
  andDelete: boolean,
): Batch | number {
  const attr = new Struct(56).pointer(0, from).pointer(8, to).pointer(16, keys).pointer(24, values).u32(32, count).u32(36, map);
  const result = call(andDelete ? command.lookupAndDeleteBatch : command.lookupBatch, attr, 56);
  if (result < 0 && result !== -errno.ENOENT) return result;
  return { count: attr.getU32(32), end: result === -errno.ENOENT };
}
