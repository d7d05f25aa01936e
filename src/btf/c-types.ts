/**
 * BTF's types as the target's types: what `sonde types kernel` declares, and what reading the kernel's structures goes by.
 *
 * Members of an anonymous structure or union are its parent's, as in C. One that has a member's name but no tag is called by
 * both: "task_struct.sched_info". Qualifiers, typedefs and tags are looked through.
 */
import type { CField, CStruct, CType } from "../schema/ctypes.ts";
import { Kind } from "./format.ts";
import type { BtfMember, BtfTypeTable } from "./type-table.ts";

/** Typedefs, qualifiers and pointers after each other: none in a kernel has nearly as many. */
const LONGEST_CHAIN = 64;
/** Anonymous structures in each other. */
const DEEPEST_NESTING = 16;
/** Members are visited so many times for each that there is: anonymous structures may be shared, but not without end. */
const VISITS = 8;
const LONGEST_NAME = 200;

const LOOKED_THROUGH: ReadonlySet<number> = new Set([Kind.typedef, Kind.volatile, Kind.const, Kind.restrict, Kind.typeTag]);
const C_TYPES: { readonly [text: string]: CType } = {
  void: { k: "void" },
  bool: { k: "bool" },
  _Bool: { k: "bool" },
  ...integers("u8", "char", "unsigned char"),
  ...integers("i8", "signed char"),
  ...integers("u16", "unsigned short", "short unsigned int", "unsigned short int"),
  ...integers("i16", "short", "short int"),
  ...integers("u32", "unsigned int", "unsigned"),
  ...integers("i32", "int", "signed", "signed int"),
  ...integers("u64", "unsigned long", "long unsigned int", "unsigned long int", "unsigned long long", "long long unsigned int"),
  ...integers("i64", "long", "long int", "long long", "long long int"),
};

function integers(name: Extract<CType, { k: "int" }>["name"], ...texts: readonly string[]): { [text: string]: CType } {
  return Object.fromEntries(texts.map((text) => [text, { k: "int", name }]));
}

/** Converts types, and keeps the structures that they lead to. */
export class BtfCTypes {
  /** By name: those that what was converted leads to, over as many pointers as wanted. */
  readonly structs: { [name: string]: CStruct } = Object.create(null);
  readonly #btf: BtfTypeTable;
  readonly #depth: number;
  readonly #names = new Map<number, string>();
  readonly #taken = new Set<string>();
  readonly #enums = new Map<string, CType>();
  /** The fewest pointers before each structure that was met. */
  readonly #hops = new Map<number, number>();
  /** Structures to convert, by the pointers before them. */
  #waiting: number[][] = [];
  readonly #mostVisits: number;
  #visits = 0;

  /** `depth`: how many pointers are followed. */
  constructor(btf: BtfTypeTable, depth = Infinity) {
    this.#btf = btf;
    this.#mostVisits = VISITS * btf.memberCount;
    this.#depth = depth;
  }

  /** A structure, union, enumeration or typedef by its name; undefined if there is none. */
  named(name: string): CType | undefined {
    return this.#find([Kind.struct, Kind.union, Kind.typedef, Kind.enum, Kind.enum64], name, 0);
  }

  /** A type as C writes it, without arrays: "struct mm_struct *", "const char *", "pid_t", "enum zone_type". */
  written(text: string): CType | undefined {
    const words = text.replace(/\b(?:const|volatile|restrict|__restrict|__user|__rcu|__iomem|__percpu)\b/g, " ");
    const stars = words.length - words.replaceAll("*", "").length;
    const base = words.replaceAll("*", " ").trim().split(/\s+/).join(" ");
    if (stars > LONGEST_CHAIN) return undefined;
    let type = this.#base(base, stars);
    for (let i = 0; i < stars; i++) type = { k: "pointer", to: type?.k === "void" ? undefined : type };
    return type;
  }

  #base(text: string, stars: number): CType | undefined {
    if (Object.hasOwn(C_TYPES, text)) return C_TYPES[text];
    const [, tag, name = text] = /^(struct|union|enum) (\w+)$/.exec(text) ?? [];
    if (tag === "struct") return this.#find([Kind.struct], name, stars);
    if (tag === "union") return this.#find([Kind.union], name, stars);
    return this.#find(tag === "enum" ? [Kind.enum, Kind.enum64] : [Kind.typedef], name, stars);
  }

  #find(kinds: readonly Parameters<BtfTypeTable["find"]>[0][], name: string, hops: number): CType | undefined {
    for (const kind of kinds) {
      const id = this.#btf.find(kind, name);
      if (id !== undefined) return this.#converted(id, hops);
    }
    return undefined;
  }

  /** With all that it leads to, breadth first: what is embedded comes to the end of the row that is gone through. */
  #converted(id: number, hops: number): CType {
    const type = this.#type(id, "", hops);
    for (let at = 0; at < this.#waiting.length; at++) for (const one of this.#waiting[at] ?? []) this.#convertStruct(one, at);
    this.#waiting = [];
    return type;
  }

  /** `path` is what an anonymous structure is called by. */
  #type(id: number, path: string, hops: number, chain = 0): CType {
    const btf = this.#btf;
    let called = path;
    let at = id;
    for (let kind = btf.kind(at); LOOKED_THROUGH.has(kind); kind = btf.kind(at)) {
      if (++chain > LONGEST_CHAIN) return { k: "unknown", size: 0, what: "a type that refers to itself" };
      if (kind === Kind.typedef) called = btf.name(at) || called;
      at = btf.refersTo(at);
    }
    switch (btf.kind(at)) {
      case Kind.int:
        return this.#integer(at);
      case Kind.ptr:
        return { k: "pointer", to: this.#pointee(btf.refersTo(at), path, hops + 1, chain + 1) };
      case Kind.array: {
        const { of, length } = btf.array(at);
        return chain >= LONGEST_CHAIN
          ? { k: "unknown", size: 0, what: "an array of itself" }
          : { k: "array", of: this.#type(of, path, hops, chain + 1), length };
      }
      case Kind.struct:
      case Kind.union:
        return { k: "struct", name: this.#struct(at, called, hops) };
      case Kind.fwd:
        return this.#forward(at, hops);
      case Kind.enum:
      case Kind.enum64:
        return this.#enumeration(at, called === path ? "" : called);
      case Kind.float: {
        const size = btf.size(at);
        return size === 4 || size === 8 ? { k: "float", size } : { k: "unknown", size, what: btf.name(at) };
      }
      default:
        return at === 0 ? { k: "void" } : { k: "unknown", size: 0, what: btf.name(at) || "a type that isn't one of data" };
    }
  }

  /** Undefined for void and functions. */
  #pointee(id: number, path: string, hops: number, chain: number): CType | undefined {
    if (chain > LONGEST_CHAIN) return undefined;
    const type = this.#type(id, path, hops, chain);
    return type.k === "void" || type.k === "unknown" ? undefined : type;
  }

  #integer(id: number): CType {
    const size = this.#btf.size(id);
    const { signed, bool } = this.#btf.integer(id);
    if (bool && size === 1) return { k: "bool" };
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return { k: "unknown", size, what: this.#btf.name(id) };
    const bits = (8 * size) as 8 | 16 | 32 | 64;
    return { k: "int", name: `${signed ? "i" : "u"}${bits}` };
  }

  #enumeration(id: number, typedef: string): CType {
    const name = this.#btf.name(id) || typedef;
    const size = this.#btf.size(id);
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return { k: "unknown", size, what: `enum ${name}` };
    const key = `${id} ${name}`;
    const type = this.#enums.get(key) ?? { k: "enum", ...(name === "" ? {} : { name }), size, ...this.#btf.enumerators(id) };
    this.#enums.set(key, type);
    return type;
  }

  /** What is only declared in one source file is defined in another. */
  #forward(id: number, hops: number): CType {
    const name = this.#btf.name(id);
    const whole = this.#btf.find(Kind.struct, name) ?? this.#btf.find(Kind.union, name);
    return { k: "struct", name: whole === undefined ? name : this.#struct(whole, name, hops) };
  }

  #struct(id: number, called: string, hops: number): string {
    let name = this.#names.get(id);
    if (name === undefined) {
      const wanted = (this.#btf.name(id) || called || "anonymous").slice(0, LONGEST_NAME);
      name = wanted;
      for (let n = 2; this.#taken.has(name); n++) name = `${wanted}#${n}`;
      this.#taken.add(name);
      this.#names.set(id, name);
    }
    const known = this.#hops.get(id);
    if (hops <= this.#depth && (known === undefined || (hops < known && this.#depth < Infinity))) {
      this.#hops.set(id, hops);
      this.#waiting[hops] ??= [];
      this.#waiting[hops].push(id);
    }
    return name;
  }

  #convertStruct(id: number, hops: number): void {
    const name = this.#names.get(id)!;
    const fields: CField[] = [];
    this.#addFields(id, name, 0, hops, 0, fields);
    this.structs[name] = { name, size: this.#btf.size(id), fields };
  }

  #addFields(id: number, path: string, base: number, hops: number, nesting: number, into: CField[]): void {
    for (const member of this.#btf.members(id)) {
      if (++this.#visits > this.#mostVisits) return;
      const inner = member.name === "" ? this.#anonymous(member.type) : undefined;
      if (inner !== undefined) {
        if (nesting < DEEPEST_NESTING) this.#addFields(inner, path, base + (member.bitOffset >>> 3), hops, nesting + 1, into);
      } else if (member.name !== "") {
        into.push(this.#field(member, path, base, hops));
      }
    }
  }

  /** The structure or union itself, where it has no tag. */
  #anonymous(id: number): number | undefined {
    let at = id;
    for (let n = 0; n < LONGEST_CHAIN && LOOKED_THROUGH.has(this.#btf.kind(at)); n++) at = this.#btf.refersTo(at);
    const kind = this.#btf.kind(at);
    return kind === Kind.struct || kind === Kind.union ? at : undefined;
  }

  #field({ name, type: id, bitOffset, bitSize }: BtfMember, path: string, base: number, hops: number): CField {
    const type = this.#type(id, `${path}.${name}`, hops);
    const size = type.k === "int" ? Number(type.name.slice(1)) / 8 : type.k === "enum" ? type.size : 1;
    if (bitSize === 0 && bitOffset % 8 === 0) return { name, offset: base + (bitOffset >>> 3), type };
    const width = 8 * size;
    // The storage unit that it lies in; packed, one that begins at its first byte.
    const aligned = bitOffset - (bitOffset % width);
    const from = bitOffset + bitSize <= aligned + width ? aligned : bitOffset - (bitOffset % 8);
    if (bitSize === 0 || bitOffset + bitSize > from + width) {
      return { name, offset: base + (bitOffset >>> 3), type: { k: "unknown", size: Math.ceil(bitSize / 8), what: "a bit-field over the end of its type" } };
    }
    return { name, offset: base + (from >>> 3), type, bits: { offset: bitOffset - from, size: bitSize } };
  }
}
