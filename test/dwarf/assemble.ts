/** Writes debug information by hand: what no compiler writes, and what an attacker may. */
import { DW_FORM as F } from "../../src/dwarf/constants.ts";
import { type SectionName, sectionsInMemory } from "../../src/dwarf/sections.ts";
import { DebugInfo, type DebugInfoParts } from "../../src/dwarf/units.ts";

export function uleb(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; ) {
    const byte = Number(left & 0x7fn);
    left >>= 7n;
    bytes.push(left === 0n ? byte : byte | 0x80);
    if (left === 0n) return bytes;
  }
}

export function sleb(value: number | bigint): number[] {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; ) {
    const byte = Number(left & 0x7fn);
    left >>= 7n;
    const done = left === (byte & 0x40 ? -1n : 0n);
    bytes.push(done ? byte : byte | 0x80);
    if (done) return bytes;
  }
}

/** Little-endian, in `size` bytes. */
export const le = (value: number | bigint, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * i)) & 0xffn));
export const text = (value: string): number[] => [...Buffer.from(value), 0];

/** Attributes in their order: [attribute, form, bytes of the value]. */
export type Attributes = readonly (readonly [attribute: number, form: number, bytes: readonly number[]])[];
export interface Node {
  readonly tag: number;
  readonly attributes: Attributes;
  readonly children?: readonly Node[];
}
export const node = (tag: number, attributes: Attributes, children?: readonly Node[]): Node => ({ tag, attributes, ...(children && { children }) });
export const named = (attribute: number, name: string): Attributes[number] => [attribute, F.string, text(name)];

export interface UnitOptions {
  readonly version?: number;
  readonly wide?: boolean;
  readonly kind?: number;
  readonly addressSize?: number;
  /** What a header has behind the usual: an id, a signature and the place of the type. */
  readonly more?: readonly number[];
}

/** An abbreviation for each entry: the tables are long, and right. */
export function assemble(root: Node, options: UnitOptions = {}): { readonly info: Uint8Array; readonly abbrev: Uint8Array } {
  const { version = 5, wide = false, kind = 1, addressSize = 8, more = [] } = options;
  const offsetSize = wide ? 8 : 4;
  const abbrev: number[] = [];
  const entries: number[] = [];
  let code = 0;
  const write = ({ tag, attributes, children }: Node): void => {
    code++;
    abbrev.push(...uleb(code), ...uleb(tag), children ? 1 : 0);
    entries.push(...uleb(code));
    for (const [attribute, form, bytes] of attributes) {
      abbrev.push(...uleb(attribute), ...uleb(form));
      // Its value is in the table.
      (form === F.implicit_const ? abbrev : entries).push(...bytes);
    }
    abbrev.push(0, 0);
    if (!children) return;
    for (const child of children) write(child);
    entries.push(0);
  };
  write(root);
  abbrev.push(0);
  const header = version >= 5 ? [...le(version, 2), kind, addressSize, ...le(0, offsetSize)] : [...le(version, 2), ...le(0, offsetSize), addressSize];
  const body = [...header, ...more, ...entries];
  return { info: Uint8Array.from([...(wide ? le(0xffffffff, 4) : []), ...le(body.length, offsetSize), ...body]), abbrev: Uint8Array.from(abbrev) };
}

/** Where the first entry of a unit is. */
export const FIRST = 12;

export const debugOf = (
  sections: { readonly [name in SectionName]?: Uint8Array | readonly number[] },
  more: Omit<DebugInfoParts, "sections"> = {},
): DebugInfo =>
  new DebugInfo({
    sections: sectionsInMemory(Object.fromEntries(Object.entries(sections).map(([name, bytes]) => [name, Uint8Array.from(bytes)]))),
    ...more,
  });
