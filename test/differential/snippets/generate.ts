/** Random handlers, typed so that they compile: expressions of each kind, and bodies of statements over locals and maps. */
import fc from "fast-check";
import { edges, text, UNREADABLE, WORDS } from "./snippet.ts";

/** What generated bodies share. */
export const DECLARATIONS = `
export const total = sum(), seen = hash(i64, count()), words = hash(u32, u64), spread = hist(), flags = array(4, i16), texts = hash(cstring(9), count()), kept = hash(u8, cstring(12)), pairs = hash([cstring(5), u8], sum()), blobs = hash(bytes(6), count());
const Conn = struct({ n: i64, m: u32, s: cstring(6), k: u8 });
export const conns = hash(u8, Conn), level = variable(i32, 3), said = events({ s: cstring(10), n: i64, on: bool });
function each(times: number, f: (i: number) => void): void { for (let i = 0; i < 3; i++) if (i < times) f(i); }
function pick(n: number, x: string): string { if (n < 0) return "negative"; if (n === 0) return ""; return x; }
const three = 3, far = -1_000_000_007, wide = 0x1234_5678_9abc;`;

type Text = fc.Arbitrary<string>;

interface Names {
  readonly i64: readonly string[];
  readonly u64: readonly string[];
}

const CONSTANTS = [
  "0",
  "1",
  "2",
  "3",
  "7",
  "8",
  "63",
  "64",
  "255",
  "256",
  "65535",
  "1000",
  "0x7fff_ffff",
  "0x8000_0000",
  "0xffff_ffff",
  "0x1_0000_0000",
  "0x7fff_ffff_ffff",
  "three",
  "wide",
];
const NEGATIVE = ["(-1)", "(-2)", "(-7)", "(-128)", "(-0x8000_0000)", "far"];
const NARROW = ["u8", "u16", "u32", "i8", "i16", "i32"];

const pick = (...texts: readonly string[]): Text => fc.constantFrom(...texts);
const binary = (a: Text, ops: readonly string[], b: Text): Text => fc.tuple(a, pick(...ops), b).map(([x, op, y]) => `(${x} ${op} ${y})`);

/** TypeScript would refuse a comparison of two literals that differ. */
const comparison = (a: Text, ops: readonly string[], b: Text): Text =>
  binary(
    a.map((x) => `(${x} as number)`),
    ops,
    b,
  );

/** Expressions of each kind, at most `depth` operators deep. */
export function expressionsOf(names: Names, depth: number): { readonly i64: Text; readonly u64: Text; readonly bool: Text } {
  const leafI: Text = fc.oneof(pick("c.arg0", "c.arg1", "c.arg2", "c.arg3", ...names.i64), pick(...CONSTANTS), pick(...NEGATIVE));
  const leafU: Text = fc.oneof(pick("u64(c.arg0)", "u64(c.arg1)", "u64(c.arg2)"), ...(names.u64.length > 0 ? [pick(...names.u64)] : []));
  if (depth === 0) return { i64: leafI, u64: leafU, bool: comparison(leafI, ["<", ">", "===", "!=="], leafI) };
  const inner = expressionsOf(names, depth - 1);
  const any = fc.oneof(inner.i64, inner.u64);
  const i64: Text = fc.oneof(
    leafI,
    binary(inner.i64, ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"], inner.i64),
    fc.tuple(pick(...NARROW, "i64"), any).map(([f, x]) => `${f}(${x})`),
    binary(inner.u64, ["-"], any),
    fc.tuple(pick("-", "~"), inner.i64).map(([op, x]) => `${op}(${x})`),
    fc.tuple(inner.bool, inner.i64, inner.i64).map(([t, x, y]) => `(${t} ? ${x} : ${y})`),
    fc.tuple(pick("Math.min", "Math.max"), inner.i64, inner.i64).map(([f, x, y]) => `${f}(${x}, ${y})`),
    fc.tuple(pick("u8", "i8", "u32"), inner.bool).map(([f, t]) => `${f}(${t})`),
  );
  const u64: Text = fc.oneof(
    leafU,
    binary(inner.u64, ["+", "*", "&", "|", "^", "<<", ">>", ">>>"], any),
    binary(inner.u64, ["/", "%"], inner.u64),
    binary(inner.u64, ["/", "%"], pick(...CONSTANTS)),
    binary(inner.i64, [">>>"], inner.i64),
    any.map((x) => `u64(${x})`),
    inner.u64.map((x) => `~${x}`),
    fc.tuple(inner.bool, inner.u64, inner.u64).map(([t, x, y]) => `(${t} ? ${x} : ${y})`),
  );
  const bool: Text = fc.oneof(
    comparison(any, ["<", "<=", ">", ">=", "===", "!=="], any),
    binary(inner.bool, ["&&", "||"], inner.bool),
    inner.bool.map((t) => `!${t}`),
    inner.i64.map((x) => `!(${x} + c.arg4)`),
  );
  return { i64, u64, bool };
}

/** What each handler is hit with: three integers at their edges, an address of text, one of words, and something small. */
export const vectors: readonly (readonly bigint[])[] = edges.map(([a, b, c], i) => [
  a!,
  b!,
  c!,
  5n,
  i === 3 ? UNREADABLE : text(i % 10),
  i === 5 ? UNREADABLE : WORDS + BigInt(8 * (i % 6)),
]);

/** Texts that are there. */
const textOf: Text = fc.oneof(
  pick("t", "u", "'hello'", "''", "'a longer text'", "c.comm"),
  fc.tuple(pick("", " + 128", " + 3"), fc.integer({ min: 1, max: 40 })).map(([by, max]) => `(str(c.arg4${by}, ${max}) ?? 'none')`),
  fc.tuple(pick("t", "u"), fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 14 })).map(([s, from, to]) => `${s}.slice(${from}, ${to})`),
  pick("(kept.get(1) ?? t)", "(kept.get(u8(a)) ?? 'missing')", "(conns.get(1)?.s ?? u)"),
  fc.tuple(pick("a", "b", "c.arg1"), pick("t", "u", "'x'")).map(([n, s]) => `pick(${n}, ${s})`),
  fc.tuple(pick("a > b", "a === 0", "c.arg0 < 3"), pick("t", "u", "'yes'"), pick("t", "u", "'otherwise'")).map(([q, s, r]) => `(${q} ? ${s} : ${r})`),
);
const textTest: Text = fc.oneof(
  fc.tuple(textOf, pick("===", "!=="), textOf).map(([s, op, r]) => `(${s} as string) ${op} ${r}`),
  fc
    .tuple(pick("t", "u"), pick("startsWith", "endsWith", "includes"), pick("'h'", "'hello'", "'ell'", "'6 bytes'", "''"))
    .map(([s, f, x]) => `${s}.${f}(${x})`),
  pick("t", "!u", "t.length > u.length", "t.length === 5"),
);

const NAMES: Names = { i64: ["a", "b"], u64: ["p"] };

/** A body: locals `a`, `b` (signed) and `p` (unsigned), then statements, then everything printed. */
export function body(): Text {
  const e = expressionsOf({ i64: [], u64: [] }, 1);
  return fc
    .tuple(e.i64, e.i64, e.u64, fc.array(statement(2, 0), { minLength: 1, maxLength: 5 }))
    .map(
      ([a, b, p, statements]) =>
        `let a = ${a}, b = ${b}, p = ${p};\nlet t = str(c.arg4, 12) ?? "none", u: string = "start";\nconst o = { n: 1, m: a, s: "" as string };\n${statements.join("\n")}\nprint\`\${a} \${b} \${p} \${t} \${u} \${o.n} \${o.m} \${o.s}\`;`,
    );
}

/** `loops`: how many loops are around it; each has a counter of its own. */
function statement(depth: number, loops: number): Text {
  const names: Names = { i64: [...NAMES.i64, ...Array.from({ length: loops }, (_, i) => `i${i}`)], u64: NAMES.u64 };
  const e = expressionsOf(names, 2);
  const simple: Text = fc.oneof(
    fc.tuple(pick("a", "b"), pick("=", "+=", "-=", "*=", "&=", "|=", "^=", "/=", "%=", "<<=", ">>="), e.i64).map(([v, op, x]) => `${v} ${op} ${x};`),
    fc.tuple(pick("=", "+=", "*=", "&=", "|=", "^=", "/=", "%="), e.u64).map(([op, x]) => `p ${op} ${x};`),
    pick("a++;", "--b;", "p >>= 1;", "a = b++ + a;", "b = (a += 3) - b;"),
    e.i64.map((x) => `total.add(${x});`),
    e.u64.map((x) => `spread.add(${x});`),
    e.i64.map((x) => `seen.at(${x}).add();`),
    fc.tuple(e.i64, e.u64).map(([k, v]) => `words.set((${k}) & 7, ${v});`),
    e.i64.map((k) => `p = words.get((${k}) & 7) ?? p;`),
    fc.tuple(e.i64, e.i64).map(([i, v]) => `flags.set((${i}) % 5, ${v});`),
    e.i64.map((i) => `b = flags.get((${i}) & 3) ?? b;`),
    fc.tuple(pick("t", "u"), textOf).map(([v, s]) => `${v} = ${s};`),
    fc.tuple(textTest, pick("a", "b"), e.i64).map(([q, v, x]) => `if (${q}) ${v} = ${x};`),
    textOf.map((s) => `texts.at(${s}).add();`),
    fc.tuple(textOf, e.i64).map(([s, x]) => `pairs.at([${s}, ${x}]).add(${x});`),
    fc.tuple(e.i64, textOf).map(([k, s]) => `kept.set((${k}) & 3, ${s});`),
    fc.tuple(textOf, e.i64, e.bool).map(([s, n, on]) => `said.emit({ s: ${s}, n: ${n}, on: ${on} });`),
    pick(
      "blobs.at(buf(c.arg4, 6)).add();",
      "blobs.at(buf(c.arg5, 9)).add();",
      "blobs.at(buf(c.arg5, 4, a & 7)).add();",
      "{ const w = buf(c.arg4, 8); if (w) a += w.length + (w[b & 7] ?? 1); }",
    ),
    pick("a = read(c.arg5, i32) ?? a;", "b += read(c.arg5 + 8, u16) ?? 1;", "total.add(read(c.arg4, i8));", "total.add(str(c.arg4)?.length);"),
    fc.tuple(pick("1", "a & 1"), e.i64, textOf).map(([k, n, s]) => `conns.getOrInsert(${k}, { n: ${n}, m: 1, s: ${s}, k: 2 });`),
    fc
      .tuple(pick("k.n += a;", "k.m++;", "k.k -= 3;", "k.s = t;", "a = k.n++;", "b ^= k.m;", "k.n |= b;", "t = k.s;", "k.m *= 3;"), pick("0", "1"))
      .map(([s, k]) => `{ const k = conns.get(${k}); if (k) { ${s} } }`),
    fc.tuple(e.i64, pick("o.n", "o.m")).map(([x, f]) => `${f} += ${x};`),
    pick("o.s = t;", "o.n = a; b = o.n;", "u = o.s;", "o.m++;", "level.set(o.n);", "a = level.get();"),
    fc.tuple(pick("1", "2", "a"), pick("a += i;", "u = t;", "o.n += i * b;", "total.add(i);")).map(([n, s]) => `each(${n}, (i) => { ${s} });`),
    fc.tuple(e.bool, e.i64).map(([t, x]) => `${t} && total.add(${x});`),
    fc.tuple(e.i64, e.u64, e.bool).map(([x, y, t]) => `print\`\${${x}} \${${y}} \${${t}}\`;`),
  );
  if (depth === 0) return simple;
  const inner = statement(depth - 1, loops);
  const inLoop = statement(depth - 1, loops + 1);
  const i = `i${loops}`;
  const block = (of: Text): Text => fc.array(of, { minLength: 1, maxLength: 3 }).map((all) => `{ ${all.join(" ")} }`);
  return fc.oneof(
    { weight: 4, arbitrary: simple },
    fc.tuple(e.bool, block(inner)).map(([t, s]) => `if (${t}) ${s}`),
    fc.tuple(e.bool, block(inner), block(inner)).map(([t, s, o]) => `if (${t}) ${s} else ${o}`),
    fc.tuple(fc.integer({ min: 1, max: 6 }), block(inLoop)).map(([n, s]) => `for (let ${i} = 0; ${i} < ${n}; ${i}++) ${s}`),
    fc
      .tuple(fc.integer({ min: 1, max: 6 }), e.bool, pick("break", "continue"), block(inLoop))
      .map(([n, t, how, s]) => `for (let ${i} = 0; ${i} < ${n}; ${i}++) { if (${t}) ${how}; ${s} }`),
    fc
      .tuple(e.i64, inner, inner, inner, fc.boolean())
      .map(([x, s, u, o, falls]) => `switch ((${x}) & 3) { case 0: ${s}${falls ? "" : " break;"} case 2: ${u} break; default: ${o} }`),
    fc.tuple(e.bool).map(([t]) => `if (${t}) { print\`early\`; return; }`),
  );
}
