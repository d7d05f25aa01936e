/**
 * Finds symbols by the names that programmers write. Demangling costs microseconds a symbol, and a library may have
 * a hundred thousand: first those are left out whose mangled text can't be the name's. In it each part of a name is
 * spelt out with its length (`3foo`), but for what has abbreviations.
 */
import type { SymbolTable } from "../../elf/symbol-table.ts";
import { matchesPieces } from "../target.ts";
import { demangle } from "./demangle.ts";
import { type Fit, formsOfDemangled, type NameForms, normalised, WantedName } from "./forms.ts";
import { OPERATORS } from "./itanium-tables.ts";

/** Written as one letter behind an S, or as what they stand for. */
const ABBREVIATED: { readonly [word: string]: readonly string[] } = {
  std: [],
  string: ["Ss", "12basic_stringIc"],
  basic_string: ["Ss", "Sb", "12basic_string"],
  allocator: ["Sa", "9allocator"],
  istream: ["Si", "13basic_istreamIc"],
  basic_istream: ["Si", "13basic_istream"],
  ostream: ["So", "13basic_ostreamIc"],
  basic_ostream: ["So", "13basic_ostream"],
  iostream: ["Sd", "14basic_iostreamIc"],
  basic_iostream: ["Sd", "14basic_iostream"],
};
const NOT_SPELT = new Set(["operator", "anonymous", "namespace", "lambda", "unnamed", "new", "delete", "impl", "as", "__cxx11", "__1"]);
const PREFIXES = ["_Z", "_R", "__Z"].map((text) => Buffer.from(text));

type Filter = (symbol: string) => boolean;

const all: Filter = () => true;

/** The identifiers outside of brackets; `whole` where no wildcard cuts them. */
function identifiersOf(text: string, cutLeft: boolean, cutRight: boolean): { readonly word: string; readonly whole: boolean }[] {
  const found: { word: string; whole: boolean }[] = [];
  let depth = 0;
  for (const match of text.matchAll(/[A-Za-z_$][\w$]*|->|operator|./gsu)) {
    const [token] = match;
    if (/^[([{<]$/.test(token)) depth++;
    else if (/^[)\]}>]$/.test(token)) depth = Math.max(0, depth - 1);
    else if (depth === 0 && /^[A-Za-z_$]/.test(token)) {
      const whole = (!cutLeft || match.index > 0) && (!cutRight || match.index + token.length < text.length);
      found.push({ word: token, whole });
      // What follows names a type or a sign.
      if (token === "operator") break;
    }
  }
  return found;
}

/** Whether a word's spelling is in a symbol's. */
function spelling(word: string, whole: boolean): Filter {
  if (NOT_SPELT.has(word)) return all;
  const abbreviations = ABBREVIATED[word];
  if (whole && abbreviations !== undefined) return abbreviations.length === 0 ? all : (symbol) => abbreviations.some((text) => symbol.includes(text));
  if (!whole) {
    if ([...Object.keys(ABBREVIATED), ...NOT_SPELT].some((special) => special.includes(word) || word.includes(special))) return all;
    return (symbol) => symbol.includes(word);
  }
  const spelt = `${word.length}${word}`;
  // Rust sets an underscore before a name that begins with one.
  const separated = word.startsWith("_") ? `${word.length}_${word}` : undefined;
  return (symbol) => symbol.includes(spelt) || (separated !== undefined && symbol.includes(separated));
}

const NESTED = "^__?Z+N?[rVKRO]*(?:12_GLOBAL__N_1)?";

/**
 * How a C++ symbol begins whose name begins so, where no wildcard is in front: `std::string::` → `_ZN…Ss` or `_ZN…St12basic_string`.
 * Rust's older form is the same.
 */
function beginning(first: string): RegExp | undefined {
  const match = /^(std::)?([A-Za-z_]\w*)(?:::|<|\(|$)/.exec(first);
  if (match === null || NOT_SPELT.has(match[2] as string)) return undefined;
  const word = match[2] as string;
  if (match[1] === undefined) return word === "std" ? undefined : new RegExp(`${NESTED}L?${word.length}${word}`);
  const spelt = [
    `St(?:7__cxx11|3__1)?L?${word.length}${word}`,
    ...(ABBREVIATED[word] ?? []).map((text) => (text.startsWith("S") ? text : `St(?:7__cxx11|3__1)?${text}`)),
  ];
  // Rust has a crate of this name.
  return new RegExp(`${NESTED}(?:${[...spelt, `3std${word.length}${word}`].join("|")})`);
}

/** `operator<<` → ls. Rust has none. */
function operatorFilter(piece: string): Filter {
  const sign = /(?:^|[^\w$])operator(?: ?(new|delete)(\[\])?|("")|(\(\)|\[\]|[-+*/%^&|~!=<>,]+))?/.exec(piece);
  if (sign === null) return all;
  const text = sign[1] === undefined ? sign[4] : ` ${sign[1]}${sign[2] ?? ""}`;
  // With template arguments behind it, or a wildcard, it can't be told where it ends.
  const codes = sign[3] !== undefined ? ["li"] : [...OPERATORS].filter(([, [own]]) => text?.startsWith(own)).map(([code]) => code);
  return codes.length === 0 ? all : (symbol) => codes.some((code) => symbol.includes(code));
}

/** Which symbols may be of a name that has these pieces. Rust's newer form refers back to parts: only the last name is sure to be spelt. */
function filterOf(pieces: readonly string[]): Filter {
  const words = pieces.flatMap((piece, i) => identifiersOf(piece, i > 0, i < pieces.length - 1));
  const filters = [...words.map(({ word, whole }) => spelling(word, whole)), ...pieces.map(operatorFilter)].filter((filter) => filter !== all);
  const last = words.at(-1);
  const lastFilter = last === undefined ? all : spelling(last.word, last.whole);
  const first = pieces.length === 1 ? beginning(pieces[0] as string) : beginningOfPattern(pieces[0] as string);
  const rest = words.slice(0, -1).filter(({ word }) => !NOT_SPELT.has(word));
  return (symbol) => {
    if (symbol.startsWith("_R")) return lastFilter(symbol);
    if (first !== undefined && !first.test(symbol)) return false;
    // Rust's older form writes a type's arguments as parts of its name.
    if (symbol.includes("17h")) return lastFilter(symbol) && rest.every(({ word }) => symbol.includes(word));
    return filters.every((filter) => filter(symbol));
  };
}

/** Only what is complete in front of the first wildcard. */
function beginningOfPattern(piece: string): RegExp | undefined {
  const complete = piece.lastIndexOf("::");
  return complete < 0 ? undefined : beginning(piece.slice(0, complete + 2));
}

/** The functions that a linker's table has by mangled names that may fit. */
function* candidates(table: SymbolTable, filter: Filter): Iterable<{ readonly index: number; readonly forms: NameForms }> {
  for (const prefix of PREFIXES) {
    for (const index of table.functionsStarting(prefix)) {
      const symbol = table.name(index);
      if (!filter(symbol)) continue;
      const name = demangle(symbol);
      if (name !== undefined) yield { index, forms: formsOfDemangled(name) };
    }
  }
}

/** The functions of a demangled name: those that fit best. Indices into the table. */
export function findDemangled(table: SymbolTable, name: string): number[] {
  if (!/^[\w<({~:$\u0080-\uffff]/.test(name)) return [];
  const wanted = new WantedName(name);
  let best: Fit = 1;
  let found: number[] = [];
  for (const { index, forms } of candidates(table, filterOf([wanted.forms.path]))) {
    const fit = wanted.fit(forms);
    if (fit < best) continue;
    if (fit > best) found = [];
    best = fit;
    found.push(index);
  }
  return found;
}

/**
 * The functions whose demangled names a pattern matches. Without `(` it is the qualified name that is compared, without
 * `<` that without template arguments; without `::` it means functions of the global namespace alone.
 */
export function matchDemangled(table: SymbolTable, pattern: readonly string[]): number[] {
  const pieces = pattern.map(normalised);
  const text = pieces.join("*");
  if (text === "*") return [];
  const plain = text.replaceAll("(anonymous namespace)", "").replace(/operator(?:\(\)|<=>|<<=?|<=?|->\*?|>>=?|>=?)/g, "");
  const withParameters = plain.includes("(");
  const withArguments = plain.includes("<");
  const isGlobal = !text.includes("::") && !withParameters && !withArguments;
  const filter = isGlobal ? globalFilter(pieces) : filterOf(withParameters ? beforeParameters(pieces) : pieces);
  const found: number[] = [];
  for (const { index, forms } of candidates(table, filter)) {
    if (forms.made || (isGlobal && forms.bare.includes("::"))) continue;
    const path = withArguments ? forms.path : forms.bare;
    if (matchesPieces(pieces, withParameters ? `${path}${forms.parameters ?? ""}${forms.qualifiers}` : path)) found.push(index);
    else if (withParameters && matchesPieces(pieces, `${path}${forms.parameters ?? ""}`)) found.push(index);
  }
  return found;
}

/** `_Z5helloi`, `_ZL5helloi`: names that aren't nested. */
function globalFilter(pieces: readonly string[]): Filter {
  const first = /^\w*/.exec(pieces[0] as string)?.[0] ?? "";
  const start = first.startsWith("operator") ? /^_Z[a-z][A-Za-z]/ : new RegExp(`^_ZL?\\d+${first}`);
  return (symbol) => start.test(symbol);
}

/** Parameters spell types, some by abbreviations: only what is in front of them counts. */
function beforeParameters(pieces: readonly string[]): readonly string[] {
  const at = pieces.findIndex((piece) => piece.replaceAll("(anonymous namespace)", "").includes("("));
  if (at < 0) return pieces;
  const piece = pieces[at] as string;
  return [...pieces.slice(0, at), piece.slice(0, piece.lastIndexOf("(") < 0 ? piece.length : piece.indexOf("("))];
}
