/** The memory that an engine of ours shares with the session, under load from two processes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, statSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openAccess } from "../../src/engines/memory/access.ts";
import { Runs } from "../../src/engines/memory/control.ts";
import { createMemory, type SharedMemory } from "../../src/engines/memory/create.ts";
import type { ArrayPlace, RingPlace } from "../../src/engines/memory/layout.ts";
import { SpinLock } from "../../src/engines/memory/lock.ts";
import { RingConsumer } from "../../src/engines/memory/ring.ts";
import { built } from "./support/built.ts";
import { CAPACITY, CHANGING, COUNTS, image, LARGE, lengthOf, maps, RECORDS, SPORADIC, STABLE, words } from "./support/memory-image.ts";

let program: { readonly path: string; readonly remove: () => void };
let shared: SharedMemory;
let state: Int32Array;
let child: ChildProcess | undefined;
let askedAlive = 0;

beforeAll(async () => {
  program = await built("memory-process.ts");
});
afterAll(() => program.remove());
beforeEach(() => {
  shared = createMemory(image);
  state = new Int32Array(shared.buffer, (shared.layout.maps[maps.words] as ArrayPlace).at, 16);
});
afterEach(() => {
  if (child?.exitCode === null) child.kill("SIGKILL");
  shared.close();
});

const isAlive = (pid: number): boolean => {
  askedAlive++;
  return existsSync(`/proc/${pid}`);
};
const access = (map: number) => openAccess(shared.buffer, shared.layout, map, { pid: process.pid, isAlive });
const consumer = (): RingConsumer => new RingConsumer(shared.buffer, shared.layout, shared.layout.maps[maps.ring] as RingPlace);
const done = (): boolean => Atomics.load(state, words.done) === 1 || child?.exitCode !== null;

/** The other process, with the memory as its descriptor 3. */
function run(what: string): ChildProcess {
  child = spawn(process.execPath, [program.path, what], { stdio: ["ignore", "pipe", "inherit", shared.fd] });
  return child;
}
async function start(what: string): Promise<void> {
  const other = run(what);
  while (Atomics.load(state, words.started) === 0 && other.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 1));
  Atomics.store(state, words.started, 0);
}
async function ended(): Promise<number | null> {
  const process = child as ChildProcess;
  if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
  return process.exitCode;
}
const keyOf = (number: number, size: number): Uint8Array => {
  const key = new Uint8Array(size);
  new DataView(key.buffer).setUint32(0, number, true);
  return key;
};
const numberOf = (key: Uint8Array): number => new DataView(key.buffer, key.byteOffset).getUint32(0, true);
const filled = (n: number): Uint8Array => new Uint8Array(new Int32Array(8).fill(n).buffer);
const isWhole = (value: Uint8Array): boolean => new Set(new Int32Array(value.slice().buffer)).size === 1;

test("two processes count under the lock, and no count is lost", async () => {
  const lock = new SpinLock(state, words.lock, process.pid, isAlive);
  await start("lock");
  for (let i = 0; i < COUNTS; i++) {
    lock.acquire();
    state[words.plain] = state[words.plain]! + 1;
    lock.release();
  }
  expect(await ended()).toBe(0);
  expect(state[words.plain]).toBe(2 * COUNTS);
});

test("two processes change a map, and each finds its keys, whole values, and what is there throughout once in each iteration", async () => {
  const map = access(maps.hash);
  for (let i = 0; i < STABLE; i++) map.update(keyOf(i, 4), filled(i), "new");
  await start("hash");
  let turns = 0;
  while (!done()) {
    for (let i = 0; i < 20; i++) {
      const key = keyOf(2000 + ((turns * 20 + i) % CHANGING), 4);
      expect(map.update(key, filled(turns), "new")).toBe(true);
      expect(map.lookup(key)).toEqual(filled(turns));
      expect(map.delete(key)).toBe(true);
    }
    if (turns++ % 8 !== 0) continue;
    const met = new Set<number>();
    for (const [key, value] of map.entries()) {
      const number = numberOf(key);
      if (number >= STABLE) continue;
      if (met.has(number) || !isWhole(value)) throw new Error(`key ${number} was met twice, or its value is torn`);
      met.add(number);
    }
    expect(met.size).toBe(STABLE);
  }
  expect(await ended()).toBe(0);
  // How often depends on how busy the machine is.
  expect(turns).toBeGreaterThan(3);
  expect([...map.entries()].map(([key]) => numberOf(key)).sort((a, b) => a - b)).toEqual(Array.from({ length: STABLE }, (_, i) => i));
  // No entry got lost: there is room for exactly as many as the map's size.
  let room = 0;
  while (map.update(keyOf(10_000 + room, 4), filled(0), "new")) room++;
  expect(room).toBe(CAPACITY - STABLE);
});

test("a value is never read while the other process replaces it", async () => {
  const map = access(maps.large);
  map.update(keyOf(0, 4), new Uint8Array(LARGE), "new");
  await start("large");
  let changes = 0;
  let last = 0;
  while (!done()) {
    const values = [map.lookup(keyOf(0, 4)), [...map.entries()][0]![1]];
    for (const value of values) {
      const words = new Int32Array(value!.buffer);
      if (words[0] !== last) changes++;
      last = words[0]!;
      if (words.some((word) => word !== last)) throw new Error("a value is torn");
    }
  }
  expect(await ended()).toBe(0);
  expect(changes).toBeGreaterThan(100);
});

test("a process killed at any moment leaves maps that work, with all that others put there", async () => {
  const hash = access(maps.hash);
  const lru = access(maps.lru);
  for (let i = 0; i < STABLE; i++) {
    hash.update(keyOf(i, 4), filled(i), "new");
    lru.update(keyOf(i, 16), filled(i), "new");
  }
  const asked = askedAlive;
  const ring = consumer();
  let records = 0;
  for (let turn = 0; turn < 12; turn++) {
    await start("forever");
    await new Promise((resolve) => setTimeout(resolve, 30 + turn * 7));
    child!.kill("SIGKILL");
    expect(await ended()).toBe(null);
    new Runs(shared.buffer, shared.layout).leave();
    for (const [map, size] of [
      [hash, 4],
      [lru, 16],
    ] as const) {
      const clearing = [...map.entries()].map(([key]) => numberOf(key)).filter((number) => number >= STABLE);
      expect(clearing.length).toBeLessThanOrEqual(CHANGING);
      for (const number of clearing) expect(map.delete(keyOf(number, size))).toBe(true);
      for (let i = 0; i < STABLE; i++) expect(map.lookup(keyOf(i, size))).toEqual(filled(i));
      for (let i = 0; i < CAPACITY - STABLE; i++) expect(map.update(keyOf(5000 + i, size), filled(i), "new")).toBe(true);
      expect([...map.entries()].length).toBe(CAPACITY);
      for (let i = 0; i < CAPACITY - STABLE; i++) expect(map.delete(keyOf(5000 + i, size))).toBe(true);
      expect([...map.entries()].length).toBe(STABLE);
    }
    ring.producerGone();
    records += ring.consume((_, __, length) => expect(length).toBe(16));
    expect(ring.pending).toBe(false);
  }
  expect(records).toBeGreaterThan(0);
  // The lock was found held by the dead at least once: so the repair was needed.
  expect(askedAlive).toBeGreaterThan(asked);
});

test("every record that found room arrives once, whole and in order, and those that found none are counted", async () => {
  const ring = consumer();
  await start("ring");
  let received = 0;
  let last = -1;
  const read = (): number =>
    ring.consume((bytes, offset, length) => {
      const number = bytes.getUint32(offset, true);
      const content = new Uint8Array(bytes.buffer, offset + 4, length - 4);
      if (number <= last || length !== lengthOf(number) || number % 10 === 3 || !content.every((byte) => byte === (number & 255)))
        throw new Error(`record ${number} of ${length} bytes behind ${last}`);
      last = number;
      received++;
    });
  while (!done()) read();
  expect(await ended()).toBe(0);
  while (ring.pending) read();
  // Each tenth was discarded; those that may be lost are none of them.
  expect(received + state[words.lost]!).toBe(RECORDS - RECORDS / 10);
  expect(state[words.lost]).toBeGreaterThan(0);
});

test("a consumer that sleeps until it is woken misses no record", async () => {
  const ring = consumer();
  const { stdout } = run("sporadic");
  let woken = (): void => {};
  stdout!.on("data", () => woken());
  const numbers: number[] = [];
  let sleeps = 0;
  while (numbers.length < SPORADIC) {
    ring.consume((bytes, offset) => numbers.push(bytes.getUint32(offset, true)));
    if (numbers.length === SPORADIC) break;
    const wake = new Promise<boolean>((resolve) => {
      woken = () => resolve(true);
    });
    if (!ring.sleep()) continue;
    sleeps++;
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, 10_000, false).unref());
    expect(await Promise.race([wake, late])).toBe(true);
  }
  expect(numbers).toEqual(Array.from({ length: SPORADIC }, (_, i) => i));
  expect(sleeps).toBeGreaterThan(10);
  expect(await ended()).toBe(0);
});

test("regions have their initial values, and stay readable when the session is closed", () => {
  const other = createMemory(image);
  const funcs = other.region(maps.funcs);
  const region = other.region(maps.words);
  new Int32Array(other.buffer, (other.layout.maps[maps.words] as ArrayPlace).at, 1)[0] = 1234;
  other.close();
  expect(() => closeSync(other.fd)).toThrow(/EBADF/);
  expect([...new Uint8Array(funcs, 0, 4)]).toEqual([5, 6, 7, 0]);
  expect(new Int32Array(region)[0]).toBe(1234);
});

test("memory takes room only for what is used", () => {
  const large = createMemory({ ...image, maps: [{ ...image.maps[maps.hash]!, maxEntries: 1_000_000 }] });
  const map = openAccess(large.buffer, large.layout, 0, { pid: process.pid, isAlive });
  for (let i = 0; i < 100; i++) map.update(keyOf(i, 4), filled(i), "new");
  expect([...map.entries()].length).toBe(100);
  expect(large.layout.bytes).toBeGreaterThan(50_000_000);
  // Pages of the table of chains, of the entries, and of the header.
  expect(statSync(`/proc/self/fd/${large.fd}`).blocks * 512).toBeLessThan(600_000);
  large.close();
});
