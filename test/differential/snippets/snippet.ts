/** What a snippet is: a handler, what it shares with its neighbours, and the hits to try it on. */
import type { Hit } from "../evaluator/run.ts";
import { structuresPage } from "./structures.ts";

export interface Snippet {
  readonly name: string;
  /** What `uprobe` is given: a function, or `{ enter, leave }`. */
  readonly handler: string;
  /** The handler prints nothing but this expression, and does nothing else. */
  readonly source?: string;
  /** Hits in order; each inherits what it doesn't say. */
  readonly hits: readonly Partial<Hit>[];
}

/** Snippets that share the top level of one script. */
export interface Theme {
  readonly name: string;
  readonly declarations: string;
  readonly snippets: readonly Snippet[];
}

/** Everything that snippets may import. */
export const IMPORTS = `import { array, avg, bool, buf, bytes, clear, comm, count, cstring, duration, events, exit, func, hash, hex, hist, i16, i32, i64, i8, lhist, max, min, param, print, read, show, stats, str, struct, sum, u16, u32, u64, u8, uprobe, variable } from "sonde";`;

/** The script of some snippets of a theme: one probe each. */
export const scriptOf = (theme: Theme, snippets: readonly Snippet[] = theme.snippets): string =>
  `${IMPORTS}\n${theme.declarations}\n${snippets.map(({ handler }) => `uprobe("fixture:probed", ${handler});`).join("\n")}\n`;

export const MIN = -(2n ** 63n);
export const MAX = 2n ** 63n - 1n;

/** Where the target's memory lies, in every test: the fixture maps it at the same addresses. */
export const TEXTS = 0x1000_0000n;
export const UNREADABLE = 0x2000_0000n;
/** `u64` words and structures. */
export const WORDS = 0x3000_0000n;

const texts = [
  "",
  "a",
  "hello",
  "hello world",
  "/etc/passwd",
  "exactly 15 byte",
  "exactly 16 bytes",
  "a text that is longer than sixteen bytes, and than thirty-two, and even than sixty-four of them, so there",
  "gr\u00fc\u00dfe",
  "swapper/0",
];
/** Address of the n-th text. */
export const text = (n: number): bigint => TEXTS + BigInt(n * 128);
/** A text that runs into the end of its page, behind which nothing can be read. */
export const AT_END = TEXTS + 4096n - 7n;

/** Structures: `snippets/typed.ts` says what they are. */
export const STRUCTURES = 0x4000_0000n;

/** The pieces of the target's memory: one page of texts, one page of words, one of structures. */
export function memoryPieces(): { readonly address: bigint; readonly bytes: Uint8Array }[] {
  const page = new Uint8Array(4096);
  for (const [n, t] of texts.entries()) page.set(new TextEncoder().encode(t), n * 128);
  page.set(new TextEncoder().encode("at last"), 4096 - 7);
  const words = new Uint8Array(4096);
  const view = new DataView(words.buffer);
  for (const [i, word] of [0n, 1n, MAX, MIN, -1n, 0x1122334455667788n].entries()) view.setBigInt64(i * 8, word, true);
  for (let i = 64; i < 512; i++) words[i] = (i * 37) & 0xff;
  return [
    { address: TEXTS, bytes: page },
    { address: WORDS, bytes: words },
    { address: STRUCTURES, bytes: structuresPage() },
  ];
}

/** Hits that only differ in their arguments. */
export const calls = (...vectors: readonly (readonly (bigint | number)[])[]): Partial<Hit>[] =>
  vectors.map((vector) => ({ args: [...vector.map(BigInt), 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) }));

/** Pairs of integers at all the edges. */
export const edges: readonly (readonly bigint[])[] = [
  [0n, 0n, 5n],
  [1n, 2n, 3n],
  [-1n, 1n, 2n],
  [7n, -2n, 64n],
  [-7n, 2n, 63n],
  [MIN, -1n, 1n],
  [MAX, 1n, 65n],
  [MAX, MIN, -1n],
  [0xffff_ffffn, 0x8000_0000n, 31n],
  [0x1_2345_6789n, 0x80n, 7n],
  [-128n, 255n, 8n],
  [1000n, 10n, 0n],
  [MIN, MIN, MIN],
];

const printing = (sources: readonly string[]): string => `(c) => { ${sources.map((source) => `print\`\${${source}}\`;`).join(" ")} }`;

export function expressions(vectors: readonly (readonly (bigint | number)[])[], ...sources: readonly string[]): Snippet[] {
  const hits = calls(...vectors);
  return sources.map((source) => ({ name: source, source, handler: printing([source]), hits }));
}

/** Expressions share a handler, `size` of them at a time: for where each handler costs more than what it does. */
export function grouped(theme: Theme, size: number): Theme {
  const snippets: Snippet[] = [];
  for (let at = 0; at < theme.snippets.length; ) {
    const first = theme.snippets[at]!;
    let end = at + 1;
    while (first.source !== undefined && end - at < size && theme.snippets[end]?.source !== undefined && theme.snippets[end]!.hits === first.hits) end++;
    const together = theme.snippets.slice(at, end);
    const sources = together.flatMap(({ source }) => source ?? []);
    snippets.push(together.length === 1 ? first : { name: sources.join(", "), handler: printing(sources), hits: first.hits });
    at = end;
  }
  return { ...theme, snippets };
}

export const handlers = (vectors: readonly (readonly (bigint | number)[])[], bodies: { readonly [name: string]: string }): Snippet[] =>
  Object.entries(bodies).map(([name, body]) => ({
    name,
    handler: body.startsWith("(") || body.startsWith("{ enter") ? body : `(c) => { ${body} }`,
    hits: calls(...vectors),
  }));
