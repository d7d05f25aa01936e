/**
 * Mangled Rust names → paths, as rustfilt writes them: without the hashes that tell builds of one source apart.
 * Sources: RFC 2603 ("v0"); the older form looks like C++ with a last part `17h` and 16 hexadecimal digits.
 *
 * A name may refer back to its own parts, and so stand for a text without end: steps, depth and length are bounded.
 */

const MOST_STEPS = 20_000;
const MOST_DEPTH = 200;
const LONGEST_TEXT = 1 << 16;

class Malformed extends Error {}

const LEGACY = /^_{1,2}ZN(?:\d+.*)17h[0-9a-f]{16}E(?:[.@].*)?$/s;
const ESCAPES: { readonly [code: string]: string } = { SP: "@", BP: "*", RF: "&", LT: "<", GT: ">", LP: "(", RP: ")", C: "," };

/** The text of a name in the older form; undefined for others. */
export function demangleRustLegacy(symbol: string): string | undefined {
  if (!LEGACY.test(symbol)) return undefined;
  const parts: string[] = [];
  let at = symbol.indexOf("ZN") + 2;
  while (symbol[at] !== "E") {
    const digits = /^[1-9]\d{0,4}/.exec(symbol.slice(at, at + 6))?.[0];
    if (digits === undefined) return undefined;
    const end = at + digits.length + Number(digits);
    if (end >= symbol.length) return undefined;
    parts.push(symbol.slice(at + digits.length, end));
    at = end;
  }
  if (!/^h[0-9a-f]{16}$/.test(parts.pop() ?? "") || parts.length === 0) return undefined;
  return parts.map(unescaped).join("::");
}

function unescaped(part: string): string {
  const text = part.startsWith("_$") ? part.slice(1) : part;
  return text.replace(/\$(\w+)\$|\.\./g, (whole, code: string | undefined) => {
    if (code === undefined) return "::";
    const unicode = /^u([0-9a-f]{1,6})$/.exec(code);
    if (unicode === null) return ESCAPES[code] ?? whole;
    const point = Number.parseInt(unicode[1] as string, 16);
    return point >= 0x20 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) && point !== 0x7f ? String.fromCodePoint(point) : whole;
  });
}

const BASIC_TYPES: { readonly [code: string]: string } = {
  a: "i8",
  b: "bool",
  c: "char",
  d: "f64",
  e: "str",
  f: "f32",
  h: "u8",
  i: "isize",
  j: "usize",
  l: "i32",
  m: "u32",
  n: "i128",
  o: "u128",
  p: "_",
  s: "i16",
  t: "u16",
  u: "()",
  v: "...",
  x: "i64",
  y: "u64",
  z: "!",
};

interface Identifier {
  readonly name: string;
  readonly disambiguator: number;
}

class V0 {
  readonly #text: string;
  #at = 0;
  #steps = 0;
  #depth = 0;
  /** Lifetimes that `for<…>` has named around here. */
  #bound = 0;

  constructor(text: string) {
    this.#text = text;
  }

  symbol(): string {
    // A version of the encoding that isn't known yet begins with a number.
    if (/[0-9]/.test(this.#peek())) throw new Malformed();
    const path = this.#path(true);
    if (/[A-Z]/.test(this.#peek())) this.#path(false);
    const rest = this.#text.slice(this.#at);
    if (rest !== "" && !/^[.$@]/.test(rest)) throw new Malformed();
    return path;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }
  #next(): string {
    const c = this.#text[this.#at++];
    if (c === undefined || ++this.#steps > MOST_STEPS) throw new Malformed();
    return c;
  }
  #take(c: string): boolean {
    if (this.#peek() !== c) return false;
    this.#at++;
    return true;
  }
  #bounded(text: string): string {
    if (text.length > LONGEST_TEXT) throw new Malformed();
    return text;
  }
  #nested(read: () => string): string {
    if (++this.#depth > MOST_DEPTH || ++this.#steps > MOST_STEPS) throw new Malformed();
    const text = this.#bounded(read());
    this.#depth--;
    return text;
  }

  /** `_`, `0_`, …: 0, 1, … */
  #base62(): number {
    if (this.#take("_")) return 0;
    let value = 0;
    for (let c = this.#next(); c !== "_"; c = this.#next()) {
      const digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(c);
      if (digit < 0) throw new Malformed();
      value = value * 62 + digit;
    }
    return value + 1;
  }
  /** One more than the number behind a tag; 0 without it. */
  #tagged(tag: string): number {
    return this.#take(tag) ? this.#base62() + 1 : 0;
  }

  #identifier(): Identifier {
    return { disambiguator: this.#tagged("s"), name: this.#plainIdentifier() };
  }
  #plainIdentifier(): string {
    const isPunycode = this.#take("u");
    const digits = /^(?:0|[1-9]\d{0,4})/.exec(this.#text.slice(this.#at, this.#at + 6))?.[0];
    if (digits === undefined) throw new Malformed();
    this.#at += digits.length;
    this.#take("_");
    const end = this.#at + Number(digits);
    if (end > this.#text.length) throw new Malformed();
    const name = this.#text.slice(this.#at, end);
    this.#at = end;
    return isPunycode ? (punycode(name) ?? `punycode{${name.replace(/_([^_]*)$/, "-$1")}}`) : name;
  }

  #backReference(read: () => string): string {
    const from = this.#at - 1;
    const target = this.#base62();
    if (target >= from) throw new Malformed();
    const back = this.#at;
    this.#at = target;
    const text = this.#nested(read);
    this.#at = back;
    return text;
  }

  #path(isValue: boolean): string {
    return this.#nested(() => this.#pathOf(isValue));
  }

  #pathOf(isValue: boolean): string {
    switch (this.#next()) {
      case "C":
        return this.#identifier().name;
      case "M":
        this.#implPath();
        return `<${this.#type()}>`;
      case "X": {
        this.#implPath();
        const type = this.#type();
        return `<${type} as ${this.#path(false)}>`;
      }
      case "Y": {
        const type = this.#type();
        return `<${type} as ${this.#path(false)}>`;
      }
      case "N": {
        const namespace = this.#next();
        if (!/[A-Za-z]/.test(namespace)) throw new Malformed();
        const path = this.#path(isValue);
        const { name, disambiguator } = this.#identifier();
        if (/[a-z]/.test(namespace)) return name === "" ? path : `${path}::${name}`;
        const kind = namespace === "C" ? "closure" : namespace === "S" ? "shim" : namespace;
        return `${path}::{${kind}${name === "" ? "" : `:${name}`}#${disambiguator}}`;
      }
      case "I": {
        const path = this.#path(isValue);
        return `${path}${isValue ? "::" : ""}<${this.#list(() => this.#genericArgument())}>`;
      }
      case "B":
        return this.#backReference(() => this.#path(isValue));
      default:
        throw new Malformed();
    }
  }

  /** Where the `impl` stands: not shown. */
  #implPath(): void {
    this.#tagged("s");
    this.#path(false);
  }

  #list(read: () => string): string {
    let text = "";
    for (let first = true; !this.#take("E"); first = false) text = this.#bounded(first ? read() : `${text}, ${read()}`);
    return text;
  }

  #genericArgument(): string {
    if (this.#take("L")) return this.#lifetime(this.#base62());
    if (this.#take("K")) return this.#const();
    return this.#type();
  }

  /** 0 is one that was erased; others count from the innermost `for<…>`. */
  #lifetime(index: number): string {
    if (index === 0) return "'_";
    const depth = this.#bound - index;
    if (depth < 0) throw new Malformed();
    return depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`;
  }

  #binder(read: () => string): string {
    const count = this.#tagged("G");
    if (count === 0) return read();
    if (count > 256) throw new Malformed();
    const names: string[] = [];
    for (let i = 0; i < count; i++) {
      this.#bound++;
      names.push(this.#lifetime(1));
    }
    const text = `for<${names.join(", ")}> ${read()}`;
    this.#bound -= count;
    return text;
  }

  #type(): string {
    return this.#nested(() => this.#typeOf());
  }

  #typeOf(): string {
    const c = this.#next();
    const basic = BASIC_TYPES[c];
    if (basic !== undefined) return basic;
    switch (c) {
      case "A": {
        const type = this.#type();
        return `[${type}; ${this.#const()}]`;
      }
      case "S":
        return `[${this.#type()}]`;
      case "T": {
        const start = this.#at;
        const text = this.#list(() => this.#type());
        return `(${text}${this.#isSingle(start) ? "," : ""})`;
      }
      case "R":
      case "Q": {
        const lifetime = this.#take("L") ? this.#base62() : 0;
        const shown = lifetime === 0 ? "" : `${this.#lifetime(lifetime)} `;
        return `&${shown}${c === "Q" ? "mut " : ""}${this.#type()}`;
      }
      case "P":
        return `*const ${this.#type()}`;
      case "O":
        return `*mut ${this.#type()}`;
      case "F":
        return this.#binder(() => this.#functionType());
      case "D": {
        const bounds = this.#binder(() => {
          let text = "";
          for (let first = true; !this.#take("E"); first = false) text = this.#bounded(`${text}${first ? "" : " + "}${this.#dynTrait()}`);
          return text;
        });
        if (!this.#take("L")) throw new Malformed();
        const lifetime = this.#base62();
        return `dyn ${bounds}${lifetime === 0 ? "" : ` + ${this.#lifetime(lifetime)}`}`;
      }
      case "B":
        return this.#backReference(() => this.#type());
      default:
        this.#at--;
        return this.#path(false);
    }
  }

  /** Whether the tuple that began here and ends in front has one type. */
  #isSingle(start: number): boolean {
    const end = this.#at;
    this.#at = start;
    if (this.#take("E")) return false;
    this.#type();
    const single = this.#at === end - 1;
    this.#at = end;
    return single;
  }

  #functionType(): string {
    const isUnsafe = this.#take("U");
    let abi = "";
    if (this.#take("K")) abi = this.#take("C") ? "C" : this.#plainIdentifier().replaceAll("_", "-");
    const parameters = this.#list(() => this.#type());
    const result = this.#type();
    return `${isUnsafe ? "unsafe " : ""}${abi === "" ? "" : `extern "${abi}" `}fn(${parameters})${result === "()" ? "" : ` -> ${result}`}`;
  }

  #dynTrait(): string {
    let path = this.#path(false);
    while (this.#take("p")) {
      const binding = `${this.#plainIdentifier()} = ${this.#type()}`;
      path = path.endsWith(">") ? `${path.slice(0, -1)}, ${binding}>` : `${path}<${binding}>`;
    }
    return path;
  }

  #const(): string {
    return this.#nested(() => this.#constOf());
  }

  #hexDigits(): string {
    const found = /^[0-9a-f]*_/.exec(this.#text.slice(this.#at))?.[0];
    if (found === undefined) throw new Malformed();
    this.#at += found.length;
    return found.slice(0, -1);
  }

  #constOf(): string {
    const c = this.#next();
    switch (c) {
      case "p":
        return "_";
      case "B":
        return this.#backReference(() => this.#const());
      case "b": {
        const digits = this.#hexDigits();
        if (digits !== "0" && digits !== "1") throw new Malformed();
        return digits === "1" ? "true" : "false";
      }
      case "c": {
        const point = Number.parseInt(this.#hexDigits() || "0", 16);
        if (point > 0x10ffff) throw new Malformed();
        return `'${point < 0x20 || point === 0x7f ? `\\u{${point.toString(16)}}` : String.fromCodePoint(point)}'`;
      }
      case "e":
        return `*${this.#textConst()}`;
      case "R":
      case "Q":
        if (c === "R" && this.#take("e")) return this.#textConst();
        return `&${c === "Q" ? "mut " : ""}${this.#const()}`;
      case "A":
        return `[${this.#list(() => this.#const())}]`;
      case "T":
        return `(${this.#list(() => this.#const())})`;
      case "V":
        return this.#variant();
    }
    if (!/[ahstlmxynoij]/.test(c)) throw new Malformed();
    const negative = this.#take("n");
    const digits = this.#hexDigits();
    if (digits.length > 32) throw new Malformed();
    return `${negative ? "-" : ""}${BigInt(`0x${digits === "" ? "0" : digits}`)}`;
  }

  #variant(): string {
    const path = this.#path(true);
    switch (this.#next()) {
      case "U":
        return path;
      case "T":
        return `${path}(${this.#list(() => this.#const())})`;
      case "S":
        return `${path} { ${this.#list(() => {
          const { name } = this.#identifier();
          return `${name}: ${this.#const()}`;
        })} }`;
      default:
        throw new Malformed();
    }
  }

  #textConst(): string {
    const digits = this.#hexDigits();
    if (digits.length % 2 !== 0) throw new Malformed();
    return JSON.stringify(Buffer.from(digits, "hex").toString("utf8"));
  }
}

/** RFC 3492, with `_` between the plain characters and the rest. */
function punycode(text: string): string | undefined {
  const split = text.lastIndexOf("_");
  const output = split < 0 ? [] : [...text.slice(0, split)];
  let at = split + 1;
  let point = 128;
  let index = 0;
  let bias = 72;
  if (text.length > 512) return undefined;
  for (let first = true; at < text.length; first = false) {
    const before = index;
    for (let weight = 1, k = 36; ; k += 36) {
      const digit = "abcdefghijklmnopqrstuvwxyz0123456789".indexOf(text[at++] ?? "?");
      if (digit < 0) return undefined;
      index += digit * weight;
      const threshold = Math.min(26, Math.max(1, k - bias));
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (index > 2 ** 31 || weight > 2 ** 31) return undefined;
    }
    const length = output.length + 1;
    let delta = Math.floor((index - before) / (first ? 700 : 2));
    delta += Math.floor(delta / length);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    point += Math.floor(index / length);
    index %= length;
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
    output.splice(index++, 0, String.fromCodePoint(point));
  }
  return output.join("");
}

/** The text of a name in the form v0 (`_R…`); undefined for others. */
export function demangleRustV0(symbol: string): string | undefined {
  const start = symbol.startsWith("__R") ? 3 : 2;
  if (!/^_{1,2}R[A-Z]/.test(symbol)) return undefined;
  try {
    return new V0(symbol.slice(start)).symbol();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
