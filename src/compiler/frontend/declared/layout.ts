/** Where declared fields and arguments are, as C would put them (System V ABI §3.1.2); what is passed by value is passed by its address instead. */
import { integerRegisters } from "../../../schema/convention.ts";
import { type CField, type CPlace, type CStruct, type CType, type PlaceRegister, type RecordField, type Signature, sizeOf } from "../../../schema/ctypes.ts";

type Structs = { readonly [name: string]: CStruct };
type Declared = readonly { readonly name: string; readonly type: CType }[];

const up = (offset: number, align: number): number => Math.ceil(offset / align) * align;

/** Structures by name, laid out when all are known: they mention one another. */
export class StructLayouts {
  readonly #declared = new Map<string, { readonly fields: Declared; readonly isSlice: boolean } | undefined>();
  readonly #laid: { [name: string]: CStruct } = Object.create(null);
  readonly #aligns = new Map<string, number>();

  /** The name, or one like it if that is taken. */
  take(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#declared.has(name); n++) name = `${wanted}#${n}`;
    this.#declared.set(name, undefined);
    return name;
  }
  add(name: string, fields: Declared, isSlice: boolean): void {
    this.#declared.set(name, { fields, isSlice });
  }
  all(): Structs {
    for (const name of this.#declared.keys()) this.#lay(name);
    return this.#laid;
  }

  #lay(name: string): void {
    const declared = this.#declared.get(name);
    // A structure that is embedded in itself has no size: TypeScript accepts what C doesn't.
    if (declared === undefined || this.#aligns.has(name)) return;
    this.#aligns.set(name, 1);
    let end = 0;
    let most = 1;
    const fields = declared.fields.map((field): CField => {
      const align = this.#alignOf(field.type);
      const offset = up(end, align);
      end = offset + sizeOf(field.type, this.#laid);
      most = Math.max(most, align);
      return { ...field, offset };
    });
    this.#aligns.set(name, most);
    const slice = declared.isSlice ? sliceOf(declared.fields) : undefined;
    this.#laid[name] = { name, size: up(end, most), fields, ...(slice === undefined ? {} : { slice }) };
  }
  #alignOf(type: CType): number {
    if (type.k === "array") return this.#alignOf(type.of);
    if (type.k !== "struct") return Math.max(1, sizeOf(type, {}));
    this.#lay(type.name);
    return this.#aligns.get(type.name) ?? 1;
  }
}

function sliceOf(fields: Declared): CStruct["slice"] {
  const address = fields.find(({ type }) => type.k === "pointer")?.name;
  const length = fields.find(({ name, type }) => type.k === "int" && name.startsWith("len"))?.name;
  return address === undefined || length === undefined ? undefined : { address, length };
}

/** Return address and, from the seventh on, arguments. */
const WORD = 8;

/** Structures and arrays get a place: behind the address in their turn's register or word of the stack; of a result, in rax. */
export function byAddress({ params, ret, structs }: Signature): Signature {
  const isWhole = ({ k }: CType): boolean => k === "struct" || k === "array";
  let position = 0;
  const placed = params.map((param) => {
    if (param.type.k === "float") return param;
    const place = isWhole(param.type) ? { place: behindArgument(position) } : {};
    position++;
    return { ...param, ...place };
  });
  return { params: placed, ret, structs, ...(isWhole(ret) ? { retPlace: behind("rax") } : {}) };
}

const behind = (register: PlaceRegister): CPlace => ({ k: "memory", address: [{ op: "register", register, plus: 0n }] });

function behindArgument(position: number): CPlace {
  const registers = integerRegisters("c");
  const register = registers[position];
  if (register !== undefined) return behind(register);
  const plus = BigInt(WORD * (1 + position - registers.length));
  return {
    k: "memory",
    address: [
      { op: "register", register: "rsp", plus },
      { op: "read", size: 8 },
    ],
  };
}

/** A record's fields one behind the other; its texts stand behind it. The kernel's begin with 8 bytes that all have. */
export function recordFields(fields: readonly Pick<RecordField, "name" | "type">[], structs: Structs): RecordField[] {
  let end = 8;
  return fields.map(({ name, type }) => {
    const size = type === "text" ? 4 : sizeOf(type, structs);
    const offset = up(end, type === "text" || size === 0 ? 4 : Math.min(8, size & -size));
    end = offset + size;
    return { name, type, offset, size, elsewhere: type === "text" ? "start" : undefined };
  });
}
