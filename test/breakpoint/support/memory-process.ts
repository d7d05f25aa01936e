/** Stands for an engine's process in the test of shared memory: the memory is descriptor 3, adopted by WebAssembly; the first argument says what to do. */
import { writeSync } from "node:fs";
import { checkMemory, Runs } from "../../../src/engines/memory/control.ts";
import { type ArrayPlace, planMemory } from "../../../src/engines/memory/layout.ts";
import { SpinLock } from "../../../src/engines/memory/lock.ts";
import { openStores } from "../../../src/engines/memory/stores.ts";
import type { MapStore, RingStore } from "../../../src/engines/memory/types.ts";
import { adoptMemory } from "../../../src/sys/memory.ts";
import { CHANGING, COUNTS, image, LARGE, lengthOf, maps, RECORDS, ROUNDS, SPORADIC, STABLE, words } from "./memory-image.ts";

interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}
const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (of: { initial: number; maximum: number; shared: true }) => WasmMemory } })
  .WebAssembly;

const layout = planMemory(image);
const pages = layout.bytes / 65_536;
const memory = new Memory({ initial: pages, maximum: pages, shared: true });
adoptMemory(memory, 3);
checkMemory(memory.buffer, layout);

const ints = new Int32Array(memory.buffer);
const at = (layout.maps[maps.words] as ArrayPlace).at / 4;
const stores = openStores(memory.buffer, layout, { pid: process.pid, isAlive: () => true }, () => writeSync(1, "w"));
const ring = stores[maps.ring] as RingStore;
const runs = new Runs(memory.buffer, layout);
const key = layout.stackAt;
const value = layout.stackAt + 64;

function check(ok: boolean, what: string): void {
  if (!ok) {
    writeSync(2, `${what}\n`);
    process.exit(1);
  }
}

function setKey(number: number): void {
  ints.fill(0, key / 4, key / 4 + 4);
  ints[key / 4] = number;
}

/** Replaces a large value again and again. */
function replace(rounds: number): void {
  const map = stores[maps.large] as MapStore;
  for (let i = 0; i < rounds; i++) {
    setKey(0);
    ints.fill(i, layout.scratchAt / 4, (layout.scratchAt + LARGE) / 4);
    map.update(key, layout.scratchAt, 0);
  }
}

/** Inserts, deletes and looks up, as programs would, in the map with this index. */
function change(index: number, rounds: number): void {
  const map = stores[index] as MapStore;
  for (let i = 0; i < rounds; i++) {
    runs.enter();
    setKey(i % STABLE);
    check(map.lookup(key) !== 0, `the stable key ${i % STABLE} was not found`);
    ints.fill(i, value / 4, value / 4 + 8);
    setKey(1000 + (i % CHANGING));
    check(map.update(key, value, 1) === 0, `the new key ${1000 + (i % CHANGING)} was refused`);
    const held = map.lookup(key);
    check(ints[held / 4] === i, "a new key has another's value");
    if (i >= CHANGING / 2) {
      setKey(1000 + ((i - CHANGING / 2) % CHANGING));
      check(map.delete(key) === 0, "a key was not there to be deleted");
    }
    check(ints[held / 4] === i, "a value changed that nobody else may touch");
    runs.leave();
  }
  for (let number = 1000; number < 1000 + CHANGING; number++) {
    setKey(number);
    map.delete(key);
  }
}

const what = process.argv[2];
const pause = new Int32Array(new SharedArrayBuffer(4));
Atomics.store(ints, at + words.started, 1);
if (what === "lock") {
  const lock = new SpinLock(ints, at + words.lock, process.pid, () => true);
  for (let i = 0; i < COUNTS; i++) {
    lock.acquire();
    ints[at + words.plain] = ints[at + words.plain]! + 1;
    lock.release();
  }
} else if (what === "hash") {
  change(maps.hash, ROUNDS);
} else if (what === "large") {
  replace(ROUNDS);
} else if (what === "forever") {
  for (;;) {
    change(maps.hash, CHANGING);
    change(maps.lru, CHANGING);
    ring.output(value, 16);
    ring.reserve(24);
  }
} else if (what === "ring") {
  for (let number = 0; number < RECORDS; number++) {
    const length = lengthOf(number);
    let record = ring.reserve(length);
    // Most wait for room, so that the reader stays in it; the others are lost.
    for (; record === 0 && number % 50 !== 0; record = ring.reserve(length)) Atomics.wait(pause, 0, 0, 0.02);
    if (record === 0) {
      ints[at + words.lost] = ints[at + words.lost]! + 1;
      continue;
    }
    ints[record / 4] = number;
    new Uint8Array(memory.buffer, record + 4, length - 4).fill(number);
    ring.submit(record, number % 10 === 3);
  }
} else if (what === "sporadic") {
  for (let number = 0; number < SPORADIC; number++) {
    ints[value / 4] = number;
    ring.output(value, 4);
    // Around the moments at which the other side falls asleep.
    if (number % 3 === 0) Atomics.wait(pause, 0, 0, number % 7);
    else for (let i = (number * 7919) % 20_000; i > 0; i--) Atomics.load(pause, 0);
  }
}
Atomics.store(ints, at + words.done, 1);
