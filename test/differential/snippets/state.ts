/** Snippets on state and output: aggregates, maps, arrays, variables, events, requests. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import { AT_END, edges, handlers, type Theme, text, UNREADABLE, WORDS } from "./snippet.ts";

const some = [
  [1, 10],
  [2, 20],
  [1, 30],
  [3, -5],
  [1, 0],
  [2, 7],
];
const keys = [
  [1, 5, text(2)],
  [2, 6, text(3)],
  [1, 7, text(2)],
  [3, 8, UNREADABLE],
  [1, 9, text(7)],
  [2, 1, text(0)],
];

const aggregates: Theme = {
  name: "aggregates",
  declarations: `export const n = count(), s = sum(), a = avg(), lo = min(), hi = max(), st = stats(), h = hist(), h3 = hist({ bits: 3 }), l = lhist(0, 100, 10), odd = lhist(-5, 12, 4);`,
  snippets: handlers(edges, {
    count: "n.add();",
    sum: "s.add(c.arg0);",
    avg: "a.add(c.arg0);",
    min: "lo.add(c.arg0);",
    max: "hi.add(c.arg0);",
    stats: "st.add(c.arg0);",
    hist: "h.add(c.arg0);",
    "hist, 3 bits": "h3.add(c.arg0);",
    "hist of unsigned": "h.add(u64(c.arg0));",
    lhist: "l.add(c.arg1);",
    "lhist, a part at the end": "odd.add(c.arg1); odd.add(c.arg2);",
    "all at once": "n.add(); s.add(c.arg1); a.add(c.arg1); lo.add(c.arg1); hi.add(c.arg1); st.add(c.arg1); h.add(c.arg1); l.add(c.arg1);",
    "of a constant": "s.add(5); h.add(5); l.add(95); st.add(-3);",
    "of a bigint constant": "s.add(0x7fff_ffff_ffff_ffffn);",
    "of a boolean made a number": "s.add(Number(c.arg0 > 0));",
    "hist of narrow": "h.add(u8(c.arg0)); h3.add(u16(c.arg0));",
  }),
};

const hashes: Theme = {
  name: "maps",
  declarations: `
const Conn = struct({ opened: u64, port: u16, sent: u32, on: bool, last: i8 });
export const byKey = hash(i64, count()), sizes = hash(u32, hist()), pairs = hash([u32, i64], sum()), texts = hash(cstring(16), count()), mixed = hash([u8, cstring(9), u32], stats());
export const values = hash(u32, u64), narrow = hash(u16, i8), flags = hash(u32, bool), names = hash(u32, cstring(8)), conns = hash(u32, Conn), byStruct = hash(struct({ a: u8, b: u64 }), u32), blobs = hash(u32, bytes(6));
export const few = hash(i64, u64, { capacity: 2 }), fewCounts = hash(i64, count(), { capacity: 2 });`,
  snippets: handlers(keys, {
    "counts by key": "byKey.at(c.arg0).add();",
    "histograms by key": "sizes.at(c.arg0).add(c.arg1);",
    "a tuple as key": "pairs.at([c.arg0, c.arg1]).add(c.arg1);",
    "a tuple from a local": "const k = [c.arg0, c.arg1] as const; pairs.at(k).add(1); pairs.at(k).add(2);",
    "text as key": "texts.at(str(c.arg2)).add();",
    "comm as key": "texts.at(c.comm).add();",
    "a literal as key": "texts.at('lit').add(); texts.at(c.arg0 > 1 ? 'yes' : 'no').add();",
    "a mixed tuple": "mixed.at([c.arg0, str(c.arg2), c.arg1]).add(c.arg1);",
    "a struct as key": "byStruct.set({ a: c.arg0, b: c.arg1 }, 5); print`${byStruct.get({ a: c.arg0, b: c.arg1 })}`;",
    "set and get": "values.set(c.arg0, c.arg1); print`${values.get(c.arg0)} ${values.get(99)}`;",
    "get with a default": "print`${values.get(c.arg0) ?? 0}`; values.set(c.arg0, c.arg1);",
    "undefined tested": "const v = values.get(c.arg0); if (v === undefined) { values.set(c.arg0, 1); return; } print`${v}`;",
    "truth of what is looked up": "const v = values.get(c.arg0); if (v) print`${v}`; else print`none or zero`; values.set(c.arg0, c.arg1 - 5);",
    "has and delete":
      "print`${values.has(c.arg0)}`; values.set(c.arg0, 1); print`${values.has(c.arg0)}`; if (c.arg1 > 6) print`${values.delete(c.arg0)} ${values.delete(c.arg0)}`;",
    "a result of delete as a condition": "if (values.delete(c.arg0)) print`gone`; else values.set(c.arg0, 3);",
    "low bits are kept": "narrow.set(c.arg0 + 65536, c.arg1 * 50); print`${narrow.get(c.arg0)}`;",
    booleans: "flags.set(c.arg0, c.arg1 > 6); print`${flags.get(c.arg0)} ${flags.get(9) ?? true}`; if (flags.get(c.arg0)) print`on`;",
    "texts as values": "names.set(c.arg0, str(c.arg2)); print`${names.get(c.arg0)}`; print`${names.get(c.arg0) === 'hello'}`;",
    "bytes as values": "blobs.set(c.arg0, buf(c.arg2, 6)); print`${blobs.get(c.arg0)?.length ?? -1}`;",
    "a struct set and read":
      "conns.set(c.arg0, { opened: c.arg1, port: c.arg1, sent: 1, on: true, last: -1 }); const k = conns.get(c.arg0); if (k) print`${k.opened} ${k.port} ${k.sent} ${k.on} ${k.last}`;",
    "an entry changed in place":
      "const k = conns.get(c.arg0); if (!k) { conns.set(c.arg0, { opened: 1, port: 2, sent: 3, on: false, last: 4 }); return; } k.sent += c.arg1; k.opened++; k.port = c.arg1 * 20000; k.on = c.arg1 > 7; k.last -= 100;",
    "an entry's fields by other operators":
      "const k = conns.getOrInsert(c.arg0, { opened: 5, port: 2, sent: 3, on: false, last: 4 }); k.opened |= c.arg1; k.sent &= 6; k.opened ^= 1; k.sent *= 3; k.port -= 3; k.sent <<= 2; k.opened %= 7; k.last--;",
    "the value of an entry's change":
      "const k = conns.getOrInsert(c.arg0, { opened: 5, port: 2, sent: 3, on: false, last: 4 }); const a = k.opened++; const b = ++k.sent; const d = (k.opened += 10); print`${a} ${b} ${d} ${k.opened}`;",
    getOrInsert: "print`${values.getOrInsert(c.arg0, c.arg1)}`;",
    "an entry seen after it was set anew":
      "values.set(c.arg0, 1); const v = values.get(c.arg0) ?? 0; values.set(c.arg0, 2); print`${v} ${values.get(c.arg0) ?? 0}`;",
    "an optional chain to an entry": "print`${conns.get(c.arg0)?.port ?? 7}`; conns.set(c.arg0, { opened: 1, port: c.arg1, sent: 0, on: true, last: 0 });",
    "a helper that changes an entry":
      "const bump = (k: { sent: number }): void => { k.sent += 2; }; const k = conns.getOrInsert(c.arg0, { opened: 0, port: 0, sent: 0, on: false, last: 0 }); bump(k); bump(k); print`${k.sent}`;",
    "destructuring an entry":
      "const { sent, port } = conns.getOrInsert(c.arg0, { opened: 0, port: c.arg1, sent: 3, on: false, last: 0 }); print`${sent} ${port}`;",
    "an entry copied to another key":
      "const k = conns.getOrInsert(c.arg0, { opened: 0, port: c.arg1, sent: 3, on: false, last: 0 }); conns.set(c.arg0 + 100, k); k.sent = 9;",
    "a full map drops new keys": "few.set(c.arg0, c.arg1); fewCounts.at(c.arg1).add(); print`${few.get(c.arg0)}`;",
    "an absent key": "values.set(str(c.arg2)?.length, 1); print`${values.get(str(c.arg2)?.length)}`;",
    "an absent value": "values.set(c.arg0, str(c.arg2)?.length);",
    "a missed sink beside good ones": "texts.at(str(c.arg2)).add(); byKey.at(c.arg0).add();",
    "a value snapshot before its change": "const before = names.get(1); names.set(1, str(c.arg2)); print`${before} then ${names.get(1)}`;",
  }),
};

const arrays: Theme = {
  name: "arrays and variables",
  declarations: `
export const counts = array(4, count()), values = array(3, u32), structs = array(2, struct({ n: u64, t: i16 })), flag = variable(bool, true), level = variable(i32, -5), big = variable(u64, 1), word = variable(cstring(7), 'start');`,
  snippets: handlers([...some, [-1, 4], [4, 1], [0, 2]], {
    "counts by index": "counts.at(c.arg0).add();",
    values: "values.set(c.arg0, c.arg1); print`${values.get(c.arg0)} ${values.get(0)}`;",
    "a struct in place": "const e = structs.get(c.arg0); if (e) { e.n += c.arg1; e.t = c.arg1; }",
    "an array's length": "print`${counts.length + c.arg0} ${values.length}`;",
    "a variable": "level.set(level.get() + c.arg1); print`${level.get()}`;",
    "a boolean variable": "if (flag.get()) print`on`; flag.set(c.arg1 > 5);",
    "a wide variable": "big.set(big.get() * 3 + c.arg1); print`${big.get()}`;",
    "the larger one stays": "if (c.arg1 > level.get()) level.set(c.arg1);",
    text: "print`${word.get()}`; word.set(c.arg0 > 1 ? 'much longer' : 'short');",
    "text before its change": "const w = word.get(); word.set('changed'); print`${w} ${word.get()}`;",
    "a number before its change": "const v = level.get(); level.set(77); print`${v} ${level.get()}`;",
  }),
};

const outputs: Theme = {
  name: "events and requests",
  declarations: `
export const e = events({ a: u8, b: i64, t: cstring(8), on: bool, d: bytes(5), k: u16 }), nested = events({ at: u64, conn: struct({ p: u16, q: u64 }), z: u8 });
export const total = sum(), m = hash(u32, u64);`,
  snippets: [
    ...handlers(keys, {
      "an event": "e.emit({ a: c.arg0 + 256, b: -c.arg1, t: str(c.arg2), on: c.arg1 > 6, d: buf(c.arg2, 5), k: 7 });",
      "fields in another order": "e.emit({ k: c.arg1, d: buf(c.arg2, 5, 2), on: true, t: 'lit', b: 1n, a: 2 });",
      "a nested struct": "nested.emit({ at: c.arg1, conn: { p: c.arg0, q: c.arg1 }, z: 1 });",
      "print, several kinds": "print`${c.arg0} and ${str(c.arg2)} ${c.arg1 > 6} ${'text'} ${hex(c.arg1)}`;",
      "print without values": "print`hello`;",
      "order of outputs": "print`1`; nested.emit({ at: 1, conn: { p: 2, q: 3 }, z: 4 }); print`2`;",
      "clear and show": "total.add(c.arg0); if (c.arg0 === 2) clear(total, m); if (c.arg0 === 3) show(m, { top: 5 }); show(total);",
      exit: "print`${c.arg0}`; if (c.arg0 === 3) { exit(4); print`still here`; }",
      "exit without a status": "if (c.arg0 === 3) exit(); total.add(1);",
      "print bytes": "const b = buf(c.arg2, 4); print`${b} ${b?.length}`;",
    }),
    ...handlers(edges, { "print widths": "print`${u8(c.arg0)} ${i8(c.arg0)} ${u32(c.arg0)} ${i32(c.arg0)} ${u64(c.arg0)} ${i64(c.arg0)}`;" }),
  ],
};

const reads: Theme = {
  name: "reads of the target",
  declarations:
    "const P = struct({ a: u8, b: i16, d: u64 });\nexport const texts = hash(cstring(16), count()), small = hash(cstring(3), count()), t = events({ s: cstring(12), n: u32 });",
  snippets: handlers(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
      .map((n) => [text(n), BigInt(n) - 1n, WORDS + BigInt(8 * n)])
      .concat([
        [UNREADABLE, 3n, UNREADABLE],
        [AT_END, 5n, WORDS + 4092n],
        [0n, 70n, 0n],
        [text(2), 40n, 0n],
        [text(7), 90n, 0n],
        [text(3), 3n, 0n],
        [WORDS + 64n, 4n, WORDS + 65n],
      ]),
    {
      text: "print`${str(c.arg0)}`;",
      "text, short": "print`${str(c.arg0, 5)}`;",
      "text, long": "print`${str(c.arg0, 200)}`;",
      "text, sixteen": "print`${str(c.arg0, 16)}`;",
      "text, fifteen": "print`${str(c.arg0, 15)}`;",
      "text of a length": "print`${str(c.arg0, 16, 4)}`;",
      "text of a variable length": "print`${str(c.arg0, 32, c.arg1)}`;",
      "text as a key": "texts.at(str(c.arg0)).add(); small.at(str(c.arg0)).add();",
      "text in an event": "t.emit({ s: str(c.arg0), n: str(c.arg0)?.length });",
      length: "print`${str(c.arg0)?.length ?? -1}`;",
      truth: "if (str(c.arg0)) print`text`; else print`empty or unreadable`;",
      equality: "print`${str(c.arg0) === 'hello'} ${str(c.arg0) !== 'a'} ${str(c.arg0, 5) === 'hello'}`;",
      "equality of two reads": "print`${str(c.arg0) === str(c.arg0)} ${str(c.arg0, 5) === str(c.arg0, 64)} ${str(c.arg0, 5) === str(c.arg0, 5)}`;",
      startsWith:
        "const s = str(c.arg0); if (s === undefined) return; print`${s.startsWith('hel')} ${s.startsWith('')} ${s.startsWith('hello world, hello')}`;",
      endsWith: "const s = str(c.arg0, 200); if (s === undefined) return; print`${s.endsWith('wd')} ${s.endsWith('world')} ${s.endsWith('')}`;",
      includes: "const s = str(c.arg0); if (s === undefined) return; print`${s.includes('o w')} ${s.includes('/')} ${s.includes('')}`;",
      slice: "const s = str(c.arg0); if (s === undefined) return; print`${s.slice(1, 4)} ${s.slice(3)} ${s.slice(0, 2)}`;",
      "slice compared": "const s = str(c.arg0); if (s !== undefined && s.slice(0, 4) === '/etc') print`etc`;",
      "a switch on text": "switch (str(c.arg0)) { case 'a': print`A`; break; case 'hello': print`H`; break; default: print`?`; }",
      "?? on text": "print`${str(c.arg0) ?? 'nothing'}`;",
      comm: "print`${c.comm} ${c.comm === 'fixture'} ${c.comm.startsWith('fix')} ${c.comm.length}`;",
      bytes: "const b = buf(c.arg0, 8); if (b) print`${b.length} ${b[0]} ${b[7]} ${b}`;",
      "bytes of a length": "const b = buf(c.arg0, 8, c.arg1); print`${b?.length ?? -1} ${b}`;",
      "bytes compared":
        "const a = buf(c.arg0, 4), b = buf(c.arg0, 4, 4); if (a && b) print`${a.equals(b)}`; const d = buf(c.arg2, 4); if (a && d) print`${a.equals(d)}`;",
      "read of integers": "print`${read(c.arg2, u8)} ${read(c.arg2, i8)} ${read(c.arg2, u16)} ${read(c.arg2, i32)} ${read(c.arg2, u64)} ${read(c.arg2, i64)}`;",
      "read of a struct": "const p = read(c.arg2, P); if (p) print`${p.a} ${p.b} ${p.d}`; else print`none`;",
      "read in arithmetic": "const v = read(c.arg2, i64); if (v !== undefined) print`${v + 1} ${v * 3}`;",
      "a read of a read": "const v = read(c.arg2, u64); print`${read(v, u8)}`;",
      "text behind a conditional": "const s = c.arg1 > 3 ? str(c.arg0) : 'few'; print`${s}`;",
      "a text in a let": "let s = str(c.arg0); if (s === undefined) s = 'nothing'; print`${s}`;",
      "a text kept in an object": "const o = { s: str(c.arg0), n: c.arg1 }; print`${o.s} ${o.n}`; texts.at(o.s).add();",
    },
  ),
};

const calls: Theme = {
  name: "calls",
  declarations: `
export const ns = sum(), results = hash(i64, count()), texts = hash(cstring(20), sum()), marks = events({ a: i64, s: cstring(10), r: i64 });
const Block = struct({ size: u64, at: u32 });
export const live = hash(u64, Block);`,
  snippets: handlers([], {
    "a number carried": "{ enter: (c) => c.arg0, leave: (c, at) => { ns.add(at + c.ret); } }",
    "an unsigned number carried": "{ enter: (c) => u64(c.arg0), leave: (c, at) => { print`${at} ${at >> 1}`; } }",
    "an object carried": "{ enter: (c) => ({ a: c.arg0, b: c.arg1 }), leave: (c, at) => { print`${at.a} ${at.b} ${c.ret}`; } }",
    "a small object carried": "{ enter: (c) => ({ a: u8(c.arg0), b: u16(c.arg1) }), leave: (c, at) => { print`${at.a} ${at.b} ${c.ret}`; } }",
    "text carried":
      "{ enter: (c) => ({ s: str(c.arg2), n: c.arg0 }), leave: (c, at) => { texts.at(at.s).add(at.n); marks.emit({ a: at.n, s: at.s, r: c.ret }); } }",
    "text alone carried": "{ enter: (c) => str(c.arg2), leave: (c, s) => { print`${s} ${c.ret}`; } }",
    "a tuple carried": "{ enter: (c) => [c.arg0, c.arg1] as const, leave: (c, [a, b]) => { print`${a} ${b} ${c.ret}`; } }",
    "nothing carried": "{ enter: (c) => { ns.add(c.arg0); }, leave: (c) => { ns.add(c.ret); } }",
    "leave skipped": "{ enter: (c) => { if (c.arg0 < 2) return undefined; return c.arg0; }, leave: (c, at) => { print`${at} ${c.ret}`; } }",
    "leave skipped, an object":
      "{ enter: (c) => (c.arg0 < 2 ? undefined : { a: c.arg0, b: c.arg1, d: c.arg2 }), leave: (c, at) => { print`${at.a + at.b} ${c.ret}`; } }",
    "a boolean carried": "{ enter: (c) => c.arg0 > 1, leave: (c, big) => { print`${big} ${c.ret}`; } }",
    "state set at entry, read at return":
      "{ enter: (c) => { live.set(c.arg0, { size: c.arg1, at: 5 }); return c.arg0; }, leave: (c, at) => { const b = live.get(at); if (b) { print`${b.size}`; b.at += c.ret; } if (c.ret < 0) live.delete(at); } }",
    "a live entry is copied when carried":
      "{ enter: (c) => { const e = live.getOrInsert(c.arg0, { size: c.arg1, at: 1 }); return e; }, leave: (c, at) => { print`${at.size} ${at.at} ${c.ret}`; } }",
    "zero and false are values": "{ enter: (c) => c.arg0 * 0, leave: (c, at) => { print`${at} ${c.ret}`; } }",
    "a result as a narrower integer":
      "{ enter: (c) => c.arg1, leave: (c, at) => { if (i32(c.ret) < 0) results.at(i32(c.ret)).add(); else results.at(at).add(); } }",
  }).map((snippet) => ({ ...snippet, hits: callsOf([1, 10, text(2)], -1n, [3, 20, text(7)], 0n, [2, 5, UNREADABLE], 0xffff_fff0n, [300, -7, text(0)], 99n) })),
};

/** Entries and returns in turn; the last two calls are nested. */
function callsOf(...parts: readonly (bigint | readonly (bigint | number)[])[]): { at: "entry" | "return"; args?: bigint[]; ret?: bigint }[] {
  const hits = parts.map((part) =>
    typeof part === "bigint" ? { at: "return" as const, ret: part } : { at: "entry" as const, args: [...part.map(BigInt), 0n, 0n, 0n] },
  );
  const nested = hits.splice(4);
  return [...hits, nested[0]!, nested[2]!, nested[3]!, nested[1]!];
}

export const state: readonly Theme[] = [aggregates, hashes, arrays, outputs, reads, calls];
