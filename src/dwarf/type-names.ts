/** Names of functions and types as people write them in the language of their program. */
import { DW_AT, DW_LANG, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { dimensions, isQualifier, MAX_CHAIN, typeAttribute } from "./types-strip.ts";
import type { DebugInfo, Unit } from "./units.ts";

/** Text of a type beyond which it ends in "…". */
const MAX_TEXT = 2_000;

const SCOPES: ReadonlySet<number> = new Set([
  DW_TAG.namespace,
  DW_TAG.structure_type,
  DW_TAG.class_type,
  DW_TAG.union_type,
  DW_TAG.interface_type,
  DW_TAG.enumeration_type,
  DW_TAG.module,
]);

/** What an instance of a function says of itself, then what it is an instance of, or was declared as. The first is the entry. */
export function* declarations(entry: Entry): Generator<Entry> {
  let one: Entry | undefined = entry;
  for (let steps = 0; one !== undefined && steps < 8; steps++) {
    yield one;
    one = one.reference(DW_AT.abstract_origin) ?? one.reference(DW_AT.specification);
  }
}

/** An attribute of a function, parameter or variable, or of what it was declared as. */
export function declared<T>(entry: Entry, of: (entry: Entry) => T | undefined): T | undefined {
  for (const one of declarations(entry)) {
    const value = of(one);
    if (value !== undefined) return value;
  }
  return undefined;
}

const languages = new WeakMap<Unit, number | undefined>();

/** DW_LANG_… of a unit, read once. */
export function languageOf(unit: Unit): number | undefined {
  if (!languages.has(unit)) languages.set(unit, unit.language);
  return languages.get(unit);
}

/** "namespace::class::method"; Go's and C's names are whole as they are. "" for what has none. */
export function qualifiedName(entry: Entry): string {
  const name = entry.name ?? typedefName(entry) ?? "";
  const language = languageOf(entry.unit);
  if (name === "" || language === DW_LANG.Go || isC(language)) return name;
  let declaration = entry;
  for (const one of declarations(entry)) declaration = one;
  const path = [name];
  let scope = declaration.parent();
  for (let steps = 0; scope !== undefined && steps < MAX_CHAIN; steps++, scope = scope.parent()) {
    // What stands in a class outside of its own name's place is declared elsewhere by reference.
    for (const one of declarations(scope)) scope = one;
    if (!SCOPES.has(scope.tag)) continue;
    if (scope.tag === DW_TAG.enumeration_type && scope.flag(DW_AT.enum_class) !== true) continue;
    path.unshift(scope.name ?? (scope.tag === DW_TAG.namespace ? "(anonymous namespace)" : "(anonymous)"));
  }
  return path.join("::");
}

/**
 * What a typedef calls a C++ structure that has no name itself: GCC points to the structure, not to the typedef, and has the name
 * mangled ("N6Window4SpanE", "4Span": Itanium C++ ABI §5.1.3) in the structure. Templates' aren't taken apart.
 */
function typedefName(entry: Entry): string | undefined {
  if (!KEYWORDS.has(entry.tag)) return undefined;
  const mangled = entry.text(DW_AT.linkage_name);
  if (mangled === undefined || mangled.length > MAX_TEXT) return undefined;
  const nested = mangled.startsWith("N");
  const end = nested ? mangled.length - 1 : mangled.length;
  if (nested && !mangled.endsWith("E")) return undefined;
  let last: string | undefined;
  for (let at = nested ? 1 : 0; at < end; ) {
    const digits = /^[1-9]\d{0,3}/.exec(mangled.slice(at, at + 4))?.[0];
    if (digits === undefined) return undefined;
    last = mangled.slice(at + digits.length, at + digits.length + Number(digits));
    at += digits.length + Number(digits);
    if (at > end) return undefined;
  }
  return last;
}

const C: ReadonlySet<number> = new Set([DW_LANG.C89, DW_LANG.C, DW_LANG.C99, DW_LANG.C11, DW_LANG.C17]);
export const isC = (language: number | undefined): boolean => language !== undefined && C.has(language);

/** A type in its language's writing: "const char *", "&str", "[]string". No type at all is void. */
export function typeName(entry: Entry | undefined, language: number | undefined = entry && languageOf(entry.unit)): string {
  return declare(entry, "", language);
}

/** A variable's declaration: "const char *file", "int (*compare)(const void *, const void *)"; "file: &str"; "file string". */
export function declare(type: Entry | undefined, name: string, language: number | undefined): string {
  if (language === DW_LANG.Rust) return name ? `${name}: ${plainName(type, language)}` : plainName(type, language);
  if (language === DW_LANG.Go) return name ? `${name} ${plainName(type, language)}` : plainName(type, language);
  return type === undefined ? beside("void", name) : around(type, language).replace(name === "" ? NOTHING : HERE, () => name);
}

/** Stands for what is declared, in the text of a type. */
const HERE = "\0";
const NOTHING = / ?\0/;
/** Texts of one file's types that are remembered. */
const REMEMBERED = 100_000;
const texts = new WeakMap<DebugInfo, Map<Entry["key"], string>>();

/** A type's text around what is declared: lists of functions ask for the same ones again and again. */
function around(type: Entry, language: number | undefined): string {
  const { debug } = type.unit;
  let known = texts.get(debug);
  if (known === undefined || known.size > REMEMBERED) {
    known = new Map();
    texts.set(debug, known);
  }
  let text = known.get(type.key);
  if (text === undefined) {
    text = declarator(type, HERE, language, 0);
    known.set(type.key, text);
  }
  return text;
}

/** Languages that write a type as one word: what has no name is shown by what it consists of. */
function plainName(type: Entry | undefined, language: number, depth = 0): string {
  if (type === undefined) return "()";
  if (type.name !== undefined) return language === DW_LANG.Rust ? qualifiedName(type) : type.name;
  const inner = depth > MAX_CHAIN ? "…" : plainName(typeAttribute(type), language, depth + 1);
  if (type.tag === DW_TAG.pointer_type) return `*${inner}`;
  if (type.tag === DW_TAG.array_type) {
    const [length] = dimensions(type);
    return language === DW_LANG.Rust ? `[${inner}; ${length ?? 0}]` : `[${length ?? 0}]${inner}`;
  }
  return isQualifier(type) ? inner : "?";
}

const KEYWORDS = new Map<number, string>([
  [DW_TAG.structure_type, "struct"],
  [DW_TAG.union_type, "union"],
  [DW_TAG.enumeration_type, "enum"],
  [DW_TAG.class_type, "class"],
]);
const QUALIFIERS = new Map<number, string>([
  [DW_TAG.const_type, "const"],
  [DW_TAG.volatile_type, "volatile"],
  [DW_TAG.restrict_type, "restrict"],
  [DW_TAG.atomic_type, "_Atomic"],
]);
const POINTERS = new Map<number, string>([
  [DW_TAG.pointer_type, "*"],
  [DW_TAG.reference_type, "&"],
  [DW_TAG.rvalue_reference_type, "&&"],
]);

/** How people write what GCC calls otherwise. */
const WRITTEN = new Map<string, string>([
  ["long int", "long"],
  ["long unsigned int", "unsigned long"],
  ["short int", "short"],
  ["short unsigned int", "unsigned short"],
  ["long long int", "long long"],
  ["long long unsigned int", "unsigned long long"],
]);

const beside = (left: string, right: string): string => (right === "" ? left : `${left} ${right}`);

/** C's way: a type stands around what is declared. */
function declarator(type: Entry | undefined, inner: string, language: number | undefined, depth: number): string {
  if (type === undefined) return beside("void", inner);
  if (depth > MAX_CHAIN || inner.length > MAX_TEXT) return beside("…", inner);
  const next = typeAttribute(type);
  const star = POINTERS.get(type.tag);
  if (star !== undefined) {
    const wraps = next !== undefined && (next.tag === DW_TAG.array_type || next.tag === DW_TAG.subroutine_type);
    return declarator(next, wraps ? `(${star}${inner})` : `${star}${inner}`, language, depth + 1);
  }
  const qualifier = QUALIFIERS.get(type.tag);
  if (qualifier !== undefined) {
    let under = next;
    for (let steps = 0; under !== undefined && QUALIFIERS.has(under.tag) && steps < 4; steps++) under = typeAttribute(under);
    const behind = under !== undefined && POINTERS.has(under.tag);
    return behind ? declarator(next, beside(qualifier, inner), language, depth + 1) : `${qualifier} ${declarator(next, inner, language, depth + 1)}`;
  }
  switch (type.tag) {
    case DW_TAG.array_type: {
      const sizes = dimensions(type).map((length) => (length === 0 ? "[]" : `[${length}]`));
      return declarator(next, `${inner}${sizes.join("") || "[]"}`, language, depth + 1);
    }
    case DW_TAG.subroutine_type:
      return declarator(next, `${inner}(${parameterTypes(type, language, depth + 1)})`, language, depth + 1);
    case DW_TAG.ptr_to_member_type: {
      const of = type.reference(DW_AT.containing_type);
      const member = `${of ? qualifiedName(of) : ""}::*${inner}`;
      return declarator(next, next?.tag === DW_TAG.subroutine_type || next?.tag === DW_TAG.array_type ? `(${member})` : member, language, depth + 1);
    }
  }
  const own = qualifiedName(type);
  const name = own === "" ? (type.tag === DW_TAG.unspecified_type ? "…" : "{…}") : (WRITTEN.get(own) ?? own);
  const keyword = isC(language) || own === "" ? KEYWORDS.get(type.tag) : undefined;
  return beside(keyword === undefined ? name : `${keyword} ${name}`, inner);
}

function parameterTypes(type: Entry, language: number | undefined, depth: number): string {
  const parts: string[] = [];
  for (const child of type.children()) {
    if (parts.length >= 64) break;
    // A method's pointer doesn't name its `this`.
    if (child.tag === DW_TAG.formal_parameter && !child.flag(DW_AT.artificial)) parts.push(declarator(typeAttribute(child), "", language, depth + 1));
    if (child.tag === DW_TAG.unspecified_parameters) parts.push("...");
  }
  return parts.length === 0 && isC(language) && type.flag(DW_AT.prototyped) ? "void" : parts.join(", ");
}
