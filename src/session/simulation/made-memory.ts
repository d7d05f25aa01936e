/** The memory of a process that isn't there: what made-up hits point to lies in it, everything else can't be read. */
import type { UserMemory } from "../../bpf/interpreter/environment.ts";
import { SondeError } from "../../errors/error.ts";
import { type CStruct, type CType, sizeOf } from "../../schema/ctypes.ts";

type Structs = { readonly [name: string]: CStruct };

/** Nothing is ever put there. */
export const UNREADABLE = 0x6660_0000_0000n;
const FIRST = 0x5550_0000_0000n;
const PAGE = 4096;

/** Of a value that was made up wrongly: where it stands in what was given ("args.node"), and why. */
export function wrongValue(where: string, why: string, mend?: string): SondeError {
  return new SondeError("SONDE_MADE_UP", `the made-up ${where} ${why}`, mend === undefined ? {} : { mend });
}

export class MadeMemory implements UserMemory {
  /** By the number of the page. */
  readonly #pages = new Map<bigint, Uint8Array>();
  #next = FIRST;

  /** Bytes at the start of a page of their own, with zeros behind them and an unreadable page behind those. */
  place(bytes: Uint8Array): bigint {
    const at = this.#next;
    this.put(at, bytes);
    this.#next += BigInt((Math.ceil(Math.max(1, bytes.length) / PAGE) + 1) * PAGE);
    return at;
  }
  text(value: string): bigint {
    return this.place(Buffer.from(`${value}\0`, "utf8"));
  }
  /** Bytes at an address: the pages that they lie in are readable from then on. */
  put(at: bigint, bytes: Uint8Array): void {
    for (let done = 0; done < Math.max(1, bytes.length); ) {
      const address = at + BigInt(done);
      const offset = Number(address % BigInt(PAGE));
      const number = address / BigInt(PAGE);
      const page = this.#pages.get(number) ?? new Uint8Array(PAGE);
      this.#pages.set(number, page);
      const part = bytes.subarray(done, done + PAGE - offset);
      page.set(part, offset);
      done += Math.max(1, part.length);
    }
  }
  read(address: bigint, length: number): Uint8Array | undefined {
    const found = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = address + BigInt(done);
      const page = this.#pages.get(at / BigInt(PAGE));
      if (page === undefined || at < 0n) return undefined;
      const offset = Number(at % BigInt(PAGE));
      const part = page.subarray(offset, offset + length - done);
      found.set(part, done);
      done += part.length;
    }
    return found;
  }

  /** A value of a type as the 64 bits that a register has of it; what it points to is put into memory. */
  word(value: unknown, type: CType, structs: Structs, where: string): bigint {
    const bytes = new Uint8Array(8);
    this.fill(bytes, 0, value, type, structs, where);
    const word = new DataView(bytes.buffer).getBigUint64(0, true);
    return type.k === "int" && type.name.startsWith("i") ? BigInt.asUintN(64, BigInt.asIntN(8 * sizeOf(type, structs), word)) : word;
  }

  /** A value as it lies in memory, at `at` of `into`. */
  fill(into: Uint8Array, at: number, value: unknown, type: CType, structs: Structs, where: string): void {
    if (value === undefined) return;
    const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
    const integer = (size: number, signed: boolean, number: bigint): void => {
      const bits = 8 * size;
      const fits = BigInt.asUintN(bits, number) === number || BigInt.asIntN(bits, number) === number;
      if (!fits) throw wrongValue(where, `doesn't fit into ${bits} bits: ${number}`);
      if (!signed && number < 0n) throw wrongValue(where, `is negative, and its type is unsigned: ${number}`);
      for (let i = 0; i < size; i++) view.setUint8(at + i, Number((BigInt.asUintN(bits, number) >> BigInt(8 * i)) & 0xffn));
    };
    switch (type.k) {
      case "int":
        integer(sizeOf(type, structs), type.name.startsWith("i"), integerOf(value, where));
        break;
      case "bool":
        if (typeof value !== "boolean") throw wrongValue(where, `is ${shown(value)}, and has to be true or false`);
        integer(1, false, value ? 1n : 0n);
        break;
      case "float":
        if (typeof value !== "number") throw wrongValue(where, `is ${shown(value)}, and has to be a number`);
        if (type.size === 4) view.setFloat32(at, value, true);
        else view.setFloat64(at, value, true);
        break;
      case "enum": {
        const named = type.names.find(([name]) => name === value);
        if (typeof value === "string" && named === undefined)
          throw wrongValue(where, `is ${shown(value)}, which isn't one of its names`, `They are: ${type.names.map(([name]) => name).join(", ")}.`);
        integer(type.size, type.signed, named === undefined ? integerOf(value, where) : named[1]);
        break;
      }
      case "pointer":
        view.setBigUint64(at, this.#pointer(value, type.to, structs, where), true);
        break;
      case "array":
        this.#array(into, at, value, type, structs, where);
        break;
      case "struct":
        this.#struct(into, at, value, type.name, structs, where);
        break;
      case "void":
        throw wrongValue(where, `is ${shown(value)}, and there is no value of its type`);
      case "unknown":
        throw wrongValue(where, `can't be made up: it is ${type.what}`);
    }
  }

  #pointer(value: unknown, to: CType | undefined, structs: Structs, where: string): bigint {
    if (typeof value === "string") {
      if (to !== undefined && !(to.k === "int" && sizeOf(to, structs) === 1)) throw wrongValue(where, "is a text, and what its pointer leads to isn't");
      return this.text(value);
    }
    if (value instanceof Uint8Array) return this.place(value);
    if (typeof value !== "object" || value === null) return BigInt.asUintN(64, integerOf(value, where));
    if (to === undefined || to.k === "void")
      throw wrongValue(where, "is an object, and what its pointer leads to isn't known", "Give an address, a text or a Uint8Array.");
    const bytes = new Uint8Array(Math.max(8, sizeOf(to, structs)));
    this.fill(bytes, 0, value, to, structs, where);
    return this.place(bytes);
  }

  #array(into: Uint8Array, at: number, value: unknown, { of, length }: Extract<CType, { k: "array" }>, structs: Structs, where: string): void {
    const size = sizeOf(of, structs);
    if (typeof value === "string") {
      const text = Buffer.from(value, "utf8");
      if (size !== 1) throw wrongValue(where, "is a text, and its elements aren't bytes");
      if (text.length > length) throw wrongValue(where, `has ${text.length} bytes, and its array ${length}`);
      into.set(text, at);
      return;
    }
    const items = value instanceof Uint8Array || Array.isArray(value) ? [...value] : undefined;
    if (items === undefined) throw wrongValue(where, `is ${shown(value)}, and has to be an array of numbers, or a text`);
    if (items.length > length) throw wrongValue(where, `has ${items.length} elements, and its array ${length}`);
    for (const [i, item] of items.entries()) this.fill(into, at + i * size, item, of, structs, `${where}[${i}]`);
  }

  #struct(into: Uint8Array, at: number, value: unknown, name: string, structs: Structs, where: string): void {
    const struct = structs[name];
    if (struct === undefined) throw wrongValue(where, `is of the structure ${name}, of which nothing is known`);
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrongValue(where, `is ${shown(value)}, and has to be an object with fields of ${name}`);
    for (const [field, inner] of Object.entries(value)) {
      const known = struct.fields.find((one) => one.name === field);
      if (known === undefined) throw wrongValue(`${where}.${field}`, `isn't a field of ${name}`, `It has ${struct.fields.map((one) => one.name).join(", ")}.`);
      if (known.bits !== undefined) bitField(into, at + known.offset, known.bits, integerOf(inner, `${where}.${field}`), `${where}.${field}`);
      else this.fill(into, at + known.offset, inner, known.type, structs, `${where}.${field}`);
    }
  }
}

function bitField(into: Uint8Array, at: number, bits: { readonly offset: number; readonly size: number }, value: bigint, where: string): void {
  if (BigInt.asUintN(bits.size, value) !== value && BigInt.asIntN(bits.size, value) !== value)
    throw wrongValue(where, `doesn't fit into ${bits.size} bits: ${value}`);
  for (let i = 0; i < bits.size; i++) {
    const bit = bits.offset + i;
    const mask = 1 << (bit % 8);
    const byte = at + Math.floor(bit / 8);
    into[byte] = (value >> BigInt(i)) & 1n ? into[byte]! | mask : into[byte]! & ~mask;
  }
}

export function integerOf(value: unknown, where: string): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw wrongValue(where, `is ${shown(value)}, and has to be a whole number`);
}

export const shown = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : typeof value === "object" ? "an object" : String(value));
