/** The part of the demangler of C++ that reads types: declarators, substitutions, packs. */
import { BUILTIN_TYPES, LONG_BUILTIN_TYPES, STD_ABBREVIATIONS } from "./itanium-tables.ts";

/** The name isn't one, or is beyond the bounds: it stays mangled. */
export class Malformed extends Error {}

/** A text in two halves, for what stands around a declarator: `int (*` and `)(char)`. */
export interface Node {
  readonly left: string;
  readonly right: string;
  /** A function or an array: a pointer to it has parentheses. */
  readonly wraps?: "function" | "array";
  /** It is a reference already: & or &&. */
  readonly reference?: 1 | 2;
  /** What a parameter pack holds. */
  readonly pack?: readonly Node[];
  /** It stood for a template's parameter: where it is repeated, it stands for what that is there. */
  readonly parameter?: number;
}

export interface Name {
  readonly text: string;
  /** It ends with template arguments, so that a function's result is mangled too. */
  readonly isTemplate: boolean;
  /** Constructors, destructors and conversions have none. */
  readonly hasNoResult: boolean;
  /** Of a member function: ` const &`. */
  readonly qualifiers: string;
}

const MOST_STEPS = 20_000;
const MOST_DEPTH = 192;
const LONGEST_TEXT = 1 << 16;

/** Reads with one position; what is shared by the parts that stand on it. */
export abstract class ItaniumTypes {
  protected readonly text: string;
  protected at = 0;
  #steps = 0;
  #depth = 0;
  protected substitutions: Node[] = [];
  protected templateParameters: readonly Node[] | undefined;
  /** Which element of packs is meant while an expansion is read; the length of the shortest pack that was met. */
  protected packIndex: number | undefined;
  protected packLength: number | undefined;
  /** A conversion's type is read: arguments behind a parameter are the conversion's own. */
  protected inConversion = false;
  /** Depth of lambdas' signatures, where a parameter without an argument is `auto`. */
  protected lambdas = 0;

  constructor(text: string) {
    this.text = text;
  }

  protected abstract name(scope: boolean): Name;
  protected abstract encoding(): string;
  protected abstract expression(): string;
  protected abstract literal(): string;
  protected abstract unqualifiedName(enclosing: string): Name;

  protected step(): void {
    if (++this.#steps > MOST_STEPS) throw new Malformed();
  }
  protected nested<T>(read: () => T): T {
    this.step();
    if (++this.#depth > MOST_DEPTH) throw new Malformed();
    const result = read();
    this.#depth--;
    return result;
  }
  protected bounded(text: string): string {
    if (text.length > LONGEST_TEXT) throw new Malformed();
    return text;
  }
  protected peek(ahead = 0): string {
    return this.text[this.at + ahead] ?? "";
  }
  protected next(): string {
    const c = this.text[this.at++];
    if (c === undefined) throw new Malformed();
    return c;
  }
  protected take(what: string): boolean {
    if (!this.text.startsWith(what, this.at)) return false;
    this.at += what.length;
    return true;
  }
  protected done(): boolean {
    return this.at >= this.text.length;
  }
  protected number(): number {
    const negative = this.take("n");
    const start = this.at;
    while (/[0-9]/.test(this.peek())) this.at++;
    if (this.at === start || this.at - start > 15) throw new Malformed();
    const value = Number(this.text.slice(start, this.at));
    return negative ? -value : value;
  }
  /** `_`, `0_`, … `Z_`, `10_`: 0, 1, … */
  protected sequence(): number {
    const found = /^([0-9A-Z]{0,6})_/.exec(this.text.slice(this.at, this.at + 8));
    if (found === null) throw new Malformed();
    this.at += found[0].length;
    return found[1] === "" ? 0 : Number.parseInt(found[1] as string, 36) + 1;
  }
  protected add(node: Node): Node {
    this.substitutions.push(node);
    return node;
  }
  protected textOf(node: Node): string {
    if (node.pack !== undefined) return this.listOf(node.pack);
    return this.bounded(node.left + node.right);
  }
  protected listOf(nodes: readonly Node[]): string {
    let text = "";
    for (const node of nodes) {
      this.step();
      if (node.pack !== undefined && node.pack.length === 0) continue;
      const one = this.textOf(node);
      if (one === "") continue;
      text = this.bounded(text === "" ? one : `${text}, ${one}`);
    }
    return text;
  }

  /** As written behind a type: ` const volatile`. Mangled in the order `r V K`. */
  protected cvQualifiers(): string {
    const restrict = this.take("r");
    const isVolatile = this.take("V");
    const isConst = this.take("K");
    return (isConst ? " const" : "") + (isVolatile ? " volatile" : "") + (restrict ? " __restrict" : "");
  }

  protected substitution(): Node {
    this.at++;
    const abbreviation = STD_ABBREVIATIONS[this.peek()];
    if (abbreviation !== undefined) {
      this.at++;
      const text = abbreviation[0] + this.abiTags();
      const node = { left: text, right: "" };
      return text === abbreviation[0] ? node : this.add(node);
    }
    const node = this.substitutions[this.sequence()];
    if (node === undefined) throw new Malformed();
    return node.parameter === undefined ? node : (this.templateParameters?.[node.parameter] ?? node);
  }

  protected abiTags(): string {
    let tags = "";
    while (this.take("B")) tags += `[abi:${this.sourceName()}]`;
    return tags;
  }

  protected sourceName(): string {
    const length = this.number();
    if (length <= 0 || this.at + length > this.text.length) throw new Malformed();
    const name = this.text.slice(this.at, this.at + length);
    this.at += length;
    return /^_GLOBAL_[._$]N/.test(name) ? "(anonymous namespace)" : name;
  }

  protected templateParameter(): Node {
    this.at++;
    let level = 0;
    if (this.take("L")) {
      level = this.number() + 1;
      if (!this.take("_")) throw new Malformed();
    }
    const index = this.sequence();
    const node = level === 0 ? this.templateParameters?.[index] : undefined;
    if (node === undefined || (this.lambdas > 0 && level > 0)) {
      if (this.lambdas > 0) return { left: `auto:${index + 1}`, right: "" };
      throw new Malformed();
    }
    if (node.pack === undefined || this.packIndex === undefined) return node;
    const { length } = node.pack;
    this.packLength = Math.min(this.packLength ?? length, length);
    return node.pack[this.packIndex] ?? { left: "", right: "" };
  }

  protected type(): Node {
    return this.nested(() => this.#type());
  }

  #type(): Node {
    const c = this.peek();
    switch (c) {
      case "r":
      case "V":
      case "K": {
        const qualifiers = this.cvQualifiers();
        // Those of a function are a part of its type.
        return this.add(this.peek() === "F" ? this.#functionType(qualifiers) : qualified(this.type(), qualifiers));
      }
      case "P":
        this.at++;
        return this.add(pointer(this.type(), "*"));
      case "R":
      case "O":
        this.at++;
        return this.add(referenceTo(this.type(), c === "R" ? 1 : 2));
      case "C":
      case "G":
        this.at++;
        return this.add(qualified(this.type(), c === "C" ? " _Complex" : " _Imaginary"));
      case "F":
        return this.add(this.#functionType(""));
      case "A":
        return this.add(this.#arrayType());
      case "M":
        return this.add(this.#memberPointer());
      case "T":
        if (/[sue]/.test(this.peek(1))) {
          this.at += 2;
          return this.add({ left: this.name(false).text, right: "" });
        }
        return this.inConversion ? this.#parameterType() : this.#templateOf(this.#parameterType());
      case "S":
        if (this.peek(1) === "t") break;
        return this.#templateOf(this.substitution());
      case "U":
        return this.add(this.#vendorQualified());
      case "u": {
        this.at++;
        const name = this.sourceName();
        return this.add({ left: this.peek() === "I" ? name + this.templateArguments(false) : name, right: "" });
      }
      case "D":
        return this.#longType();
    }
    const builtin = BUILTIN_TYPES[c];
    if (builtin !== undefined) {
      this.at++;
      return { left: builtin, right: "" };
    }
    // A class or an enumeration.
    return this.add({ left: this.name(false).text, right: "" });
  }

  #parameterType(): Node {
    const index = /^T([0-9A-Z]{0,6})_/.exec(this.text.slice(this.at, this.at + 9))?.[1];
    const node = this.templateParameter();
    const isPlain = index !== undefined && node.pack === undefined && this.packIndex === undefined;
    this.add(isPlain ? { ...node, parameter: index === "" ? 0 : Number.parseInt(index, 36) + 1 } : node);
    return node;
  }

  #templateOf(node: Node): Node {
    if (this.peek() !== "I") return node;
    return this.add({ left: this.bounded(this.textOf(node) + this.templateArguments(false)), right: "" });
  }

  #longType(): Node {
    const kind = this.peek(1);
    switch (kind) {
      case "p":
        this.at += 2;
        return this.add(this.expansion(() => this.type()));
      case "t":
      case "T": {
        this.at += 2;
        const text = this.expression();
        if (!this.take("E")) throw new Malformed();
        return this.#templateOf(this.add({ left: this.bounded(`decltype (${text})`), right: "" }));
      }
      case "v":
        return this.add(this.#vector());
      case "o":
      case "O":
      case "w":
      case "x":
        return this.add(this.#exceptionSpecified());
      case "F": {
        this.at += 2;
        const bits = this.number();
        if (this.take("b")) return { left: "std::bfloat16_t", right: "" };
        if (this.take("x")) return { left: `_Float${bits}x`, right: "" };
        if (!this.take("_")) throw new Malformed();
        return { left: `_Float${bits}`, right: "" };
      }
      case "B":
      case "U": {
        this.at += 2;
        const bits = /[0-9]/.test(this.peek()) ? String(this.number()) : this.expression();
        if (!this.take("_")) throw new Malformed();
        return { left: `${kind === "U" ? "unsigned " : ""}_BitInt(${bits})`, right: "" };
      }
    }
    const text = LONG_BUILTIN_TYPES[kind];
    if (text === undefined) throw new Malformed();
    this.at += 2;
    return { left: text, right: "" };
  }

  #vector(): Node {
    this.at += 2;
    let size: string;
    if (this.take("_")) size = this.expression();
    else size = String(this.number());
    if (!this.take("_")) throw new Malformed();
    return qualified(this.type(), ` __vector(${size})`);
  }

  #exceptionSpecified(): Node {
    let specification = "";
    if (this.take("Do")) specification = " noexcept";
    else if (this.take("DO")) {
      specification = ` noexcept(${this.expression()})`;
      if (!this.take("E")) throw new Malformed();
    } else if (this.take("Dw")) {
      const types: Node[] = [];
      while (!this.take("E")) types.push(this.type());
      specification = ` throw(${this.listOf(types)})`;
    }
    if (this.take("Dx")) specification = ` transaction_safe${specification}`;
    const qualifiers = this.cvQualifiers();
    if (this.peek() !== "F") throw new Malformed();
    return this.#functionType(qualifiers + specification);
  }

  #functionType(qualifiers: string): Node {
    this.at++;
    this.take("Y");
    const result = this.type();
    const parameters = this.parameters();
    let reference = "";
    if (this.take("R")) reference = " &";
    else if (this.take("O")) reference = " &&";
    if (!this.take("E")) throw new Malformed();
    const left = this.bounded(result.right === "" ? `${this.textOf(result)} ` : result.left);
    return { left, right: this.bounded(`(${parameters})${qualifiers}${reference}${result.pack ? "" : result.right}`), wraps: "function" };
  }

  /** Up to the end of the list, which is that of what surrounds it. */
  protected parameters(): string {
    const types: Node[] = [];
    const isEnd = (): boolean =>
      this.done() || /[E.@]/.test(this.peek()) || (/[RO]/.test(this.peek()) && this.peek(1) === "E") || (this.peek() === "Q" && types.length > 0);
    if (isEnd()) throw new Malformed();
    while (!isEnd()) types.push(this.type());
    if (types.length === 1 && types[0]?.left === "void" && types[0].right === "" && types[0].pack === undefined) return "";
    return this.listOf(types);
  }

  #arrayType(): Node {
    this.at++;
    let size = "";
    if (/[0-9]/.test(this.peek())) size = String(this.number());
    else if (this.peek() !== "_") size = this.expression();
    if (!this.take("_")) throw new Malformed();
    const element = this.type();
    const space = element.wraps === "array" ? "" : " ";
    return { left: element.left, right: this.bounded(`${space}[${size}]${element.right.replace(/^ (?=\[)/, "")}`), wraps: "array" };
  }

  #memberPointer(): Node {
    this.at++;
    const of = this.textOf(this.type());
    const member = this.type();
    if (member.wraps === "function") return { left: this.bounded(`${member.left}(${of}::*`), right: `)${member.right}` };
    if (member.wraps === "array") return { left: this.bounded(`${member.left} (${of}::*`), right: `)${member.right}` };
    return { left: this.bounded(`${member.left} ${of}::*`), right: member.right };
  }

  #vendorQualified(): Node {
    this.at++;
    // Lambdas and unnamed types may stand for types by themselves.
    if (/[lt]/.test(this.peek())) {
      this.at--;
      return { left: this.unqualifiedName("").text, right: "" };
    }
    let name = this.sourceName();
    if (this.peek() === "I") name += this.templateArguments(false);
    return qualified(this.type(), ` ${name}`);
  }

  /** A pattern that is read once for each element of the packs in it. */
  protected expansion(read: () => Node): Node {
    const start = this.at;
    const outerIndex = this.packIndex;
    const outerLength = this.packLength;
    const before = this.substitutions.length;
    this.packIndex = 0;
    this.packLength = undefined;
    const first = read();
    const length: number | undefined = this.packLength;
    const end = this.at;
    const after = this.substitutions;
    const elements: Node[] = [];
    if (length === undefined) elements.push(this.lambdas > 0 ? { left: `${this.textOf(first)}...`, right: "" } : first);
    else {
      for (let i = 0; i < length; i++) {
        this.packIndex = i;
        this.at = start;
        this.substitutions = after.slice(0, before);
        elements.push(read());
      }
    }
    this.at = end;
    this.substitutions = after;
    this.packIndex = outerIndex;
    this.packLength = outerLength;
    return { left: "", right: "", pack: elements };
  }

  /** `<…>`, with what `T_` stands for from now on if they are the encoding's own. */
  protected templateArguments(scope: boolean): string {
    this.at++;
    const args: Node[] = [];
    // The arguments before may be referred to by those behind.
    const outer = this.templateParameters;
    while (!this.take("E")) {
      this.step();
      args.push(this.templateArgument());
    }
    this.templateParameters = scope ? args : outer;
    const text = this.listOf(args);
    return this.bounded(`<${text}${text.endsWith(">") ? " " : ""}>`);
  }

  protected templateArgument(): Node {
    switch (this.peek()) {
      case "L":
        return { left: this.literal(), right: "" };
      case "X": {
        this.at++;
        const text = this.expression();
        if (!this.take("E")) throw new Malformed();
        return { left: text, right: "" };
      }
      case "J": {
        this.at++;
        const pack: Node[] = [];
        while (!this.take("E")) {
          this.step();
          pack.push(this.templateArgument());
        }
        return { left: "", right: "", pack };
      }
      default:
        return this.type();
    }
  }
}

/** A pointer or reference: behind what it points to, but inside of a function's or array's. */
function pointer(to: Node, sign: string): Node {
  if (to.pack !== undefined) return { left: "", right: "", pack: to.pack.map((one) => pointer(one, sign)) };
  if (to.wraps === undefined) return { left: to.left + sign, right: to.right };
  return { left: `${to.left}${to.wraps === "array" ? " " : ""}(${sign}`, right: `)${to.right}` };
}

function referenceTo(to: Node, kind: 1 | 2): Node {
  if (to.pack !== undefined) return { left: "", right: "", pack: to.pack.map((one) => referenceTo(one, kind)) };
  if (to.reference === undefined) return { ...pointer(to, kind === 1 ? "&" : "&&"), reference: kind };
  // References to references collapse.
  if (to.reference === 1 || kind === 2) return to;
  return { left: to.left.slice(0, -1), right: to.right, reference: 1 };
}

/** Of a function type the qualifiers stand behind its parameters; of an array they are its elements'. */
function qualified(type: Node, qualifiers: string): Node {
  if (type.pack !== undefined) return { left: "", right: "", pack: type.pack.map((one) => qualified(one, qualifiers)) };
  if (type.wraps === "function") return { ...type, right: type.right + qualifiers };
  if (type.reference !== undefined || type.left.endsWith(qualifiers)) return type;
  return { ...type, left: type.left + qualifiers };
}
