/** Where a session's state lives: maps, regions, counters and record formats, handed out while its handlers are lowered. */

import { stack, struct } from "../../schema/layout.ts";
import { STACK_BYTES } from "../../schema/stack.ts";
import { MOST_RULES, RULE_KEY } from "../../schema/stack-walk.ts";
import { isAggregate, type Schema, type StateSpec, type StructSchema } from "../../schema/types.ts";
import type { Counter, MapImage, RecordFormat, SessionImage, StatePlace } from "../image.ts";
import type { LowerProbe, LowerRequest } from "./input.ts";
import { aggregateWords, roundUpPow2 } from "./sizes.ts";

type CounterKey = Counter extends infer C ? (C extends Counter ? Omit<C, "offset"> : never) : never;

/** Byte 0 of each CPU's part: which of its scratch slots are taken. */
export const SCRATCH_WORD = 0;
/** Scratch slots of a CPU: how many hits may be preempted on it at a time. */
export const SCRATCH_SLOTS = 8;
/** Byte 0 of the shared region: not zero once the run is over. */
export const STOPPED_WORD = 0;
/** Entries of the table of carried values. */
export const CARRY_CAPACITY = 16_384;
/** Different stacks that a session keeps. */
export const STACK_CAPACITY = 32_768;
/** Above this many bytes over all CPUs a map's entries are allocated as they come: making them all takes tens of milliseconds. */
const PREALLOC_LIMIT = 256 * 1024;

export class SessionLayout {
  readonly maps: MapImage[] = [];
  readonly counters: Counter[] = [];
  readonly formats: RecordFormat[] = [];
  readonly places: StatePlace[] = [];
  readonly cpuMap: number;
  readonly sharedMap: number;
  readonly cpus: number;
  ring: number | undefined;
  pidSet: number | undefined;
  funcNames: number | undefined;
  /** Bytes of the largest scratch slot that a program wants. */
  scratchBytes = 0;
  scratchMap: number | undefined;
  private cpuBytes = 8;
  private sharedBytes = 16;
  private readonly counterOffsets = new Map<string, number>();
  private readonly formatIndices = new Map<string, number>();
  private readonly sharedInitial: { offset: number; bytes: Uint8Array }[] = [];

  readonly request: LowerRequest;

  constructor(request: LowerRequest, encode: (schema: Schema, value: unknown) => Uint8Array) {
    this.request = request;
    this.cpus = roundUpPow2(request.target.cpus);
    this.cpuMap = this.addMap({ name: "cpu", type: "array", keySize: 4, valueSize: 0, maxEntries: 1, mmap: true, noPrealloc: false });
    this.sharedMap = this.addMap({ name: "shared", type: "array", keySize: 4, valueSize: 0, maxEntries: 1, mmap: true, noPrealloc: false });
    for (const [index, state] of request.states.entries()) this.places.push(this.place(state.name, state.spec, index, encode));
    if (request.target.filter.kind === "set") {
      this.pidSet = this.addMap({ name: "pids", type: "hash", keySize: 4, valueSize: 1, maxEntries: 65_536, mmap: false, noPrealloc: true });
    }
  }

  addMap(map: MapImage): number {
    this.maps.push(map);
    return this.maps.length - 1;
  }

  private place(name: string, spec: StateSpec, index: number, encode: (schema: Schema, value: unknown) => Uint8Array): StatePlace {
    const mapName = name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15) || "map";
    switch (spec.kind) {
      case "aggregate":
        if (spec.aggregate.kind === "stacks") return { in: "map", map: this.addMap(sumByStack(mapName)) };
        return { in: "cpuRegion", offset: this.cpuWords(aggregateWords(spec.aggregate)) };
      case "variable": {
        const offset = this.sharedBytes;
        this.sharedBytes += Math.ceil(spec.schema.size / 8) * 8;
        this.sharedInitial.push({ offset, bytes: encode(spec.schema, spec.initial) });
        return { in: "sharedRegion", offset };
      }
      case "events":
        return { in: "ring", format: this.format({ kind: "event", schema: spec.schema, state: index }) };
      case "array": {
        const perCpu = isAggregate(spec.value);
        const valueSize = isAggregate(spec.value) ? aggregateWords(spec.value) * 8 : Math.ceil(spec.value.size / 8) * 8;
        return {
          in: "map",
          map: this.addMap({
            name: mapName,
            type: perCpu ? "percpu_array" : "array",
            keySize: 4,
            valueSize,
            maxEntries: spec.length,
            mmap: false,
            noPrealloc: false,
          }),
        };
      }
      case "hash": {
        const perCpu = isAggregate(spec.value);
        const valueSize = isAggregate(spec.value) ? aggregateWords(spec.value) * 8 : Math.ceil(spec.value.size / 8) * 8;
        const lru = spec.full === "evict";
        const total = spec.capacity * (valueSize * (perCpu ? this.request.target.cpus : 1) + spec.key.size);
        const type = perCpu ? (lru ? "lru_percpu_hash" : "percpu_hash") : lru ? "lru_hash" : "hash";
        return {
          in: "map",
          map: this.addMap({
            name: mapName,
            type,
            keySize: spec.key.size,
            valueSize,
            maxEntries: spec.capacity,
            mmap: false,
            noPrealloc: !lru && total > PREALLOC_LIMIT,
            keySchema: spec.key,
            ...(isAggregate(spec.value) ? {} : { valueSchema: spec.value }),
          }),
        };
      }
    }
  }

  /** Words of each CPU's part of the region; gives their offset. */
  cpuWords(count: number): number {
    const offset = this.cpuBytes;
    this.cpuBytes += count * 8;
    return offset;
  }

  counter(key: CounterKey): number {
    const text = JSON.stringify(key);
    const known = this.counterOffsets.get(text);
    if (known !== undefined) return known;
    const offset = this.cpuWords(1);
    this.counterOffsets.set(text, offset);
    this.counters.push({ ...key, offset } as Counter);
    return offset;
  }

  format(format: RecordFormat): number {
    const text = JSON.stringify(format);
    const known = this.formatIndices.get(text);
    if (known !== undefined) return known;
    this.formats.push(format);
    this.formatIndices.set(text, this.formats.length - 1);
    return this.formats.length - 1;
  }

  ringMap(): number {
    this.ring ??= this.addMap({
      name: "ring",
      type: "ringbuf",
      keySize: 0,
      valueSize: 0,
      maxEntries: this.request.target.ringBytes,
      mmap: false,
      noPrealloc: false,
    });
    return this.ring;
  }

  /** The map behind scratch slots; its value is sized when all programs are known. */
  scratch(bytes: number): number {
    this.scratchBytes = Math.max(this.scratchBytes, bytes);
    this.scratchMap ??= this.addMap({
      name: "scratch",
      type: "array",
      keySize: 4,
      valueSize: 0,
      maxEntries: this.cpus * SCRATCH_SLOTS,
      mmap: false,
      noPrealloc: false,
    });
    return this.scratchMap;
  }

  private stackMap: number | undefined;
  /** The table of captured stacks, by their numbers: schema/stack.ts. */
  stacks(): number {
    this.stackMap ??= this.addMap({
      name: "stacks",
      type: "hash",
      keySize: 8,
      valueSize: STACK_BYTES,
      maxEntries: STACK_CAPACITY,
      mmap: false,
      noPrealloc: true,
    });
    return this.stackMap;
  }

  private ruleMap: number | undefined;
  /** The rules by which handlers unwind stacks: schema/stack-walk.ts. */
  stackRules(): number {
    this.ruleMap ??= this.addMap({
      name: "unwinding",
      type: "lru_hash",
      keySize: RULE_KEY.bytes,
      valueSize: 8,
      maxEntries: MOST_RULES,
      mmap: false,
      noPrealloc: false,
    });
    return this.ruleMap;
  }
  private copies: number | undefined;
  /** Each CPU's count of copies of stacks that the host hasn't read yet. */
  copiesWord(): number {
    this.copies ??= this.cpuWords(1);
    return this.copies;
  }

  private readonly carryMaps = new Map<LowerProbe, number>();
  /** The table of a probe's carried values: one for each way in which its handler is compiled, for what is carried may differ. */
  carryMap(probe: LowerProbe, image: MapImage): number {
    const known = this.carryMaps.get(probe);
    if (known !== undefined) {
      this.maps[known] = image;
      return known;
    }
    const map = this.addMap(image);
    this.carryMaps.set(probe, map);
    return map;
  }

  private token: number | undefined;
  /** Each CPU's count of numbers given to carried values. */
  tokenWord(): number {
    this.token ??= this.cpuWords(1);
    return this.token;
  }

  private zeroBytes = 0;
  private zeroMap: number | undefined;
  /** A map whose one value is `bytes` zeros at least: what new entries begin as. */
  zeros(bytes: number): number {
    this.zeroBytes = Math.max(this.zeroBytes, bytes);
    this.zeroMap ??= this.addMap({ name: "zeros", type: "array", keySize: 4, valueSize: 0, maxEntries: 1, mmap: false, noPrealloc: false });
    return this.zeroMap;
  }

  private readonly constants: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  private readonly constantOffsets = new Map<string, number>();
  private constantMap: number | undefined;
  /** Bytes (a multiple of 8) that handlers read, each once: where they are in a map of one value. */
  constant(bytes: Uint8Array): { readonly map: number; readonly offset: number } {
    this.constantMap ??= this.addMap({ name: "constants", type: "array", keySize: 4, valueSize: 0, maxEntries: 1, mmap: true, noPrealloc: false });
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const last = this.constants.at(-1);
    const offset = this.constantOffsets.get(text) ?? (last === undefined ? 0 : last.offset + last.bytes.length);
    if (!this.constantOffsets.has(text)) this.constants.push({ offset, bytes });
    this.constantOffsets.set(text, offset);
    return { map: this.constantMap, offset };
  }

  /** The names of functions as `cstring(63)`, for handlers that compute with the text of `c.func`. */
  functionNames(encode: (schema: Schema, value: unknown) => Uint8Array, schema: Schema): number {
    if (this.funcNames === undefined) {
      const count = Math.max(1, this.request.functions.length);
      const initial = new Uint8Array(count * schema.size);
      for (const [i, name] of this.request.functions.entries()) initial.set(encode(schema, name), i * schema.size);
      this.funcNames = this.addMap({
        name: "funcs",
        type: "array",
        keySize: 4,
        valueSize: initial.length,
        maxEntries: 1,
        mmap: true,
        noPrealloc: false,
        initial,
      });
    }
    return this.funcNames;
  }

  /** Bytes between two CPUs' parts: a power of two, so that a shift finds the part. */
  get stride(): number {
    return Math.max(64, roundUpPow2(this.cpuBytes));
  }

  finish(programs: SessionImage["programs"]): SessionImage {
    const sharedInitial = new Uint8Array(this.sharedBytes);
    for (const { offset, bytes } of this.sharedInitial) sharedInitial.set(bytes, offset);
    const maps = this.maps.map((map, i): MapImage => {
      if (i === this.cpuMap) return { ...map, valueSize: this.stride * this.cpus };
      if (i === this.sharedMap) return { ...map, valueSize: this.sharedBytes, initial: sharedInitial };
      if (i === this.scratchMap) return { ...map, valueSize: Math.ceil(this.scratchBytes / 8) * 8 };
      if (i === this.constantMap) {
        const initial = Buffer.concat(this.constants.map(({ bytes }) => bytes));
        return { ...map, valueSize: initial.length, initial: new Uint8Array(initial) };
      }
      if (i === this.zeroMap) return { ...map, valueSize: this.zeroBytes };
      return map;
    });
    return {
      maps,
      programs,
      files: this.request.files.map(({ path, text }) => ({ path, text })),
      states: this.request.states.map((state, i) => ({ ...state, place: this.places[i] as StatePlace })),
      formats: this.formats,
      counters: this.counters,
      cpuRegion: { map: this.cpuMap, stride: this.stride, cpus: this.cpus },
      sharedRegion: { map: this.sharedMap, size: this.sharedBytes },
      ring: this.ring,
      pidSet: this.pidSet,
      filter: this.request.target.filter,
      eventFilter: this.request.target.eventFilter,
      stacks: this.stackMap,
      walks: this.ruleMap === undefined || this.copies === undefined ? undefined : { rules: this.ruleMap, copies: this.copies },
    };
  }
}

const sumByStack = (name: string): MapImage => ({
  name,
  type: "percpu_hash",
  keySize: 8,
  valueSize: 8,
  maxEntries: STACK_CAPACITY,
  mmap: false,
  noPrealloc: true,
  keySchema: stack,
});

/** A print's payload: a field per value. */
export function payload(fields: readonly (readonly [string, Schema])[]): StructSchema {
  return struct(fields);
}
