/** Many threads at once in machine code, and threads that are killed in the middle: sums are exact, and what is left can be read. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openInline } from "../../../src/engines/inline/memory/access.ts";
import { InlineRing } from "../../../src/engines/inline/memory/ring.ts";
import { InlineTable } from "../../../src/engines/inline/memory/table.ts";
import { mapWhileHeld } from "../../../src/sys/memory.ts";
import { inlineRunner } from "../../fixtures/build.ts";
import { loopOf } from "../harness/inline-loop.ts";
import { jobPaths, loopMachine } from "../harness/machine.ts";

const THREADS = 4;

const sum = (values: readonly bigint[]): bigint => values.reduce((all, n) => all + n, 0n);
const words = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);

const counters = (loop: ReturnType<typeof loopOf>, shared: Uint8Array, kind: string): bigint => {
  const { image, code } = loop;
  const region = code.layout.maps[image.cpuRegion.map]!;
  const { stride, cpus } = image.cpuRegion;
  return sum(
    image.counters
      .filter((one) => one.kind === kind)
      .flatMap(({ offset }) => Array.from({ length: cpus }, (_, cpu) => words(shared, region.at + cpu * stride + offset))),
  );
};

test("a count of hits is exact", () => {
  const loop = loopOf("const n = count();", "(c) => { n.add(); }");
  const { shared } = loopMachine(loop.job, THREADS, 500_000, loop.address);
  expect(counters(loop, shared, "hits")).toBe(BigInt(THREADS * 500_000));
});

test("counts by key are exact, also while keys come and are thrown out", () => {
  const loop = loopOf("const by = hash(u64, count());", "(c) => { by.at(c.arg0 & 1023).add(); }");
  const { shared } = loopMachine(loop.job, THREADS, 200_000, loop.address);
  const map = loop.image.maps.findIndex(({ name }) => name === "by");
  const entries = [...openInline(shared.buffer as ArrayBuffer, loop.code.layout, map).entries()];
  expect(new Set(entries.map(([key]) => words(key, 0))).size).toBe(entries.length);
  expect(entries.length).toBe(1024);
  expect(sum(entries.map(([, value]) => words(value, 0))) + counters(loop, shared, "full")).toBe(BigInt(THREADS * 200_000));
});

test("a key is live at most once while threads set and delete the same ones", () => {
  const body = "(c) => { const k = c.arg0 & 7; held.set(k, { a: c.arg0, b: c.arg0, d: c.arg0 }); if ((c.arg0 & 3) === 3) held.delete(k); }";
  const loop = loopOf("const held = hash(u64, struct({ a: u64, b: u64, d: u64 }), { capacity: 8 });", body);
  const { shared } = loopMachine(loop.job, THREADS, 200_000, loop.address);
  const map = loop.image.maps.findIndex(({ name }) => name === "held");
  const table = new InlineTable(shared.buffer as ArrayBuffer, loop.code.layout.maps[map] as never);
  const entries = [...table.entries()];
  expect(new Set(entries.map(([key]) => words(key, 0))).size).toBe(entries.length);
  for (const [key, value] of entries) {
    // Whole, and of this key.
    expect(words(value, 0)).toBe(words(value, 8));
    expect(words(value, 8)).toBe(words(value, 16));
    expect(words(value, 0) & 7n).toBe(words(key, 0));
  }
  expect(new DataView(shared.buffer).getUint32(loop.code.layout.maps[map]!.at, true)).toBe(entries.length);
});

const RING = "const seen = events({ thread: u32, n: u64 });";
const EMIT = "(c) => { seen.emit({ thread: c.tid, n: c.arg0 }); }";

/** Starts the loop, and reads its ring until `until` says so or it has ended. */
async function withRing(
  kill: boolean,
): Promise<{ readonly last: Map<number, bigint>; readonly records: number; readonly ordered: boolean; readonly lost: bigint; readonly abandoned: number }> {
  const loop = loopOf(RING, EMIT);
  const folder = jobPaths(loop.job);
  const fd = openSync(folder.shared, "r+");
  try {
    const memory = mapWhileHeld(fd, loop.code.layout.bytes);
    const child = spawn(inlineRunner(), [folder.job, folder.shared, "loop", String(THREADS), String(kill ? 1_000_000_000 : 100_000), String(loop.address)], {
      stdio: "ignore",
    });
    let ended = false;
    child.on("exit", () => {
      ended = true;
    });
    const place = loop.code.layout.maps[loop.image.ring as number];
    if (place?.kind !== "ring") throw new Error("no ring");
    const ring = new InlineRing(memory, place, () => ended);
    const last = new Map<number, bigint>();
    let records = 0;
    let ordered = true;
    const take = (): number =>
      ring.consume((bytes, offset) => {
        const thread = bytes.getUint32(offset + 8, true);
        const n = bytes.getBigUint64(offset + 16, true);
        if (n <= (last.get(thread) ?? -1n)) ordered = false;
        last.set(thread, n);
        records++;
      });
    const deadline = kill ? Date.now() + 20 + Math.random() * 60 : Number.POSITIVE_INFINITY;
    while (!ended) {
      take();
      if (Date.now() > deadline) child.kill("SIGKILL");
      await sleep(0);
    }
    take();
    const shared = new Uint8Array(memory.slice(0));
    return { last, records, ordered, lost: counters(loop, shared, "lost"), abandoned: ring.abandoned };
  } finally {
    closeSync(fd);
    folder.remove();
  }
}

test("of each thread's records none is lost uncounted, and they come in order", async () => {
  const { records, ordered, lost, last, abandoned } = await withRing(false);
  expect(ordered).toBe(true);
  // A thread may have found the ring full all the time.
  expect(last.size).toBeGreaterThan(0);
  expect(BigInt(records) + lost).toBe(BigInt(THREADS * 100_000));
  expect(abandoned).toBe(0);
}, 60_000);

test("a process that is killed at any moment leaves a ring that is read to its end", async () => {
  for (let turn = 0; turn < 25; turn++) {
    const { records, ordered, abandoned } = await withRing(true);
    expect(records).toBeGreaterThan(0);
    expect(ordered).toBe(true);
    expect(abandoned).toBeLessThanOrEqual(THREADS);
  }
}, 60_000);

test("a process that is killed at any moment leaves a table that others go on with", async () => {
  const loop = loopOf(
    "const held = hash(u64, struct({ a: u64, b: u64, d: u64 }), { capacity: 64 });",
    "(c) => { held.set(c.arg0 & 31, { a: c.arg0, b: c.arg0, d: c.arg0 }); held.delete((c.arg0 + 7) & 31); }",
  );
  const folder = jobPaths(loop.job);
  try {
    for (let turn = 0; turn < 15; turn++) {
      const child = spawn(inlineRunner(), [folder.job, folder.shared, "loop", String(THREADS), "1000000000", String(loop.address)], { stdio: "ignore" });
      await sleep(20 + Math.random() * 40);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const map = loop.image.maps.findIndex(({ name }) => name === "held");
    const bytes = new Uint8Array(readFileSync(folder.shared));
    const table = new InlineTable(bytes.buffer as ArrayBuffer, loop.code.layout.maps[map] as never);
    table.repair();
    table.clear();
    const key = new Uint8Array(8);
    for (let n = 0; n < 32; n++) {
      key[0] = n;
      expect(table.lookup(key)).toBeUndefined();
      expect(table.update(key, new Uint8Array(24).fill(n), "new")).toBe(true);
      expect(table.update(key, new Uint8Array(24), "new")).toBe(false);
    }
    expect([...table.entries()]).toHaveLength(32);
  } finally {
    folder.remove();
  }
}, 60_000);
