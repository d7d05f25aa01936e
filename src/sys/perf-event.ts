/** perf_event_open(2), for events that carry eBPF programs. Offsets are those of struct perf_event_attr, version 5 (112 bytes). */
import { readFileSync } from "node:fs";
import { syscall } from "./ffi/native.ts";
import { nr } from "./numbers.ts";
import { cString, Struct } from "./struct.ts";

const ATTR_SIZE = 112;
const INHERIT = 1 << 1;
const CLOSE_ON_EXEC = 1 << 3;
const TYPE_TRACEPOINT = 2;
const TYPE_SOFTWARE = 1;
const SOFTWARE_DUMMY = 9;
const SOFTWARE_CPU_CLOCK = 0;
/**
 * PERF_SAMPLE_TID | PERF_SAMPLE_READ. When two processes that inherited the same events are switched, the kernel may exchange
 * their events instead; a uprobe's event then stays with the memory of the other, and is gone when that one ends. Events that
 * are inherited and sampled by reading are kept from it (perf_event_context_sched_out in kernel/events/core.c, from 6.13 on;
 * before, the two together are refused).
 */
const STAYS_WITH_PROCESS = (1 << 1) | (1 << 4);
const UPROBES = "/sys/bus/event_source/devices/uprobe";

export interface EventScope {
  /** A thread, or -1 for all of them. */
  readonly thread: number;
  /** Threads and processes that it forks get the event too. */
  readonly inherit: boolean;
}

function open(attr: Struct, scope: EventScope): number {
  attr
    .u32(4, ATTR_SIZE)
    .u64(16, 1)
    .u64(24, scope.inherit ? STAYS_WITH_PROCESS : 0)
    .u64(40, scope.inherit ? INHERIT : 0);
  // A system-wide event must name a CPU; its program runs on every CPU all the same.
  return syscall(nr.perf_event_open, attr.bytes, scope.thread, scope.thread === -1 ? 0 : -1, -1, CLOSE_ON_EXEC);
}

/** An event that never happens: for trying what the kernel accepts. Gives a descriptor, or minus errno. */
export function openDummyEvent(scope: EventScope): number {
  return open(new Struct(ATTR_SIZE).u32(0, TYPE_SOFTWARE).u64(8, SOFTWARE_DUMMY), scope);
}

/** A timer of one CPU that goes off every `ns` nanoseconds, whatever runs there. Gives a descriptor, or minus errno. */
export function openTimerEvent(cpu: number, ns: number): number {
  const attr = new Struct(ATTR_SIZE).u32(0, TYPE_SOFTWARE).u32(4, ATTR_SIZE).u64(8, SOFTWARE_CPU_CLOCK).u64(16, ns);
  return syscall(nr.perf_event_open, attr.bytes, -1, cpu, -1, CLOSE_ON_EXEC);
}

/** An event on a tracepoint or a definition in uprobe_events, by its id in tracefs. Gives a descriptor, or minus errno. */
export function openTracepointEvent(id: number, scope: EventScope): number {
  return open(new Struct(ATTR_SIZE).u32(0, TYPE_TRACEPOINT).u64(8, id), scope);
}

/** Where in an event's config the place of a uprobe's count is (PERF_UPROBE_REF_CTR_OFFSET_SHIFT in kernel/events/core.c), since Linux 4.20. */
const COUNTER_BIT = 32n;

/** An event on an offset of a file, by perf's own uprobe unit (kernel ≥ 4.17). Gives a descriptor, or minus errno. */
export function openUprobeEvent(unit: UprobeUnit, { path, offset, atReturn, counter }: UprobePlace, scope: EventScope): number {
  return open(
    new Struct(ATTR_SIZE)
      .u32(0, unit.type)
      .u64(8, (atReturn ? 1n << BigInt(unit.returnBit) : 0n) | (BigInt(counter) << COUNTER_BIT))
      .pointer(56, cString(path))
      .u64(64, offset),
    scope,
  );
}

export interface UprobePlace {
  readonly path: string;
  readonly offset: number;
  readonly atReturn: boolean;
  /** Where in the file a 16-bit count is that is up while the place is probed; 0: there is none. */
  readonly counter: number;
}

export interface UprobeUnit {
  readonly type: number;
  readonly returnBit: number;
}

/** perf's uprobe unit, if the kernel has it. */
export function uprobeUnit(): UprobeUnit | undefined {
  try {
    const type = Number(readFileSync(`${UPROBES}/type`, "latin1"));
    const bit = /config:(\d+)/.exec(readFileSync(`${UPROBES}/format/retprobe`, "latin1"))?.[1];
    return { type, returnBit: Number(bit ?? 0) };
  } catch {
    return undefined;
  }
}
