/** Types of debug information as sonde's own: DWARF 5 §5. Structures go into a table, each once, and refer to others by name. */
import type { CField, CStruct, CType } from "../schema/ctypes.ts";
import type { IntSchema } from "../schema/types.ts";
import { DW_AT, DW_ATE, DW_TAG } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { enumType } from "./enums.ts";
import { structOf } from "./structs.ts";
import { qualifiedName } from "./type-names.ts";
import { dimensions, MAX_CHAIN, stripped, typeAttribute } from "./types-strip.ts";

/** Structures of one table. */
const MAX_STRUCTS = 5_000;
/** Members that are looked at for one table: base classes and anonymous members count in each structure that they are in. */
const MAX_MEMBERS = 500_000;
/** Structures that lie in each other by value. */
const MAX_NESTED = 64;
/** Structures of one name and different shape that are told apart. */
const MAX_NAMESAKES = 50;

/** Finds the definition of a type that an entry only declares; undefined: the file has none. */
export type Definitions = (declaration: Entry) => Entry | undefined;

interface Known {
  readonly name: string;
  /** Undefined: `add()` made it. */
  readonly entry: Entry | undefined;
  readonly size: number;
  shape?: string;
}
type Taken = Known & { readonly entry: Entry };

/**
 * The structures that a signature or a set of variables mentions. `typeOf()` fills it, `structs()` converts what was
 * mentioned and what that mentions in turn, 5,000 at the most: a pointer to any beyond them is a `void *`.
 */
export class StructTable {
  readonly #definitions: Definitions;
  readonly #most: number;
  readonly #known = new Map<Entry["key"], Taken>();
  readonly #byName = new Map<string, Known>();
  /** By the name that the program gives them, before "~2" is added. */
  readonly #namesakes = new Map<string, Taken[]>();
  readonly #queue: Taken[] = [];
  readonly #done = new Map<string, CStruct>();
  readonly #made = new Map<string, CStruct>();
  #all: { readonly [name: string]: CStruct } | undefined;
  #settled = true;
  /** How many more members are looked at in all structures together. */
  left = MAX_MEMBERS;

  constructor(definitions: Definitions = () => undefined, most: number = MAX_STRUCTS) {
    this.#definitions = definitions;
    this.#most = most;
  }

  /** The entry itself, or what defines it; undefined: it is declared and never defined. */
  definition(entry: Entry): Entry | undefined {
    const by = entry.reference(DW_AT.signature);
    if (by !== undefined && !by.flag(DW_AT.declaration)) return by;
    return entry.flag(DW_AT.declaration) ? this.#definitions(entry) : entry;
  }

  /**
   * The name of a structure's entry in the table; undefined if the table is full.
   * @param called what it is called where it has no name of its own
   */
  take(entry: Entry, called: string | undefined): string | undefined {
    const known = this.#known.get(entry.key);
    if (known !== undefined) return known.name;
    const own = qualifiedName(entry);
    const base = own || called || "anonymous";
    const namesakes = this.#namesakes.get(base) ?? [];
    const same = namesakes.length === 0 || namesakes.length > MAX_NAMESAKES ? undefined : namesakeOf(entry, namesakes);
    if (same !== undefined) {
      this.#known.set(entry.key, same);
      return same.name;
    }
    if (this.#queue.length >= this.#most) {
      this.#settled = false;
      return undefined;
    }
    let name = base;
    for (let n = namesakes.length + 1; this.#byName.has(name); n++) name = `${base}~${n}`;
    if (name !== own && own !== "") this.#settled = false;
    const fresh: Taken = { name, entry, size: sizeOfEntry(entry) };
    this.#known.set(entry.key, fresh);
    this.#byName.set(name, fresh);
    namesakes.push(fresh);
    this.#namesakes.set(base, namesakes);
    this.#queue.push(fresh);
    return name;
  }

  /** Adds a structure that the program has no type for, and gives its name; undefined if the table is full. */
  add(called: string, size: number, fields: readonly CField[]): string | undefined {
    if (this.#byName.size >= this.#most) return undefined;
    let name = called;
    for (let n = 2; this.#byName.has(name); n++) name = `${called}~${n}`;
    this.#byName.set(name, { name, entry: undefined, size });
    this.#made.set(name, { name, size, fields });
    this.#all = undefined;
    return name;
  }

  /** Bytes of a type. */
  sizeOf(type: CType): number {
    switch (type.k) {
      case "void":
        return 0;
      case "int":
        return Number(type.name.slice(1)) / 8;
      case "bool":
        return 1;
      case "pointer":
        return 8;
      case "array":
        return type.length * this.sizeOf(type.of);
      case "struct":
        return this.#byName.get(type.name)?.size ?? 0;
      default:
        return type.size;
    }
  }

  /** Each structure has the name and the fields that it would have in a table of its own: no two are called the same, and there was room for all. */
  get settled(): boolean {
    return this.#settled && this.left >= 0;
  }

  /** Everything that was taken, converted. Of structures that contain themselves by value, which can't be, the inner one is unknown. */
  structs(): { readonly [name: string]: CStruct } {
    if (this.#all !== undefined && this.#done.size === this.#queue.length) return this.#all;
    for (let i = this.#done.size; i < this.#queue.length; i++) {
      const { name, entry } = this.#queue[i]!;
      this.#done.set(name, structOf(entry, name, this));
    }
    const depths = new Map<string, number>();
    for (const name of this.#done.keys()) this.#untangle(name, depths);
    this.#all = Object.fromEntries([...this.#done, ...this.#made]);
    return this.#all;
  }

  /** How deep structures lie in this one by value; those that make it too deep become unknown. */
  #untangle(name: string, depths: Map<string, number>): number {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const struct = this.#done.get(name)!;
    depths.set(name, Number.POSITIVE_INFINITY);
    let deepest = 0;
    const fields = struct.fields.map((field): CField => {
      let inner = field.type;
      while (inner.k === "array") inner = inner.of;
      if (inner.k !== "struct") return field;
      const depth = this.#untangle(inner.name, depths) + 1;
      if (depth <= MAX_NESTED) {
        deepest = Math.max(deepest, depth);
        return field;
      }
      return { ...field, type: { k: "unknown", size: this.sizeOf(field.type), what: `${inner.name}, nested too deep` } };
    });
    if (fields.some((field, i) => field !== struct.fields[i])) this.#done.set(name, { ...struct, fields });
    depths.set(name, deepest);
    return deepest;
  }
}

/** How large an entry says that it is; 0 if it doesn't. */
export const sizeOfEntry = (entry: Entry): number => entry.number(DW_AT.byte_size) ?? 0;

/** The structure of the same name that this one is, seen from another unit. */
function namesakeOf(entry: Entry, namesakes: readonly Taken[]): Taken | undefined {
  const own = shape(entry);
  return namesakes.find((one) => {
    one.shape ??= shape(one.entry);
    return one.shape === own;
  });
}

function shape(entry: Entry): string {
  const parts: unknown[] = [entry.tag, sizeOfEntry(entry)];
  for (const child of entry.children()) {
    if (child.tag !== DW_TAG.member && child.tag !== DW_TAG.inheritance) continue;
    const { type } = stripped(typeAttribute(child));
    parts.push(child.name, child.number(DW_AT.data_member_location), child.number(DW_AT.data_bit_offset), type?.tag, type?.name, type?.number(DW_AT.byte_size));
    if (parts.length > 600) break;
  }
  return parts.join("\0");
}

const unknown = (size: number, what: string): CType => ({ k: "unknown", size, what });

/** An integer of so many bytes; undefined if there is none. */
export function intType(size: number, signed: boolean): CType | undefined {
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return undefined;
  return { k: "int", name: `${signed ? "i" : "u"}${(8 * size) as 8 | 16 | 32 | 64}` satisfies IntSchema["name"] };
}

/** A base type, by its encoding and size (§5.1). C's `char` is a number. */
function baseType(entry: Entry): CType {
  const size = sizeOfEntry(entry);
  // Rust's () and !.
  if (size === 0) return { k: "void" };
  const odd = (): CType => unknown(size, entry.name ?? "a type without a name");
  switch (entry.number(DW_AT.encoding)) {
    case DW_ATE.boolean:
      return size === 1 ? { k: "bool" } : (intType(size, false) ?? odd());
    case DW_ATE.float:
      return size === 4 || size === 8 ? { k: "float", size } : odd();
    case DW_ATE.signed:
    case DW_ATE.signed_char:
      return intType(size, true) ?? odd();
    case DW_ATE.unsigned:
    case DW_ATE.unsigned_char:
    case DW_ATE.UTF:
    case DW_ATE.UCS:
    case DW_ATE.ASCII:
    case DW_ATE.address:
      return intType(size, false) ?? odd();
    default:
      return odd();
  }
}

/**
 * The type of an entry; undefined is void. What can't be represented, or isn't what DWARF allows, is unknown.
 * @param called what an anonymous structure is called if no typedef names it
 */
export function typeOf(entry: Entry | undefined, into: StructTable, called?: string): CType {
  return convert(entry, into, called, 0);
}

function convert(entry: Entry | undefined, into: StructTable, called: string | undefined, depth: number): CType {
  const { type, alias, cyclic } = stripped(entry);
  if (cyclic || depth > MAX_CHAIN) return unknown(0, "a type that refers to itself");
  if (type === undefined) return { k: "void" };
  const name = alias ?? called;
  switch (type.tag) {
    case DW_TAG.base_type:
      return baseType(type);
    case DW_TAG.pointer_type:
    case DW_TAG.reference_type:
    case DW_TAG.rvalue_reference_type: {
      const size = type.number(DW_AT.byte_size) ?? 8;
      return size === 8 ? { k: "pointer", to: target(typeAttribute(type), into, name, depth + 1) } : unknown(size, "a pointer of another size");
    }
    case DW_TAG.subroutine_type:
      return { k: "pointer", to: undefined };
    case DW_TAG.unspecified_type:
      return /nullptr/.test(type.name ?? "")
        ? { k: "pointer", to: undefined }
        : type.name === "void"
          ? { k: "void" }
          : unknown(0, type.name ?? "what the debug information doesn't say");
    case DW_TAG.ptr_to_member_type:
      return unknown(memberPointerSize(type), "a pointer to a member");
    case DW_TAG.enumeration_type: {
      const whole = into.definition(type);
      return (whole && enumType(whole, alias)) ?? unknown(sizeOfEntry(type), `enum ${type.name ?? ""}`.trim());
    }
    case DW_TAG.subrange_type: {
      const base = typeAttribute(type);
      return base === undefined ? (intType(sizeOfEntry(type) || 8, true) ?? unknown(sizeOfEntry(type), "a range")) : convert(base, into, name, depth + 1);
    }
    case DW_TAG.array_type: {
      const of = convert(typeAttribute(type), into, name, depth + 1);
      if (of.k === "void") return unknown(sizeOfEntry(type), "an array of nothing");
      if (of.k === "unknown" && of.size === 0) return unknown(sizeOfEntry(type), `an array of ${of.what}`);
      if (type.number(DW_AT.byte_stride) !== undefined || type.number(DW_AT.bit_stride) !== undefined) return unknown(sizeOfEntry(type), "an array with gaps");
      const array = dimensions(type).reduceRight<CType>((inner, length) => ({ k: "array", of: inner, length }), of);
      const size = into.sizeOf(array);
      return Number.isSafeInteger(size) ? (array.k === "array" ? array : { k: "array", of, length: 0 }) : unknown(0, "an array larger than memory");
    }
    case DW_TAG.structure_type:
    case DW_TAG.class_type:
    case DW_TAG.interface_type:
    case DW_TAG.union_type: {
      const whole = into.definition(type);
      if (whole === undefined) return unknown(0, `${type.name ?? "a structure"}, which the debug information only declares`);
      const taken = into.take(whole, name);
      return taken === undefined ? unknown(sizeOfEntry(whole), `${whole.name ?? "a structure"}, one of too many`) : { k: "struct", name: taken };
    }
    default:
      return unknown(sizeOfEntry(type), type.name ?? `a type of kind 0x${type.tag.toString(16)}`);
  }
}

/** A pointer to a function is a pair for members: Itanium C++ ABI §2.3. */
export const memberPointerSize = (entry: Entry): number =>
  entry.number(DW_AT.byte_size) ?? (stripped(typeAttribute(entry)).type?.tag === DW_TAG.subroutine_type ? 16 : 8);

/** What a pointer points to, undefined where that says nothing: functions, void, what is only declared. */
function target(entry: Entry | undefined, into: StructTable, called: string | undefined, depth: number): CType | undefined {
  if (stripped(entry).type?.tag === DW_TAG.subroutine_type) return undefined;
  const to = convert(entry, into, called, depth);
  return to.k === "void" || (to.k === "unknown" && to.size === 0) || (to.k === "unknown" && to.what.endsWith("one of too many")) ? undefined : to;
}
