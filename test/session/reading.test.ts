/** What a session reads, against exact numbers of calls of a program of ours. */
import { expect, test } from "vitest";
import { openText, probed, until } from "./support.ts";

test("aggregates alone are exact, also when cleared between calls", async () => {
  await using it = await probed();
  await using s = await openText(
    'const n = count(), a = sum(), lo = min(), hi = max(), v = avg(), st = stats(); uprobe("BIN:work", (c) => { n.add(); a.add(c.arg0); lo.add(c.arg0); hi.add(c.arg0); v.add(c.arg0); st.add(c.arg0); });',
    it.path,
  );
  await it.running.ask("work 10 5 0");
  await it.running.ask("work 1 -7 0");
  const { n, a, lo, hi, v, st } = s.maps;
  expect([n.read(), a.read(), lo.read(), hi.read()]).toEqual([11n, 43n, -7n, 5n]);
  expect(v.read()).toEqual({ count: 11n, sum: 43n, avg: 43 / 11 });
  expect(st.read()).toEqual({ count: 11n, sum: 43n, min: -7n, max: 5n, avg: 43 / 11 });
  for (const one of [n, a, lo, hi, v, st]) one.clear();
  expect([n.read(), lo.read()]).toEqual([0n, undefined]);
  await it.running.ask("work 3 2 0");
  expect([n.read(), a.read(), lo.read(), hi.read()]).toEqual([3n, 6n, 2n, 2n]);
});

test("histograms, linear ones too, hold every value in its bucket", async () => {
  await using it = await probed();
  await using s = await openText(
    'const h = hist(), f = hist({ bits: 3 }), l = lhist(0, 100, 10); uprobe("BIN:work", (c) => { h.add(c.arg0); f.add(c.arg0); l.add(c.arg0); });',
    it.path,
  );
  for (const value of [-3, 0, 1, 99, 100, 5000]) await it.running.ask(`work 2 ${value} 0`);
  const { h, f, l } = s.maps;
  const at = (hist: { buckets: { min: bigint; max: bigint; count: bigint }[] }) => hist.buckets.map(({ min, max, count }) => [min, max, count]);
  expect(at(h.read())).toEqual([
    [-(2n ** 63n), -1n, 2n],
    [0n, 0n, 2n],
    [1n, 1n, 2n],
    [64n, 127n, 4n],
    [4096n, 8191n, 2n],
  ]);
  expect(at(f.read()).slice(3)).toEqual([
    [96n, 103n, 4n],
    [4608n, 5119n, 2n],
  ]);
  expect(at(l.read())).toEqual([
    [-(2n ** 63n), -1n, 2n],
    [0n, 9n, 4n],
    [90n, 99n, 2n],
    [100n, 2n ** 63n - 1n, 4n],
  ]);
  expect(h.read()).toMatchObject({ count: 12n, sum: 2n * (-3n + 0n + 1n + 99n + 100n + 5000n), min: -3n, max: 5000n });
});

test("maps of aggregates merge the CPUs, with scalar, text and tuple keys", async () => {
  await using it = await probed();
  await using s = await openText(
    'const byArg = hash(i64, count()); const byName = hash([comm, i32], stats()); const f = hash(func, sum()); const cpus = array(256, count()); uprobe("BIN:work", (c) => { byArg.at(c.arg0).add(); byName.at([c.comm, c.arg1]).add(c.arg0); f.at(c.func).add(2); cpus.at(c.cpu).add(); });',
    it.path,
  );
  await it.running.ask("threads 8 500");
  await it.running.ask("work 5 -1 -9");
  const { byArg, byName, f, cpus } = s.maps;
  expect(byArg.entries()).toHaveLength(501);
  expect([byArg.read(0), byArg.read(499), byArg.read(-1), byArg.read(1000)]).toEqual([8n, 8n, 5n, undefined]);
  expect(byName.read(["target", 1]).count).toBe(4000n);
  expect(byName.read(["target", -9])).toMatchObject({ count: 5n, min: -1n, max: -1n });
  expect([...f]).toEqual([["work", 2n * 4005n]]);
  expect((cpus.entries() as [number, bigint][]).reduce((all, [, n]) => all + n, 0n)).toBe(4005n);
  byArg.clear();
  expect(byArg.entries()).toEqual([]);
});

test("maps of values and variables are written and read on both sides, also before the probes are in", async () => {
  await using it = await probed();
  const s = await openText(
    `const Seen = struct({ n: u64, last: i64, name: comm, on: bool });
     const seen = hash(i64, Seen); const watched = hash(i64, u8); const limit = variable(i64, 3); const list = array(4, u32);
     watched.set(1, 1); limit.set(5); list.set(2, 40);
     begin(() => watched.set(2, 1));
     uprobe("BIN:work", (c) => {
       if (!watched.has(c.arg0) || c.arg1 > limit.get()) return;
       const k = seen.getOrInsert(c.arg0, { n: 0, last: 0, name: c.comm, on: true });
       k.n += 1; k.last = c.arg1;
       list.set(1, c.arg1); limit.set(limit.get());
     });`,
    it.path,
  );
  const { seen, watched, limit, list } = s.maps;
  await it.running.ask("work 2 1 4");
  await it.running.ask("work 2 2 9");
  await it.running.ask("work 2 3 1");
  expect([...seen]).toEqual([[1n, { n: 2n, last: 4n, name: "target", on: true }]]);
  expect([...list]).toEqual([
    [0, 0],
    [1, 4],
    [2, 40],
    [3, 0],
  ]);
  limit.set(10);
  watched.delete(1);
  await it.running.ask("work 2 1 4");
  await it.running.ask("work 1 2 9");
  expect(seen.read(1).n).toBe(2n);
  expect(seen.read(2)).toEqual({ n: 1n, last: 9n, name: "target", on: true });
  seen.set(7, { n: 2n ** 64n - 1n, last: -1, name: "host", on: false });
  expect(seen.read(7)).toEqual({ n: 2n ** 64n - 1n, last: -1n, name: "host", on: false });
  expect(() => seen.get(7)).toThrow(expect.objectContaining({ code: "SONDE_HANDLER_METHOD" }));
  await s.close();
  expect(seen.entries()).toHaveLength(3);
  expect(limit.read()).toBe(10n);
});

test("a full map drops new keys and counts them, or loses the oldest", async () => {
  await using it = await probed();
  const s = await openText('const small = hash(i64, count(), { capacity: 10 }); uprobe("BIN:work", (c) => small.at(c.arg0).add());', it.path);
  for (let i = 0; i < 15; i++) await it.running.ask(`work 2 ${i} 0`);
  expect(s.maps.small.entries()).toHaveLength(10);
  const summary = await s.close();
  expect([summary.hits, summary.fullMaps]).toEqual([30n, { small: 10n }]);
  expect(s.maps.small.entries()).toHaveLength(10);
});

test("prints arrive in order, with numbers, texts, formats, and <unreadable> where memory can't be read", async () => {
  await using it = await probed();
  await using s = await openText(
    'uprobe("BIN:text", (c) => print`${c.comm} ${str(c.arg0)} ${hex(255)} ${duration(1500)} ${c.pid > 0}`); uprobe("BIN:text", (c) => print`${str(c.arg0, 4)}`);',
    it.path,
  );
  const lines: string[] = [];
  void (async () => {
    for await (const line of s.lines) lines.push(line);
  })();
  await it.running.ask("text hello");
  await it.running.ask("text hell");
  await it.running.ask("text-bad");
  await until(() => lines.length === 6, "six lines");
  expect(lines).toEqual([
    "target hello 0xff 1.5 µs true",
    "hell…",
    "target hell 0xff 1.5 µs true",
    "hell",
    "target <unreadable> 0xff 1.5 µs true",
    "<unreadable>",
  ]);
});

test("events reach listeners and iterators in order, and the iterators end with the session", async () => {
  await using it = await probed();
  const s = await openText(
    'const calls = events({ n: i64, big: u64, text: cstring(8), raw: bytes(4), pid: u32, inner: struct({ ok: bool }) }); uprobe("BIN:work", (c) => calls.emit({ n: c.arg0, big: c.arg1, text: c.comm, raw: undefined, pid: c.pid, inner: { ok: c.arg0 > 1 } })); uprobe("BIN:bytes", (c) => calls.emit({ n: c.arg1, big: 0, text: "literal", raw: buf(c.arg0, 4, c.arg1), pid: c.pid, inner: { ok: false } }));',
    it.path,
  );
  const heard: unknown[] = [];
  const off = s.events.calls.on((event: unknown) => heard.push(event));
  const seen: { n: bigint }[] = [];
  const finished = (async () => {
    for await (const event of s.events.calls) seen.push(event);
  })();
  await it.running.ask("bytes abcdef 3");
  await it.running.ask("bytes abcdef 6");
  await until(() => heard.length === 2, "two events");
  const { pid } = it.running;
  expect(heard).toEqual([
    { n: 3n, big: 0n, text: "literal", raw: new Uint8Array([97, 98, 99]), pid, inner: { ok: false } },
    { n: 6n, big: 0n, text: "literal", raw: new Uint8Array([97, 98, 99, 100]), pid, inner: { ok: false } },
  ]);
  off();
  await it.running.ask("work 3 1 1");
  const summary = await s.close();
  await finished;
  expect([seen.length, heard.length]).toEqual([2, 2]);
  expect(summary.unreadable).toBe(3n);
});
