/** A type of the target as TypeScript: the one place that says how each looks in declarations. */
import type { CType } from "../../schema/ctypes.ts";
import { Identifiers } from "./identifiers.ts";
import { type StructTable, Structures, type TypeRoot } from "./structures.ts";

type Enumeration = Extract<CType, { k: "enum" }>;

/** Unions up to this many characters stand where they are used, if the enumeration has no name. */
const SHORT_UNION = 60;

export class TypeWriter {
  readonly structures: Structures;
  /** Names of the module "sonde" that were written. */
  readonly used = new Set<string>();
  readonly #identifiers = new Identifiers();
  readonly #aliases = new Map<string, { readonly identifier: string; readonly type: Enumeration }>();

  constructor(roots: readonly TypeRoot[], depth: number) {
    this.structures = new Structures(roots, depth, this.#identifiers);
  }

  /** `structs` is what the type's names mean. */
  text(type: CType, structs: StructTable): string {
    switch (type.k) {
      case "void":
        return "void";
      case "unknown":
        return "unknown";
      case "bool":
        return this.#vocabulary("bool");
      case "int":
        return this.#vocabulary(type.name);
      case "float":
        return this.#vocabulary("f64");
      case "enum":
        return this.#enumeration(type);
      case "pointer":
        return this.#pointer(type.to, structs);
      case "array":
        return `${this.#vocabulary("CArray")}<${this.text(type.of, structs)}, ${type.length}>`;
      case "struct":
        return this.structures.identifierOf(type.name, structs) ?? "unknown";
    }
  }

  /** What a string or slice of such elements extends. */
  slice(element: CType, structs: StructTable): string {
    return `${this.#vocabulary("Slice")}<${this.text(element, structs)}>`;
  }

  /** The enumerations that were written by their names. */
  aliases(): { readonly identifier: string; readonly names: readonly string[] }[] {
    return [...this.#aliases.values()]
      .map(({ identifier, type }) => ({ identifier, names: literals(type) }))
      .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
  }

  #vocabulary(name: string): string {
    this.used.add(name);
    return name;
  }

  /** To nothing that is known, or to a structure behind more pointers than are followed: an address. */
  #pointer(to: CType | undefined, structs: StructTable): string {
    const nothing =
      to === undefined || to.k === "void" || to.k === "unknown" || (to.k === "struct" && this.structures.identifierOf(to.name, structs) === undefined);
    return nothing ? this.#vocabulary("Ptr") : `${this.#vocabulary("Ptr")}<${this.text(to, structs)}>`;
  }

  #enumeration(type: Enumeration): string {
    const names = literals(type);
    if (names.length === 0) return this.#vocabulary(`${type.signed ? "i" : "u"}${8 * type.size}`);
    const union = names.join(" | ");
    if (type.name === undefined && union.length <= SHORT_UNION) return union;
    const key = `${type.name ?? ""}=${union}`;
    let alias = this.#aliases.get(key);
    if (alias === undefined) {
      alias = { identifier: this.#identifiers.take(type.name ?? `enum_${commonStart(type)}`), type };
      this.#aliases.set(key, alias);
    }
    return alias.identifier;
  }
}

const literals = ({ names }: Enumeration): string[] => [...new Set(names.map(([name]) => JSON.stringify(name)))];

/** What an enumeration's names begin with, up to an underscore; else its first name. */
function commonStart({ names }: Enumeration): string {
  const [first = ""] = names[0] ?? [];
  let length = first.length;
  for (const [name] of names) while (!name.startsWith(first.slice(0, length))) length--;
  return first.slice(0, first.lastIndexOf("_", length)) || first;
}
