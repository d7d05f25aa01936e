/** Maps read and changed from the host: hashes in batches, per-CPU values, arrays, clearing, full maps. */
import { afterEach, describe, expect, test } from "vitest";
import type { MapImage } from "../../src/compiler/image.ts";
import type { Armed, MapAccess } from "../../src/engines/engine.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { possibleCpus } from "../../src/sys/host.ts";
import { session } from "./support/images.ts";

const everyone = { pids: [], children: false, cgroup: undefined };
let armed: Armed | undefined;
afterEach(() => armed?.close());
const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);
const u64 = (...n: number[]): Uint8Array => new Uint8Array(BigUint64Array.from(n, BigInt).buffer);
const number = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

async function map(parts: Partial<MapImage>): Promise<MapAccess> {
  const image: MapImage = { name: "test", type: "hash", keySize: 4, valueSize: 8, maxEntries: 5000, mmap: false, noPrealloc: false, ...parts };
  armed = await new KernelEngine().arm(session([], { extra: [image] }), [], everyone);
  return armed.map(2);
}

describe.each(["hash", "lru_hash"] as const)("a %s", (type) => {
  test("gives all of its entries, once each, and none after it is cleared", async () => {
    const hash = await map({ type });
    for (let i = 0; i < 1000; i++) hash.update(u32(i), u64(i * 2), "any");
    const seen = new Map([...hash.entries()].map(([key, value]) => [number(key), number(value)]));
    expect(seen.size).toBe(1000);
    expect([...seen].every(([key, value]) => value === key * 2)).toBe(true);
    hash.clear();
    expect([...hash.entries()]).toEqual([]);
  });

  test("adds only what is new, changes only what is there, and deletes once", async () => {
    const hash = await map({ type });
    expect(hash.update(u32(1), u64(1), "existing")).toBe(false);
    expect(hash.update(u32(1), u64(1), "new")).toBe(true);
    expect(hash.update(u32(1), u64(2), "new")).toBe(false);
    expect(hash.lookup(u32(1))).toEqual(u64(1));
    expect(hash.delete(u32(1))).toBe(true);
    expect(hash.delete(u32(1))).toBe(false);
    expect(hash.lookup(u32(1))).toBeUndefined();
  });
});

test("a full hash refuses a new key and says so", async () => {
  const hash = await map({ maxEntries: 2 });
  expect([1, 2, 3].map((i) => hash.update(u32(i), u64(0), "any"))).toEqual([true, true, false]);
});

test.each(["percpu_hash", "lru_percpu_hash"] as const)("a %s has a value for each possible CPU", async (type) => {
  const hash = await map({ type, valueSize: 12 });
  const value = new Uint8Array(16 * possibleCpus()).map((_, i) => (i % 16 < 12 ? i : 0));
  hash.update(u32(9), value, "any");
  expect(hash.lookup(u32(9))).toEqual(value);
  expect([...hash.entries()]).toEqual([[u32(9), value]]);
  hash.clear();
  expect(hash.lookup(u32(9))).toBeUndefined();
});

test("an array has all of its entries from the start, and clearing makes them zero", async () => {
  const array = await map({ type: "array", maxEntries: 3, initial: u64(7) });
  expect([...array.entries()].map(([key, value]) => [number(key), number(value)])).toEqual([
    [0, 7],
    [1, 0],
    [2, 0],
  ]);
  array.update(u32(2), u64(5), "any");
  array.clear();
  expect([...array.entries()].map(([, value]) => number(value))).toEqual([0, 0, 0]);
  expect(array.lookup(u32(3))).toBeUndefined();
});

test("a map that is too large is refused with what to do, and nothing is left", async () => {
  await expect(map({ maxEntries: 2 ** 31, valueSize: 1 << 20 })).rejects.toMatchObject({ code: "SONDE_SYS_E2BIG", mend: expect.stringContaining("smaller") });
});
