/** Snippets on what is easily got wrong: variables of every shape, aliases, closures, chains, texts at their boundaries. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: handlers are written as text here.
import { AT_END, edges, handlers, type Theme, text, UNREADABLE, WORDS } from "./snippet.ts";

const texts = [...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [text(n), n % 4, WORDS + BigInt(8 * n)]), [UNREADABLE, 3, UNREADABLE], [AT_END, 2, WORDS + 64n]];

const variables: Theme = {
  name: "variables of every shape",
  declarations: `
export const names = hash(cstring(16), count()), kept = hash(u32, cstring(24)), blobs = hash(bytes(16), count()), total = sum();
const Conn = struct({ opened: u64, port: u16, sent: u32 });
export const conns = hash(u32, Conn), few = hash(u64, Conn, { capacity: 2 });
const words = ["a", "hello", "other"] as const, rows = [[1, "x"], [2, "longer"]] as const;`,
  snippets: handlers(texts, {
    "a text read before the variable is assigned": "let s = str(c.arg0) ?? 'none'; const before = s; s = 'later'; print`${before} ${s}`;",
    "a text handed to a helper that assigns the variable":
      "let s = str(c.arg0) ?? 'none'; const f = (t: string): string => { s = 'changed'; return t; }; const r = f(s); print`${r} ${s}`;",
    "two texts swapped": "let a = str(c.arg0) ?? 'no', b: string = 'other'; const t = a; a = b; b = t; print`${a} ${b}`;",
    "two texts swapped through a tuple":
      "let a = str(c.arg0) ?? 'no', b: string = 'other'; const both = [b, a] as const; a = both[0]; b = both[1]; print`${a} ${b}`;",
    "a text kept from the round before":
      "let last: string = ''; let same = 0; for (let i = 0; i < 4; i++) { const now = str(c.arg0 + (i >> 1) * 128) ?? ''; if (now === last) same++; last = now; } print`${same} ${last}`;",
    "the longest text of some":
      "let best: string = ''; for (let i = 0; i < 5; i++) { const s = str(c.arg0 + i * 128, 80); if (s !== undefined && s.length > best.length) best = s; } print`${best} ${best.length}`;",
    "a text in an object in a variable":
      "let o = { s: str(c.arg0) ?? 'none', n: 1 }; const before = o; o = { s: 'new', n: 2 }; print`${before.s} ${before.n} ${o.s} ${o.n}`;",
    "an object's text field assigned":
      "const o = { s: 'first' as string, n: 0 }; const was = o.s; o.s = str(c.arg0) ?? 'none'; o.n++; print`${was} ${o.s} ${o.n}`; names.at(o.s).add();",
    "an object assigned to a variable":
      "let p: { x: number } | undefined; if (c.arg1 > 1) p = { x: c.arg1 }; if (p !== undefined) p.x += 5; print`${p?.x ?? -1}`;",
    "objects built up in a loop": "let p = { n: 0, s: 0 }; for (let i = 0; i < 5; i++) p = { n: p.n + 1, s: p.s + i * c.arg1 }; print`${p.n} ${p.s}`;",
    "a pair that rotates": "let a = 1, b = c.arg1; for (let i = 0; i < 6; i++) { const t = [b, a + b] as const; a = t[0]; b = t[1]; } print`${a} ${b}`;",
    "a maybe-value assigned again": "let v: number | undefined = read(c.arg2, u32); if (c.arg1 === 2) v = undefined; if (v === undefined) v = -1; print`${v}`;",
    "a maybe-value assigned in a loop":
      "let v: number | undefined; for (let i = 0; i < 4; i++) { const w = read(c.arg2 + i * 8, i64); if (w !== undefined && w > 0) v = w; } print`${v}`; total.add(v);",
    "a maybe-text assigned in a loop":
      "let v: string | undefined; for (let i = 0; i < 3; i++) { const w = str(c.arg0 + i * 128, 8); if (w) v = w; } print`${v}`; names.at(v).add();",
    "a boolean assigned in a loop":
      "let any = false, all = true; for (let i = 0; i < 4; i++) { const hit = ((c.arg2 >> i) & 1) === 1; any ||= hit; all &&= hit; } print`${any} ${all}`;",
    "bytes in a variable": "let b = buf(c.arg0, 16); const before = b; b = buf(c.arg0, 4); print`${before} ${b}`; blobs.at(b).add(); blobs.at(before).add();",
    "shorter bytes leave nothing behind": "let b = buf(c.arg0, 16); if (c.arg1 > 0) b = buf(c.arg0, 5); blobs.at(b).add();",
    "longer bytes as a key": "blobs.at(buf(c.arg0, 40)).add();",
    "an entry in a variable":
      "let k = conns.get(1); if (!k) k = conns.getOrInsert(1, { opened: 1, port: 2, sent: 3 }); k.sent += c.arg1; k.port++; print`${k.sent} ${k.port} ${k.opened}`;",
    "two entries through one variable":
      "let k = conns.getOrInsert(1, { opened: 1, port: 2, sent: 3 }); const first = k; k = conns.getOrInsert(2, { opened: 5, port: 6, sent: 7 }); k.sent += 10; first.sent += 100; print`${first.sent} ${k.sent}`;",
    "a full map's entry":
      "const k = few.getOrInsert(c.arg0, { opened: c.arg1, port: 1, sent: 1 }); if (k) { k.sent++; print`${k.opened} ${k.sent}`; } else print`full`;",
    "a loop variable that is assigned": "let s = ''; let n = 0; for (let x of [1, 2, c.arg1]) { x *= 3; n += x; } print`${n} ${s}`;",
    "a text loop variable that is assigned": "for (let w of words) { if (w === 'a') w = 'other'; print`${w}`; }",
    "for of texts": "let n = 0; const s = str(c.arg0); for (const w of words) if (s === w) n++; print`${n}`;",
    "for of mixed rows": "const s = str(c.arg0) ?? ''; for (const [n, w] of rows) if (n === c.arg1 || w === s) print`${n} ${w}`;",
    "texts of different length by ?:":
      "const t = c.arg1 > 2 ? 'a much longer text than the others' : c.arg1 > 1 ? 'mid' : str(c.arg0, 5) ?? 'unreadable'; print`${t} ${t.length}`; names.at(t).add();",
    "texts of different length from a helper":
      "const f = (n: number): string => { if (n === 0) return ''; if (n === 1) return 'one'; for (let i = 0; i < 3; i++) if (i === n) return 'two or more'; return str(c.arg0) ?? 'none'; }; const t = f(c.arg1); print`${t} ${t === 'one'}`; names.at(t).add();",
    "an early return of an object or nothing":
      "const f = (n: number): { s: string; n: number } | undefined => { if (n === 0) return undefined; if (n === 1) return { s: 'one', n: 1 }; const s = str(c.arg0, 12); if (s === undefined) return; return { s, n }; }; const r = f(c.arg1); print`${r?.s ?? 'none'} ${r?.n ?? -1}`; names.at(r?.s).add();",
    "an early return of true, false or nothing":
      "const f = (n: number): boolean | undefined => { if (n === 0) return; if (n === 1) return false; return true; }; const r = f(c.arg1); print`${r === undefined} ${r ?? false} ${r === false}`; if (r) total.add(1);",
    "a kept text is cut where the map's is shorter":
      "const s = str(c.arg0, 200); if (s) kept.set(c.arg1, s); const k = kept.get(c.arg1); print`${k} ${k === s} ${k === 'a'}`;",
    "a literal and a cut text":
      "const s = str(c.arg0, 5); print`${s === 'hello'} ${s?.startsWith('hello')} ${s?.endsWith('hello')} ${s?.includes('hello')} ${s?.length}`;",
  }),
};

const closures: Theme = {
  name: "closures and chains",
  declarations: `
export const total = sum(), seen = hash(i64, count());
const Inner = struct({ p: u16, q: i64 });
const Outer = struct({ at: u64, in: Inner, z: u8 });
export const outers = hash(u32, Outer), plain = hash(u32, i64);
function each(n: number, f: (i: number) => void): void { for (let i = 0; i < 4; i++) if (i < n) f(i); }
function choose(b: boolean, f: () => number, g: () => number): number { return b ? f() : g(); }
function twice(f: () => void): void { f(); f(); }`,
  snippets: handlers(edges, {
    "a literal that assigns an outer local": "let s = 0; each(3, (i) => { s += i * c.arg1; }); print`${s}`;",
    "a literal that assigns an outer text": "let t: string = 'none'; each(2, (i) => { t = i === 0 ? 'zero' : 'a longer one'; }); print`${t}`;",
    "a literal that assigns an outer field": "const o = { n: 0, last: 0 }; each(3, (i) => { o.n++; o.last = i + c.arg0; }); print`${o.n} ${o.last}`;",
    "a literal in a literal": "let n = 0; twice(() => { twice(() => { n += c.arg0; }); n++; }); print`${n}`;",
    "only the chosen one runs": "let n = 0; const v = choose(c.arg0 > 0, () => ++n, () => { n += 10; return -n; }); print`${v} ${n}`;",
    "a counter counted by a literal": "let i = 0; const next = (): number => i++; const a = next(), b = next(); print`${a} ${b} ${i}`;",
    "a local seen before and after": "let x = c.arg0; const f = (): number => x; const a = f(); x += 1; print`${a} ${f()} ${f() - a}`;",
    "nested chains":
      "outers.set(1, { at: c.arg0, in: { p: 3, q: c.arg1 }, z: 1 }); print`${outers.get(1)?.in.p} ${outers.get(2)?.in.q ?? -1} ${outers.get(plain.get(9))?.in.q}`;",
    "a struct in a struct assigned":
      "const o = outers.getOrInsert(1, { at: 0, in: { p: 0, q: 0 }, z: 0 }); o.in.p += 7; o.in.q += c.arg1; o.in.q++; const i = o.in; i.p = c.arg0; print`${i.p} ${o.in.q} ${o.z}`;",
    "a struct in a struct taken out":
      "const o = outers.getOrInsert(2, { at: 0, in: { p: 0, q: 9 }, z: 0 }); const { in: { p, q } } = o; o.in.q = c.arg0; print`${p} ${q}`; outers.set(3, { at: 1, in: o.in, z: 2 });",
    "a struct replaced whole": "const o = outers.getOrInsert(4, { at: 0, in: { p: 0, q: 9 }, z: 0 }); o.in = { p: 5, q: c.arg0 }; print`${o.in.p} ${o.in.q}`;",
    "a chain with a default in between": "const v = (plain.get(c.arg0) ?? plain.get(1)) ?? c.arg1; plain.set(1, 5); print`${v}`;",
    "logical values of several kinds": "const v = plain.get(1) || c.arg0 || 7; const w = plain.get(2) && c.arg1; print`${v} ${w}`; plain.set(2, c.arg0);",
    "assignment by ??=": "let v = plain.get(c.arg0); v ??= c.arg1; print`${v}`; plain.set(c.arg0, 3);",
    "a compound assignment whose value assigns too": "let a = c.arg0; a += (a = 3) + a; print`${a}`;",
    "a field's compound assignment whose value assigns it": "const o = { x: c.arg0 }; o.x += (o.x = 3) + o.x; print`${o.x}`;",
    "the order of an operand and a call":
      "let a = 1; const f = (): number => { a *= 10; return a; }; print`${a + f() + a}`; const t = [a, f(), a] as const; print`${t[0]} ${t[1]} ${t[2]}`;",
    "an object's fields in order": "let a = 1; const f = (): number => ++a; const o = { x: f(), y: a, z: f() }; print`${o.x} ${o.y} ${o.z}`;",
    "a switch on text, falling through, default in the middle":
      "let s = 0; const t = c.arg0 > 5 ? 'big' : c.arg0 > 0 ? 'small' : c.arg0 === 0 ? 'zero' : 'negative'; switch (t) { case 'zero': s += 1; default: s += 10; case 'small': s += 100; break; case 'big': s += 1000; } print`${s}`;",
    "a switch whose clauses are computed":
      "let n = 0; const f = (x: number): number => { n++; return x; }; switch (c.arg0) { case f(1): print`one`; break; case f(7): print`seven`; break; default: print`none`; } print`${n}`;",
    "a switch with declarations":
      "switch (c.arg0 & 3) { case 0: { const a = 1; print`${a}`; break; } case 1: { const a = c.arg1; print`${a}`; } default: { const a = 3; print`${a}`; } }",
    "a return out of a switch in a loop in a helper":
      "const f = (x: number): number => { for (let i = 0; i < 5; i++) { switch (x & i) { case 3: return i * 100; case 1: continue; } seen.at(i).add(); } return -1; }; print`${f(c.arg0)}`;",
    "deep nesting":
      "let n = 0; if (c.arg0 > 0) { for (let i = 0; i < 3; i++) { if (i !== 1) { switch (i) { case 0: for (let j = 0; j < 2; j++) { if (j < c.arg1) { n += 1; } else { n += 10; } } break; default: let j = 0; do { n += 100; j++; } while (j < 2 && n < 150); } } else if (c.arg1 > 0) { n += 1000; } } } else n = -1; print`${n}`;",
    "a negative step": "let s = 0; for (let i = 20; i > 0; i -= 3) s += i; print`${s + c.arg0}`;",
    "a counter from below zero": "let i = -100; let n = 0; while (i < 5) { i++; n++; } print`${n}`;",
    "a loop that ends by its body": "let n = 0; for (;;) { if (n >= 7) break; n += 2; } print`${n}`;",
    "a counter that is also reset on a way": "let n = 0; for (let i = 0; i < 40; i += 3) { if (i === c.arg0) n += 100; n++; } print`${n}`;",
    "long loop": "let h = c.arg0; for (let i = 0; i < 2000; i++) h = h * 31 + i; print`${h}`;",
    "sixty live values": `${Array.from({ length: 60 }, (_, i) => `const v${i} = c.arg${i % 3} * ${i + 3} + ${i};`).join(" ")} total.add(c.arg0); ${Array.from({ length: 6 }, (_, r) => `print\`${Array.from({ length: 10 }, (_, i) => `\${v${r * 10 + i}}`).join(" ")}\`;`).join(" ")}`,
  }),
};

const boundaries: Theme = {
  name: "texts and bytes at their boundaries",
  declarations: `export const cut = hash(cstring(5), count()), pairs = hash([cstring(5), cstring(9), u8], count()), e = events({ s: cstring(300), t: cstring(300), u: cstring(7) }), v = variable(cstring(200), 'x'), w = variable(cstring(200), 'y'), z = variable(cstring(150), 'z'), raw = variable(bytes(7), new Uint8Array([1, 2, 3]));`,
  snippets: handlers(texts, {
    "cut texts as keys": "cut.at(str(c.arg0)).add(); cut.at(str(c.arg0, 5)).add(); cut.at(str(c.arg0, 8)).add(); cut.at(str(c.arg0, 4)).add();",
    "cut texts in tuples": "pairs.at([str(c.arg0), str(c.arg0, 20), c.arg1]).add();",
    "slices at the ends":
      "const s = str(c.arg0, 16); if (s !== undefined) print`[${s.slice(0, 0)}] [${s.slice(15)}] [${s.slice(16)}] [${s.slice(20)}] [${s.slice(5, 3)}] [${s.slice(15, 16)}] [${s.slice(0, 16)}] [${s.slice(0, 100)}]`;",
    "slices as keys": "const s = str(c.arg0, 20); if (s !== undefined) { cut.at(s.slice(0, 3)).add(); cut.at(s.slice(2, 9)).add(); cut.at(s.slice(3)).add(); }",
    "a slice of a slice": "const s = str(c.arg0, 40); if (s) { const t = s.slice(1, 12).slice(2, 7); print`${t} ${t.length} ${t === 'lo wo'}`; }",
    "includes at the boundaries":
      "const s = str(c.arg0, 11); if (s !== undefined) print`${s.includes('hello world')} ${s.includes('d')} ${s.includes('hello world!')} ${s.includes('exactly 15 ')}`;",
    "endsWith at the boundaries":
      "const s = str(c.arg0, 16); if (s !== undefined) print`${s.endsWith('exactly 16 bytes')} ${s.endsWith('15 byte')} ${s.endsWith('bytes')} ${s.endsWith('hello world')} ${s.endsWith('xexactly 16 bytes')}`;",
    "startsWith at the boundaries":
      "const s = str(c.arg0, 16); if (s !== undefined) print`${s.startsWith('exactly 16 bytes')} ${s.startsWith('exactly 16 bytes!')} ${s.startsWith('a')}`;",
    "needles of many lengths, 1":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('x')} ${s.includes('#')} ${s.includes('m,')} ${s.includes('m#')} ${s.includes('of them')} ${s.includes('of the#')}`;",
    "needles of many lengths, 2":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('m, so th')} ${s.includes('#, so th')} ${s.includes('wo, and e')} ${s.includes('wo,#and e')} ${s.includes('four of them, s')} ${s.includes('#our of them, s')}`;",
    "needles of many lengths, 3":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('r than sixteen b')} ${s.includes('r t#an sixteen b')} ${s.includes('han thirty-two, a')} ${s.includes('han thirty-two,#a')} ${s.includes('een bytes, and than thi')} ${s.includes('een bytes, a#d than thi')}`;",
    "needles of many lengths, 4":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('en than sixty-four of th')} ${s.includes('en #han sixty-four of th')} ${s.includes('han sixty-four of them, s')} ${s.includes('han six#y-four of them, s')} ${s.includes(' text that is longer than sixteen')} ${s.includes(' text that is#longer than sixteen')}`;",
    "needles of many lengths, 5":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('hirty-two, and even than sixty-four of t')} ${s.includes('hirty-two, and ev#n than sixty-four of t')} ${s.includes(' is longer than sixteen bytes, and than thirty-two, and even tha')} ${s.includes(' is longer than sixteen bytes, and than thirty-tw#, and even tha')} ${s.includes(' text that is longer than sixteen bytes, and than thirty-two, and even than sixty-four of them, so t')} ${s.includes(' text that is longer than sixteen bytes, and than thirty-two, and even than sixty-four of them, s# t')}`;",
    "needles of many lengths, 6":
      "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('a text that is longer than sixteen bytes, and than thirty-two, and even than sixty-four of them, so there')} ${s.includes('a text that is lo#ger than sixteen bytes, and than thirty-two, and even than sixty-four of them, so there')} ${s.includes('than than')} ${s.includes('so there')} ${s.includes('so there.')} ${s.includes('and even than sixty-four')}`;",
    "needles of many lengths, 7": "const s = str(c.arg0, 300); if (s !== undefined) print`${s.includes('and than sixty-four of them')}`;",
    "needles in 4,096 bytes":
      "const s = str(c.arg0, 4096); if (s !== undefined) print`${s.includes('so there')} ${s.includes('and even than sixty-four of')} ${s.includes('nowhere')}`;",
    "ends and parts of 4,096 bytes":
      "const s = str(c.arg0, 4096); if (s !== undefined) print`${s.startsWith('a text')} ${s.endsWith('there')} ${s.slice(80, 90)} ${s.slice(4090).length} ${s === 'short'}`;",
    "texts of a given length":
      "const a = str(c.arg0, 4096, 60), b = str(c.arg0, 20, 20), d = str(c.arg0, 19, 20), f = str(c.arg0, 24, 8); print`${a} ${b} ${d} ${f} ${a?.includes('sixteen bytes')} ${a?.length}`;",
    "long texts": "const s = str(c.arg0, 300); if (s) { e.emit({ s, t: s, u: s }); print`${s.length} ${s.endsWith('so there')} ${s.includes('thirty-two')}`; }",
    "many big texts":
      "const a = str(c.arg0, 500), b = str(c.arg0 + 128, 500), d = str(c.arg0 + 256, 500); print`${a === b} ${b === d}`; print`${a}`; print`${b}`; print`${d}`;",
    "texts of 4,096 bytes": "const a = str(c.arg0, 4096); if (a !== undefined) print`${a.length} ${a === 'hello'}`; print`${a}`;",
    "big variables copied": "v.set(w.get()); w.set(z.get()); z.set(v.get());",
    "big variables and texts": "const s = str(c.arg0, 150); z.set(s); v.set(z.get()); w.set(v.get()); z.set(w.get());",
    "bytes variable": "print`${raw.get()} ${raw.get().length}`; raw.set(buf(c.arg0, 5)); raw.set(buf(c.arg0, 12));",
    "bytes compared":
      "const a = buf(c.arg0, 5), b = buf(c.arg0, 16, 5), d = buf(c.arg0, 12); if (a && b && d) print`${a.equals(b)} ${a.equals(d)} ${d.equals(d)} ${b.equals(a)}`;",
    "bytes by index": "const b = buf(c.arg0, 6); if (b) { let s = 0; for (let i = 0; i < 8; i++) s = s * 7 + (b[i] ?? 1); print`${s} ${b[c.arg1]} ${b[6]}`; }",
    "text of a length": "print`${str(c.arg0, 8, 3)} ${str(c.arg0, 8, c.arg1)} ${str(c.arg0, 4, 8)} ${str(c.arg0, 8, 0)} ${str(c.arg0, 8, -1)}`;",
    "a text inside a tuple of a loop": "for (const n of [0, 1, 2]) { const k = [str(c.arg0 + n * 128), str(c.arg0), n] as const; pairs.at(k).add(); }",
  }),
};

const aggregated: Theme = {
  name: "aggregates at their edges",
  declarations: `export const ${Array.from({ length: 6 }, (_, b) => `h${b} = hist({ bits: ${b} })`).join(", ")}, neg = lhist(-100, -10, 7), across = lhist(-8, 8, 1), wide = lhist(0, 4_000_000_000, 100_000_000), hn = hash(u8, lhist(-5, 5, 2)), hs = hash(i64, stats()), n = count(), s = sum(), a = avg(), lo = min(), hi = max(), st = stats(), arr = array(3, hist({ bits: 2 }));`,
  snippets: handlers(edges, {
    ...Object.fromEntries(
      Array.from({ length: 6 }, (_, b) => [`hist, ${b} bits`, `h${b}.add(c.arg0); h${b}.add(u64(c.arg1)); h${b}.add(i32(c.arg2)); h${b}.add(u16(c.arg0));`]),
    ),
    "lhist below zero": "neg.add(c.arg0); neg.add(c.arg1); neg.add(-10); neg.add(-11); neg.add(-100); neg.add(-101); neg.add(u64(c.arg0));",
    "lhist across zero": "across.add(c.arg0); across.add(c.arg1); across.add(u64(c.arg1)); across.add(i8(c.arg2)); across.add(u8(c.arg2));",
    "lhist, wide": "wide.add(c.arg0); wide.add(u64(c.arg1)); wide.add(4_000_000_000); wide.add(3_999_999_999);",
    "lhist by key": "hn.at(c.arg0).add(c.arg1);",
    "eight aggregates at once":
      "n.add(); s.add(c.arg0); a.add(c.arg0); lo.add(c.arg0); hi.add(c.arg0); st.add(c.arg0); h3.add(c.arg0); across.add(c.arg0); hs.at(c.arg1).add(c.arg0);",
    "an array of histograms": "arr.at(c.arg0).add(c.arg1); arr.at(1).add(c.arg0); arr.at(2).add(u64(c.arg0));",
    "unsigned into min and max": "lo.add(u64(c.arg0)); hi.add(u64(c.arg0)); st.add(u64(c.arg1)); a.add(u64(c.arg1));",
  }),
};

const requests: Theme = {
  name: "requests and variables of every type",
  declarations: `export const m = hash(u32, u64), total = sum(), ev = events({ n: i64 }), ${["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"].map((t) => `v_${t} = variable(${t}, 3)`).join(", ")}, on = variable(bool, false), t = variable(cstring(9), ''), nine = array(9, i8), structs = array(2, struct({ a: u8, s: cstring(6), b: u32 }));`,
  snippets: handlers([...edges.slice(0, 8), [3n, 4n, 5n], [4n, 9n, -9n]], {
    "requests in order": "print`a`; clear(m); show(total); ev.emit({ n: c.arg0 }); show(m, { top: 3 }); print`b`; if (c.arg0 === 7) exit(c.arg1); print`c`;",
    "variables of every type": `${["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"].map((ty) => `v_${ty}.set(v_${ty}.get() * 3 + c.arg0);`).join(" ")} on.set(c.arg0 > 0); t.set(c.arg1 > 0 ? 'much too long' : 'short'); print\`${["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"].map((ty) => `\${v_${ty}.get()}`).join(" ")} \${on.get()} \${t.get()}\`;`,
    "an unsigned variable stays unsigned": "print`${v_u64.get() >> 1} ${v_u64.get() > c.arg0} ${v_i64.get() < c.arg1}`; v_u64.set(c.arg0); v_i64.set(c.arg1);",
    "arrays out of range":
      "nine.set(c.arg0, c.arg1); print`${nine.get(c.arg0)} ${nine.get(c.arg2) ?? -1} ${structs.get(c.arg0)?.b ?? -1}`; structs.set(c.arg0, { a: c.arg1, s: 'set', b: c.arg2 });",
    "an array's struct in place":
      "const e = structs.get(c.arg0 & 1); if (e) { e.a += c.arg1; e.b ^= c.arg2; e.s = e.a > 5 ? 'larger' : 'less'; print`${e.a} ${e.s} ${e.b}`; }",
  }),
};

const Z = UNREADABLE;
const carried: Theme = {
  name: "carried values",
  declarations: `
const Conn = struct({ a: i64, b: u32, s: cstring(10) });
export const conns = hash(u32, Conn), small = hash(u32, struct({ a: u16 })), total = sum(), ev = events({ s: cstring(20), b: bytes(9), n: i64 });`,
  snippets: handlers([], {
    "eight bytes":
      "{ enter: (c) => ({ a: u32(c.arg0), b: u16(c.arg1), d: u8(c.arg0), e: c.arg1 > 5 }), leave: (c, at) => { print`${at.a} ${at.b} ${at.d} ${at.e} ${c.ret}`; } }",
    "nine bytes":
      "{ enter: (c) => ({ a: u32(c.arg0), b: u16(c.arg1), d: u8(c.arg0), e: c.arg1 > 5, f: c.arg0 > 1 }), leave: (c, at) => { print`${at.a} ${at.b} ${at.d} ${at.e} ${at.f} ${c.ret}`; } }",
    "a short text": "{ enter: (c) => str(c.arg2, 7), leave: (c, s) => { print`${s} ${s === 'hello'} ${c.ret}`; } }",
    "a long text":
      "{ enter: (c) => str(c.arg2, 200), leave: (c, s) => { print`${s} ${s.length} ${c.ret}`; ev.emit({ s, b: buf(0, 9) ?? ({} as never), n: 1 }); } }".replace(
        "ev.emit({ s, b: buf(0, 9) ?? ({} as never), n: 1 }); ",
        "",
      ),
    bytes: "{ enter: (c) => ({ b: buf(c.arg2, 9), s: str(c.arg2, 20), n: c.arg0 }), leave: (c, at) => { ev.emit({ s: at.s, b: at.b, n: at.n + c.ret }); } }",
    "a maybe-number in an object":
      "{ enter: (c) => ({ v: read(c.arg2, u32), w: read(c.arg2, u8), n: c.arg0 }), leave: (c, at) => { print`${at.v} ${at.w ?? -1} ${at.n}`; } }",
    "an entry": "{ enter: (c) => conns.getOrInsert(c.arg0, { a: c.arg1, b: 2, s: 'made' }), leave: (c, k) => { print`${k.a} ${k.b} ${k.s} ${c.ret}`; } }",
    "a small entry": "{ enter: (c) => { small.set(c.arg0, { a: c.arg1 }); return small.get(c.arg0); }, leave: (c, k) => { print`${k.a} ${c.ret}`; } }",
    "an entry that may be missing":
      "{ enter: (c) => { const k = conns.get(c.arg0); conns.set(c.arg0, { a: c.arg1, b: 1, s: 'x' }); return k; }, leave: (c, k) => { print`${k.a} ${k.s} ${c.ret}`; } }",
    "an entry in an object":
      "{ enter: (c) => { conns.set(c.arg0, { a: c.arg1, b: 1, s: 'x' }); return { k: conns.get(c.arg0), n: c.arg0 }; }, leave: (c, at) => { print`${at.k?.a ?? -1} ${at.k?.s} ${at.n} ${c.ret}`; } }",
    "undefined on some path":
      "{ enter: (c) => { if (c.arg0 === 1) return; if (c.arg0 === 2) return { n: 1, s: 'two' }; return { n: c.arg1, s: str(c.arg2, 6) ?? 'none' }; }, leave: (c, at) => { print`${at.n} ${at.s} ${c.ret}`; } }",
    "a nested object":
      "{ enter: (c) => ({ p: { x: c.arg0, y: [c.arg1, u8(c.arg0)] as const }, t: c.comm }), leave: (c, { p, t }) => { print`${p.x} ${p.y[0]} ${p.y[1]} ${t} ${c.ret}`; } }",
    "a constant": "{ enter: () => 'always', leave: (c, t) => { print`${t} ${c.ret}`; } }",
    "an object of constants": "{ enter: (c) => ({ kind: 'x', n: 5, on: c.arg0 > 1 }), leave: (c, at) => { print`${at.kind} ${at.n} ${at.on} ${c.ret}`; } }",
    "negative numbers in little space":
      "{ enter: (c) => ({ a: i8(c.arg1), b: i16(c.arg1), d: i32(c.arg1) }), leave: (c, at) => { print`${at.a} ${at.b} ${at.d} ${at.a + at.b + c.ret}`; } }",
    "a value assigned on the way":
      "{ enter: (c) => { let n = c.arg0; for (let i = 0; i < 3; i++) n += i; let s: string = 'few'; if (n > 4) s = 'many of them'; return { n, s }; }, leave: (c, at) => { print`${at.n} ${at.s} ${c.ret}`; } }",
    "a carried object changed in leave":
      "{ enter: (c) => ({ n: c.arg0, m: 1 }), leave: (c, at) => { let { n } = at; n += c.ret; print`${n} ${at.m}`; total.add(n); } }",
  }).map((snippet) => ({
    ...snippet,
    hits: [
      { at: "entry" as const, args: [1n, 10n, text(2), 0n, 0n, 0n] },
      { at: "return" as const, ret: -1n },
      { at: "entry" as const, args: [3n, -20n, text(7), 0n, 0n, 0n] },
      { at: "entry" as const, args: [2n, 300n, Z, 0n, 0n, 0n] },
      { at: "return" as const, ret: 7n },
      { at: "return" as const, ret: 0xffff_fff0n },
      { at: "entry" as const, args: [300n, -7n, text(0), 0n, 0n, 0n] },
      { at: "return" as const, ret: 0n },
    ],
  })),
};

export const corners: readonly Theme[] = [variables, closures, boundaries, aggregated, requests, carried];
