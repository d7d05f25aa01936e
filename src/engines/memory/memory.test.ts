import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MapImage } from "../../compiler/image.ts";
import { errno } from "../../sys/errno.ts";
import type { MapAccess } from "../engine.ts";
import { openAccess } from "./access.ts";
import { checkMemory, Runs } from "./control.ts";
import { fillMemory } from "./create.ts";
import type { Sharing } from "./hash.ts";
import { Control, HashEntry, HashHeader, type HashPlace, type MemoryLayout, planMemory } from "./layout.ts";
import { openStores } from "./stores.ts";
import { imageOf, mapImage } from "./testing.ts";
import type { MapStore } from "./types.ts";

const PROGRAM: Sharing = { pid: 10, isAlive: () => true };
const HOST: Sharing = { pid: 11, isAlive: () => true };
const TYPES = ["hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "array", "percpu_array"] as const;

/** One map, from both sides; the program's keys and values lie in its stack, at any alignment. */
class Both {
  readonly memory: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly layout: MemoryLayout;
  readonly store: MapStore;
  readonly host: MapAccess;
  readonly runs: Runs;
  readonly image: MapImage;
  shift = 0;

  constructor(image: MapImage) {
    this.image = image;
    this.layout = planMemory(imageOf([image]));
    this.memory = new ArrayBuffer(this.layout.bytes);
    this.bytes = new Uint8Array(this.memory);
    fillMemory(this.memory, this.layout);
    this.store = openStores(this.memory, this.layout, PROGRAM, () => {})[0] as MapStore;
    this.host = openAccess(this.memory, this.layout, 0, HOST);
    this.runs = new Runs(this.memory, this.layout);
  }
  get place(): HashPlace {
    return this.layout.maps[0] as HashPlace;
  }
  #key(key: Uint8Array): number {
    const at = this.layout.stackAt + this.shift;
    this.bytes.set(key, at);
    return at;
  }
  lookup(key: Uint8Array): number {
    return this.store.lookup(this.#key(key));
  }
  value(key: Uint8Array): Uint8Array | undefined {
    const at = this.lookup(key);
    return at === 0 ? undefined : this.bytes.slice(at, at + this.image.valueSize);
  }
  update(key: Uint8Array, value: Uint8Array, flags = 0): number {
    const at = this.layout.stackAt + 256 + this.shift;
    this.bytes.set(value, at);
    return this.store.update(this.#key(key), at, flags);
  }
  delete(key: Uint8Array): number {
    return this.store.delete(this.#key(key));
  }
}

const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);
const u64 = (n: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(n)).buffer);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const MODES = ["any", "new", "existing"] as const;

/** What a map holds and answers, in JavaScript. */
class Model {
  readonly entries = new Map<string, string>();
  readonly image: MapImage;
  readonly isArray: boolean;
  constructor(image: MapImage) {
    this.image = image;
    this.isArray = image.type.endsWith("array");
    if (this.isArray) for (let i = 0; i < image.maxEntries; i++) this.entries.set(text(u32(i)), "00".repeat(image.valueSize));
  }
  update(key: string, value: string, flags: number): number {
    if (this.entries.has(key)) {
      if (flags === 1) return -errno.EEXIST;
    } else if (this.isArray) return -errno.E2BIG;
    else if (flags === 2) return -errno.ENOENT;
    else if (this.entries.size >= this.image.maxEntries) return -errno.E2BIG;
    this.entries.set(key, value);
    return 0;
  }
  delete(key: string): number {
    if (this.isArray) return -errno.EINVAL;
    return this.entries.delete(key) ? 0 : -errno.ENOENT;
  }
}

const operation = fc.record({
  what: fc.constantFrom("lookup", "update", "delete", "hostLookup", "hostUpdate", "hostDelete", "entries", "run"),
  key: fc.nat(9),
  value: fc.nat(255),
  flags: fc.nat(2),
  shift: fc.nat(7),
});

describe("maps in shared memory answer as a JavaScript Map does", () => {
  for (const type of TYPES) {
    for (const keySize of type.endsWith("array") ? [4] : [1, 4, 6, 8, 12, 16, 21]) {
      test(`${type}, keys of ${keySize} bytes`, () => {
        fc.assert(
          fc.property(fc.array(operation, { maxLength: 120 }), fc.constantFrom(1, 4, 8, 12, 72), (operations, valueSize) => {
            // Evicting maps never get full here.
            const image = mapImage(type, { keySize, valueSize, maxEntries: type.startsWith("lru") ? 10 : 6 });
            const both = new Both(image);
            const model = new Model(image);
            for (const { what, key: number, value: fill, flags, shift } of operations) {
              both.shift = shift;
              const key = new Uint8Array(keySize).fill(keySize === 4 ? 0 : 7);
              key[keySize === 4 ? 0 : keySize - 1] = number;
              const value = new Uint8Array(valueSize).fill(fill);
              const name = text(key);
              if (what === "lookup") expect(both.value(key)?.toString()).toBe(bytesOf(model.entries.get(name))?.toString());
              if (what === "update") expect(both.update(key, value, flags)).toBe(model.update(name, text(value), flags));
              if (what === "delete") expect(both.delete(key)).toBe(model.delete(name));
              if (what === "hostLookup") expect(both.host.lookup(key)?.subarray(0, valueSize).toString()).toBe(bytesOf(model.entries.get(name))?.toString());
              if (what === "hostUpdate") expect(both.host.update(key, value, MODES[flags]!)).toBe(model.update(name, text(value), flags) === 0);
              if (what === "hostDelete" && !model.isArray) expect(both.host.delete(key)).toBe(model.delete(name) === 0);
              if (what === "run") flags === 0 ? both.runs.enter() : both.runs.leave();
              if (what === "entries") {
                const found = [...both.host.entries()].map(([k, v]) => [text(k), text(v.subarray(0, valueSize))]);
                expect(new Map(found as [string, string][])).toEqual(model.entries);
                expect(found.length).toBe(model.entries.size);
              }
            }
          }),
          { numRuns: 60 },
        );
      });
    }
  }
});

function bytesOf(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : Uint8Array.from(Buffer.from(hex, "hex"));
}

test("values that the host sees are padded to 8 bytes where they are per CPU, and only there", () => {
  for (const type of TYPES) {
    const both = new Both(mapImage(type, { valueSize: 12 }));
    both.update(u32(3), new Uint8Array(12).fill(9));
    expect(both.host.lookup(u32(3))!.length).toBe(type.includes("percpu") ? 16 : 12);
    expect([...both.host.entries()].find(([key]) => key[0] === 3)![1].length).toBe(type.includes("percpu") ? 16 : 12);
  }
});

test("programs change values in place, at addresses aligned to 8, and the host sees it", () => {
  for (const type of TYPES) {
    const both = new Both(mapImage(type, { keySize: type.endsWith("array") ? 4 : 5 }));
    const key = new Uint8Array(both.image.keySize);
    both.update(key, u64(5));
    const at = both.lookup(key);
    expect(at % 8).toBe(0);
    new DataView(both.memory).setBigUint64(at, 77n, true);
    expect(both.host.lookup(key)).toEqual(u64(77));
  }
});

test("unknown flags are refused", () => {
  for (const type of TYPES) expect(new Both(mapImage(type)).update(u32(1), u64(1), 3)).toBe(-errno.EINVAL);
});

test("a full map refuses new keys and takes them again when one was deleted, many times over", () => {
  const both = new Both(mapImage("hash", { maxEntries: 100 }));
  for (let i = 0; i < 100; i++) expect(both.update(u32(i), u64(i))).toBe(0);
  for (let i = 0; i < 5000; i++) {
    both.runs.enter();
    expect(both.update(u32(100 + i), u64(0))).toBe(-errno.E2BIG);
    expect(both.delete(u32(i))).toBe(0);
    expect(both.update(u32(100 + i), u64(100 + i))).toBe(0);
    both.runs.leave();
  }
  expect([...both.host.entries()].map(([key]) => Buffer.from(key).readUInt32LE()).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, i) => 5000 + i),
  );
});

test("more deletions in one run than there are spare entries still leave room for new keys", () => {
  const both = new Both(mapImage("hash", { maxEntries: 2 }));
  both.runs.enter();
  for (let i = 0; i < 1000; i++) {
    expect(both.update(u32(i), u64(i))).toBe(0);
    expect(both.delete(u32(i))).toBe(0);
  }
});

test("the memory of a value deleted in a run, by either side, isn't another's before the run is over", () => {
  for (const type of ["hash", "lru_hash"] as const) {
    for (const by of ["program", "host"] as const) {
      const both = new Both(mapImage(type, { maxEntries: 4 }));
      both.runs.enter();
      both.update(u32(1), u64(1));
      const held = both.lookup(u32(1));
      if (by === "program") both.delete(u32(1));
      else both.host.delete(u32(1));
      for (let i = 2; i < 6; i++) {
        both.host.update(u32(i), u64(i), "any");
        expect(both.lookup(u32(i))).not.toBe(held);
      }
      both.host.delete(u32(5));
      both.runs.leave();
      both.runs.enter();
      both.update(u32(6), u64(6));
      expect(both.lookup(u32(6))).toBe(held);
    }
  }
});

test("what was evicted in a run keeps its memory until the run is over", () => {
  const both = new Both(mapImage("lru_hash", { maxEntries: 3 }));
  for (let i = 0; i < 3; i++) both.update(u32(i), u64(i));
  both.runs.enter();
  const held = both.lookup(u32(0));
  for (let i = 3; i < 10; i++) both.update(u32(i), u64(i));
  expect(both.lookup(u32(0))).toBe(0);
  expect(both.bytes.slice(held, held + 8)).toEqual(u64(0));
});

test("a full evicting map drops the oldest key that nobody used", () => {
  const both = new Both(mapImage("lru_hash", { maxEntries: 8 }));
  for (let i = 0; i < 8; i++) both.update(u32(i), u64(i));
  both.lookup(u32(0));
  both.update(u32(1), u64(11));
  both.host.lookup(u32(2)); // the host's looks don't count, as the kernel's system calls don't
  both.update(u32(8), u64(8));
  both.update(u32(9), u64(9));
  expect([...both.host.entries()].map(([key]) => key[0]).sort((a, b) => a! - b!)).toEqual([0, 1, 4, 5, 6, 7, 8, 9]);
});

test("keys in use outlast any number of others that come once in an evicting map, and it is never more than full", () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 40 }), fc.uniqueArray(fc.nat(1000), { minLength: 50, maxLength: 400 }), (capacity, keys) => {
      const both = new Both(mapImage("lru_hash", { maxEntries: capacity }));
      both.update(u32(5000), u64(1));
      both.update(u32(5001), u64(2));
      for (const key of keys) {
        both.runs.enter();
        expect(both.lookup(u32(5000))).not.toBe(0);
        expect(both.lookup(u32(5001))).not.toBe(0);
        expect(both.update(u32(key), u64(key))).toBe(0);
        expect(both.host.lookup(u32(key))).toEqual(u64(key));
        both.runs.leave();
      }
      const there = [...both.host.entries()].map(([key]) => text(key));
      expect(new Set(there).size).toBe(there.length);
      expect(there.length).toBe(Math.min(capacity, keys.length + 2));
    }),
    { numRuns: 50 },
  );
});

test("what is there throughout an iteration is met once, whatever is inserted and deleted meanwhile", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 50, max: 99 })), { maxLength: 300 }), (changes) => {
      const both = new Both(mapImage("hash", { maxEntries: 100 }));
      for (let i = 0; i < 50; i++) {
        both.update(u32(i), u64(i));
        both.update(u32(i + 50), u64(0));
      }
      const met: number[] = [];
      for (const [key] of both.host.entries()) {
        met.push(key[0]!);
        for (const [add, other] of changes.splice(0, 5)) add ? both.update(u32(other), u64(1)) : both.delete(u32(other));
      }
      expect(met.filter((key) => key < 50).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }),
    { numRuns: 40 },
  );
});

test("clear leaves nothing, and room for everything", () => {
  for (const type of TYPES) {
    const both = new Both(mapImage(type));
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 16; i++) expect(both.host.update(u32(i), u64(i + 1), "any")).toBe(true);
      both.host.clear();
      expect([...both.host.entries()].filter(([, value]) => value.some((byte) => byte !== 0))).toEqual([]);
      expect([...both.host.entries()].length).toBe(type.endsWith("array") ? 16 : 0);
    }
  }
});

test("a lock whose owner was killed in the middle of a change is taken over, and the map repaired", () => {
  for (const type of ["hash", "lru_hash"] as const) {
    const both = new Both(mapImage(type, { maxEntries: 64 }));
    for (let i = 0; i < 60; i++) both.update(u32(i), u64(i));
    for (let i = 0; i < 20; i++) both.delete(u32(i));
    const words = new Int32Array(both.memory);
    const head = both.place.at / 4;
    // Torn: buckets, queue and order point anywhere, the count is wrong, one entry was taken but not filled.
    for (let i = 0; i < 16; i++) words[both.place.buckets / 4 + i] = 0;
    words[head + HashHeader.freeLast / 4] = 1;
    words[head + HashHeader.newest / 4] = 33;
    words[head + HashHeader.count / 4] = 3;
    words[head + HashHeader.made / 4]! += 1;
    words[head + HashHeader.version / 4]! |= 1;
    words[head + HashHeader.lock / 4] = 4242;
    const asked: number[] = [];
    const host = openAccess(both.memory, both.layout, 0, {
      pid: 12,
      isAlive: (pid) => {
        asked.push(pid);
        return false;
      },
    });
    expect(host.lookup(u32(30))).toEqual(u64(30));
    expect(asked).toEqual([4242]);
    for (let i = 0; i < 60; i++) expect(both.value(u32(i))).toEqual(i < 20 ? undefined : u64(i));
    for (let i = 100; i < 124; i++) expect(host.update(u32(i), u64(i), "any")).toBe(true);
    expect([...host.entries()].length).toBe(64);
    expect(both.update(u32(999), u64(1))).toBe(type === "hash" ? -errno.E2BIG : 0);
    expect([...host.entries()].length).toBe(64);
  }
});

test("a large map touches only the pages of what is in it", () => {
  const both = new Both(mapImage("hash", { maxEntries: 100_000, valueSize: 64 }));
  both.update(u32(1), u64(1));
  const touched = new Set<number>();
  for (let i = 0; i < both.bytes.length; i++) if (both.bytes[i] !== 0) touched.add(i >>> 12);
  expect(touched.size).toBeLessThanOrEqual(6);
});

test("the plan leaves nothing overlapping, aligns values and starts regions on pages", () => {
  const type = fc.constantFrom(...TYPES, "ringbuf" as const);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(type, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 5000 }), fc.boolean())),
      (specs) => {
        const maps = specs.map(([type, keySize, valueSize, maxEntries, mmap]) =>
          type === "ringbuf" ? mapImage(type) : mapImage(type, { keySize, valueSize, maxEntries, mmap: mmap && type === "array" }),
        );
        const layout = planMemory(imageOf(maps));
        expect(layout.bytes % 65_536).toBe(0);
        expect(layout.control).toBeGreaterThan(0);
        expect(layout.contextAt).toBeGreaterThanOrEqual(layout.control + Control.bytes);
        let end = layout.scratchAt + 4096;
        for (const place of layout.maps) {
          expect(place.at).toBeGreaterThanOrEqual(end);
          end = place.at + place.bytes;
          if (place.image.mmap) expect([place.at % 4096, place.bytes % 4096]).toEqual([0, 0]);
          if (place.kind === "hash") {
            expect([place.valueAt % 8, place.stride % 8, place.entries % 8]).toEqual([0, 0, 0]);
            expect(place.valueAt).toBeGreaterThanOrEqual(HashEntry.key + place.image.keySize);
            expect(place.entries).toBeGreaterThanOrEqual(place.buckets + 4 * 2 ** (32 - place.shift));
          }
        }
        expect(layout.bytes).toBeGreaterThanOrEqual(end);
      },
    ),
  );
});

test("state that doesn't fit is refused with the map's name", () => {
  expect(() => planMemory(imageOf([mapImage("hash", { name: "huge", maxEntries: 2 ** 24, valueSize: 4096 })]))).toThrowError(
    expect.objectContaining({ code: "SONDE_STATE_SIZE", where: "map huge" }),
  );
});

test("memory that wasn't made for this image is noticed", () => {
  const layout = planMemory(imageOf([mapImage("hash")]));
  const memory = new ArrayBuffer(layout.bytes);
  expect(() => checkMemory(memory, layout)).toThrowError(/shared memory is not what was planned/);
  fillMemory(memory, layout);
  checkMemory(memory, layout);
});

test("initial values stand at the start of an array", () => {
  const image = mapImage("array", { valueSize: 16, maxEntries: 1, mmap: true, initial: Uint8Array.from([1, 2, 3]) });
  expect(new Both(image).host.lookup(u32(0))!.subarray(0, 4)).toEqual(Uint8Array.from([1, 2, 3, 0]));
});
