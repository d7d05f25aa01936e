import { expect, test } from "vitest";
import { assemble, debugOf, FIRST, le, type Node, named, node } from "../../test/dwarf/assemble.ts";
import { DW_AT as A, DW_LANG, DW_FORM as F, DW_TAG as T } from "./constants.ts";
import { StructTable, typeOf } from "./types.ts";

const RED: Node = node(T.enumerator, [named(A.name, "RED"), [A.const_value, F.data1, [3]]]);
const enumeration = (...tag: string[]): Node => node(T.enumeration_type, [[A.byte_size, F.data1, [4]], ...tag.map((name) => named(A.name, name))], [RED]);
/** The name of the enumeration that the last entry of a unit is. */
function nameOf(language: number, ...children: readonly Node[]): string | undefined {
  const root = node(T.compile_unit, [[A.language, F.data1, [language]]], children);
  const [unit] = debugOf(assemble(root)).units;
  const type = typeOf([...unit!.root.children()].at(-1), new StructTable(), "the member that has it");
  expect(type).toMatchObject({ k: "enum", size: 4, names: [["RED", 3n]] });
  return type.k === "enum" ? type.name : undefined;
}

test("an enumeration has the name of its tag, else of the typedef that leads to it, else none", () => {
  const alias = node(T.typedef, [named(A.name, "color_t"), [A.type, F.ref4, le(FIRST + 2, 4)]]);
  expect(nameOf(DW_LANG.C11, enumeration("color"))).toBe("color");
  expect(nameOf(DW_LANG.C11, enumeration("color"), alias)).toBe("color");
  expect(nameOf(DW_LANG.C11, enumeration(), alias)).toBe("color_t");
  expect(nameOf(DW_LANG.C11, enumeration())).toBeUndefined();
});
