/**
 * The structures that declarations need: those that parameters and results lead to, over as many pointers as wanted, each once.
 *
 * Signatures name their structures each for itself: two source files of a program may each have a `struct state` of their own.
 * Structures are one if they have the same name, size and fields, and lead to the same ones.
 */
import type { CStruct, CType } from "../../schema/ctypes.ts";
import { Identifiers, isTypeName } from "./identifiers.ts";

export type StructTable = { readonly [name: string]: CStruct };

export interface TypeRoot {
  readonly type: CType;
  readonly structs: StructTable;
}

/** A structure with what its fields' names mean. */
export interface FoundStruct {
  readonly struct: CStruct;
  readonly structs: StructTable;
}

export interface DeclaredStruct extends FoundStruct {
  readonly identifier: string;
}

export class Structures {
  /** Each once, by identifier. */
  readonly all: readonly DeclaredStruct[];
  readonly #identifiers = new Map<CStruct, string>();
  readonly #undefined = new Map<string, CStruct>();

  /** `depth`: how many pointers are followed from a root. */
  constructor(roots: readonly TypeRoot[], depth: number, identifiers: Identifiers = new Identifiers()) {
    const found = this.#reach(roots, depth);
    const classes = this.#classes(found);
    const first = new Map<number, FoundStruct>();
    for (const [i, one] of found.entries()) if (!first.has(classes[i]!)) first.set(classes[i]!, one);
    // Plain names first: they keep what they are called.
    const named = [...first].sort(([, a], [, b]) => Number(isTypeName(b.struct.name)) - Number(isTypeName(a.struct.name)));
    const names = new Map(named.map(([id, { struct }]) => [id, identifiers.take(struct.name)]));
    for (const [i, { struct }] of found.entries()) this.#identifiers.set(struct, names.get(classes[i]!)!);
    this.all = named.map(([id, one]) => ({ ...one, identifier: names.get(id)! })).sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
  }

  /** Undefined where the structure is behind more pointers than are followed. */
  identifierOf(name: string, structs: StructTable): string | undefined {
    return this.#identifiers.get(this.#lookUp(name, structs));
  }

  /** A structure that is only mentioned has no fields. */
  #lookUp(name: string, structs: StructTable): CStruct {
    const struct = Object.hasOwn(structs, name) ? structs[name] : undefined;
    if (struct !== undefined) return struct;
    const none = this.#undefined.get(name) ?? { name, size: 0, fields: [] };
    this.#undefined.set(name, none);
    return none;
  }

  /** Breadth first, so that each has the fewest pointers before it. */
  #reach(roots: readonly TypeRoot[], depth: number): FoundStruct[] {
    const found = new Map<CStruct, FoundStruct>();
    let level: TypeRoot[] = [...roots];
    for (let hops = 0; level.length > 0 && hops <= depth; hops++) {
      const next: TypeRoot[] = [];
      // What is embedded stands at the end of the level that is gone through.
      for (const { type, structs } of level) {
        if (type.k === "pointer") {
          if (type.to !== undefined) next.push({ type: type.to, structs });
        } else if (type.k === "array") level.push({ type: type.of, structs });
        else if (type.k === "struct") {
          const struct = this.#lookUp(type.name, structs);
          if (found.has(struct)) continue;
          found.set(struct, { struct, structs });
          for (const field of struct.fields) level.push({ type: field.type, structs });
        }
      }
      level = next;
    }
    return [...found.values()];
  }

  /** A number for each: the same for those that are one structure. Only where a name has several is it looked at what they lead to. */
  #classes(found: readonly FoundStruct[]): number[] {
    const shapes = new Numbers();
    const shape = found.map(({ struct }) => shapes.of(shapeOf(struct)));
    if (new Set(found.map(({ struct }) => struct.name)).size === shapes.size) return shape;
    const index = new Map(found.map(({ struct }, i) => [struct, i]));
    const leadsTo = found.map(({ struct, structs }) =>
      struct.fields.map(({ type }) => namedIn(type)).flatMap((name) => (name === undefined ? [] : [index.get(this.#lookUp(name, structs)) ?? -1])),
    );
    for (let classes = shape, count = shapes.size; ; ) {
      const finer = new Numbers();
      const next = found.map((_, i) => finer.of(`${classes[i]} ${leadsTo[i]!.map((to) => (to < 0 ? "-" : classes[to])).join(" ")}`));
      if (finer.size === count) return next;
      classes = next;
      count = finer.size;
    }
  }
}

const shapeOf = ({ name, size, fields }: CStruct): string =>
  JSON.stringify([name, size, fields], (_, value) => (typeof value === "bigint" ? `${value}n` : value));

function namedIn(type: CType): string | undefined {
  for (let at: CType | undefined = type; at !== undefined; at = at.k === "pointer" ? at.to : at.k === "array" ? at.of : undefined) {
    if (at.k === "struct") return at.name;
  }
  return undefined;
}

class Numbers {
  readonly #known = new Map<string, number>();
  of(key: string): number {
    const number = this.#known.get(key) ?? this.#known.size;
    this.#known.set(key, number);
    return number;
  }
  get size(): number {
    return this.#known.size;
  }
}
