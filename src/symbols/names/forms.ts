/**
 * Demangled names as they are compared. One name is written in many ways: with spaces or without, `const char*` or
 * `char const*`, `std::string` or what that is an abbreviation of, with template arguments or without.
 */
import type { Demangled } from "./demangle.ts";

export interface NameForms {
  /** As it is shown. */
  readonly text: string;
  /** The qualified name, without parameters. */
  readonly path: string;
  /** Neither parameters nor template arguments. */
  readonly bare: string;
  /** `(int,char const*)`; undefined where there is no list of them. */
  readonly parameters: string | undefined;
  /** Behind the parameters: `const&`. */
  readonly qualifiers: string;
  /** A part or a copy of the function that the compiler has made (`[clone .cold]`), or a way to it (`virtual thunk to …`). */
  readonly made: boolean;
}

const ABBREVIATED = /std::basic_(?:(string)<char,std::char_traits<char>,std::allocator<char>>|([io]|io)stream<char,std::char_traits<char>>)(\w)?/g;
const BUILTIN_WORDS = new Set(["unsigned", "signed", "long", "short", "int", "char", "double"]);

const isWord = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x24 || code >= 0x80;

/** Without the differences that mean nothing. */
export function normalised(text: string): string {
  let out = "";
  let from = 0;
  for (let i = text.indexOf(" "); i >= 0; i = text.indexOf(" ", i)) {
    let behind = i + 1;
    while (text.charCodeAt(behind) === 0x20) behind++;
    // A space counts between two words, and behind `operator<` in front of arguments.
    const counts =
      (i > 0 && isWord(text.charCodeAt(i - 1)) && behind < text.length && isWord(text.charCodeAt(behind))) ||
      (text[behind] === "<" && /operator<<?$/.test(text.slice(Math.max(0, i - 10), i)));
    out += text.slice(from, i) + (counts ? " " : "");
    from = behind;
    i = behind;
  }
  out += text.slice(from);
  out = out.replace(/\[abi:\w+\]/g, "").replace(/\b(?:__cxx11|__1)::/g, "");
  if (/\bconst /.test(out)) out = constBehind(out);
  if (out.includes("std::basic_")) out = abbreviated(out);
  return out;
}

/** What stood apart by a bracket is set apart by a space: `…>const&` → `std::string const&`. */
function abbreviated(text: string): string {
  return text.replace(ABBREVIATED, (_, string: string | undefined, stream: string | undefined, behind: string | undefined) => {
    const name = string ?? `${stream}stream`;
    return `std::${name}${behind === undefined ? "" : ` ${behind}`}`;
  });
}

/** `const char*` → `char const*`. */
function constBehind(text: string): string {
  const start = /(^|[(,<])const (?=[A-Za-z_])/.exec(text);
  if (start === null) return text;
  const from = start.index + (start[1] as string).length;
  let at = from + "const ".length;
  for (;;) {
    const word = /^[\w$]+/.exec(text.slice(at))?.[0] ?? "";
    at += word.length;
    if (text[at] === "<") at = closing(text, at) + 1;
    if (text.startsWith("::", at)) at += 2;
    else if (text[at] === " " && BUILTIN_WORDS.has(word)) at++;
    else break;
    if (word === "") break;
  }
  const type = text.slice(from + "const ".length, at);
  return `${text.slice(0, from)}${type}${type.endsWith(">") ? "" : " "}const${constBehind(text.slice(at))}`;
}

const CLOSES: { readonly [open: string]: string } = { "(": ")", "<": ">", "{": "}", "[": "]" };

/** Where the bracket at `at` is closed; the end, where it isn't. */
function closing(text: string, at: number): number {
  const open = text[at] as string;
  const close = CLOSES[open] as string;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && text[i - 1] !== "-" && --depth === 0) return i;
  }
  return text.length - 1;
}

/** The length of an operator's name that begins here, brackets included: `operator<<`, `operator()`, `operator->`. */
function operatorAt(text: string, at: number): number {
  if (!text.startsWith("operator", at) || (at > 0 && isWord(text.charCodeAt(at - 1)))) return 0;
  return /^operator(?:\(\)|\[\]|->\*?|<=>|<<=?|>>=?|<=?|>=?|[-+*/%^&|~!=,]+|""\w+)?/.exec(text.slice(at, at + 16))?.[0].length ?? 0;
}

/** Template arguments left out: `a::B<int>::f` → `a::B::f`; Rust's `<a::B<T>>::f` → `a::B::f`. */
function withoutArguments(path: string): string {
  let out = "";
  for (let i = 0; i < path.length; ) {
    const operator = operatorAt(path, i);
    if (operator > 0) {
      out += path.slice(i, i + operator);
      i += operator;
      continue;
    }
    const c = path[i] as string;
    if (c !== "<") {
      out += c;
      i++;
      continue;
    }
    const end = closing(path, i);
    const inside = path.slice(i + 1, end);
    if (i === 0 || inside.startsWith("impl ")) {
      // Rust: the type that a method belongs to, as some trait or as itself.
      const as = splitAs(inside);
      out += as === undefined ? withoutArguments(inside) : `<${withoutArguments(as[0])} as ${withoutArguments(as[1])}>`;
    } else if (out.endsWith("::")) out = out.slice(0, -2);
    else out = out.trimEnd();
    i = end + 1;
  }
  return out;
}

function splitAs(inside: string): readonly [string, string] | undefined {
  let depth = 0;
  for (let i = 0; i < inside.length; i++) {
    const c = inside[i] as string;
    if (/[<([]/.test(c)) depth++;
    else if (/[>)\]]/.test(c) && inside[i - 1] !== "-") depth--;
    else if (depth === 0 && inside.startsWith(" as ", i)) return [inside.slice(0, i), inside.slice(i + 4)];
    // A normalised text has no space behind a bracket.
    else if (depth === 0 && inside.startsWith("as ", i) && i > 0 && !isWord(inside.charCodeAt(i - 1))) return [inside.slice(0, i), inside.slice(i + 3)];
  }
  return undefined;
}

/** The parameters and what is behind them, of a normalised text. */
function parametersOf(text: string): { path: string; parameters: string | undefined; qualifiers: string } {
  const qualifiers = /(?<=\))(?:const|volatile|noexcept|&&?| )+$/.exec(text)?.[0] ?? "";
  const named = qualifiers === "" ? text : text.slice(0, -qualifiers.length);
  const none = { path: text, parameters: undefined, qualifiers: "" };
  if (!named.endsWith(")")) return none;
  let depth = 0;
  for (let i = named.length - 1; i >= 0; i--) {
    if (named[i] === ")") depth++;
    else if (named[i] === "(" && --depth === 0) {
      const path = named.slice(0, i);
      if (path === "" || /(?:^|[^\w$])operator$/.test(path)) return none;
      const parameters = named.slice(i);
      return { path, parameters: parameters === "(void)" ? "()" : parameters, qualifiers };
    }
  }
  return none;
}

const MADE = /^(?:(?:non-)?virtual thunk|covariant return thunk|(?:non-)?transaction clone|TLS (?:init|wrapper) function) (?:to|for) /;
const CLONE = /(?: \[clone [^\]]*\])+$/;

/** A name as written in a target. */
export function formsOf(text: string): NameForms {
  const clone = CLONE.exec(text);
  const { path, parameters, qualifiers } = parametersOf(normalised(clone === null ? text : text.slice(0, clone.index)));
  return { text, path, bare: withoutArguments(path), parameters, qualifiers, made: clone !== null || MADE.test(text) };
}

/** A symbol's name. Rust's have no parameters. */
export function formsOfDemangled({ text, language }: Demangled): NameForms {
  if (language === "c++") return formsOf(text);
  const path = normalised(text);
  return { text, path, bare: withoutArguments(path), parameters: undefined, qualifiers: "", made: false };
}

interface Component {
  readonly base: string;
  readonly args: string | undefined;
}

/** A path's parts, split at `::` outside of brackets. */
function componentsOf(path: string): Component[] {
  const components: Component[] = [];
  let start = 0;
  let args: string | undefined;
  let base = "";
  for (let i = 0; i <= path.length; ) {
    const operator = operatorAt(path, i);
    if (operator > 0) i += operator;
    else if (i === path.length || path.startsWith("::", i)) {
      components.push({ base: (base + path.slice(start, i)).trimEnd(), args });
      i += 2;
      start = i;
      args = undefined;
      base = "";
    } else if (path[i] === "<") {
      const end = closing(path, i);
      base += path.slice(start, i);
      args = path.slice(i + 1, end);
      i = end + 1;
      start = i;
    } else if (path[i] === "(" || path[i] === "{") i = closing(path, i) + 1;
    else i++;
  }
  return components;
}

const ANONYMOUS = "(anonymous namespace)";

/** Whether each part of a name fits: arguments may be left out, or the last of them; so may `(anonymous namespace)`. */
function componentsFit(wanted: readonly Component[], have: readonly Component[]): boolean {
  let at = 0;
  for (const { base, args } of wanted) {
    while (have[at]?.base === ANONYMOUS && base !== ANONYMOUS) at++;
    const one = have[at++];
    if (one === undefined) return false;
    const isLast = at === have.length;
    if (one.base !== base && (isLast || base.endsWith(")") || one.base.slice(0, one.base.indexOf("(")) !== base)) return false;
    if (args !== undefined && one.args !== args && one.args?.startsWith(`${args},`) !== true) return false;
  }
  return at === have.length;
}

/** How well a symbol's name is what a target names: 0 not at all; the greatest number is the whole name. */
export type Fit = 0 | 1 | 2 | 3;

/** Compares symbols' names with a target's. Without parameters it means every overload; without arguments every instance. */
export class WantedName {
  readonly forms: NameForms;
  readonly #components: readonly Component[];
  /** The same with what the abbreviations of `std` stand for. */
  readonly #abbreviated: WantedName | undefined;

  constructor(text: string) {
    this.forms = formsOf(text);
    this.#components = componentsOf(this.forms.path);
    const abbreviated = this.forms.path.replace(/\bstd::basic_(string|istream|ostream|iostream)(?:<char>)?(?=::|$)/g, "std::$1");
    if (abbreviated !== this.forms.path) this.#abbreviated = new WantedName(`${abbreviated}${this.forms.parameters ?? ""}${this.forms.qualifiers}`);
  }

  fit(name: NameForms): Fit {
    return this.#fit(name) || (this.#abbreviated?.fit(name) ? 1 : 0);
  }

  /** Whether a qualified name is this one with further scopes in front of its parts. */
  isInScopesOf(path: string): boolean {
    if (MADE.test(path)) return false;
    const have = componentsOf(path);
    let at = 0;
    for (const { base } of this.#components) {
      while (at < have.length && have[at]!.base !== base) at++;
      at++;
    }
    return this.#components.length > 0 && at === have.length;
  }

  #fit(name: NameForms): Fit {
    const { forms } = this;
    if (name.made !== forms.made || (forms.made && !name.text.endsWith(CLONE.exec(forms.text)?.[0] ?? ""))) return 0;
    if (forms.parameters !== undefined && (name.parameters ?? "") !== forms.parameters) return 0;
    const sameQualifiers = forms.parameters === undefined || forms.qualifiers === name.qualifiers;
    if (!sameQualifiers && forms.qualifiers !== "") return 0;
    if (name.path === forms.path) return sameQualifiers ? 3 : 2;
    return name.bare === forms.path || componentsFit(this.#components, componentsOf(name.path)) ? 1 : 0;
  }
}
