import { describe, expect, test } from "vitest";
import { type Attributes, assemble, debugOf, FIRST, le, named, node, sleb, text, uleb } from "../../test/dwarf/assemble.ts";
import { DW_AT as A, DW_LANG, DW_UT, DW_FORM as F, DW_TAG as T } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { StructTable, typeOf } from "./types.ts";
import { isLost } from "./units.ts";

const unit = (attributes: Attributes, children: Parameters<typeof node>[2] = []) => node(T.compile_unit, attributes, children);
/** The first entry of a unit with one attribute. */
const withValue = (form: number, bytes: readonly number[], at: number = A.const_value, sections = {}): Entry => {
  const entry = debugOf({ ...assemble(unit([[at, form, bytes], named(A.producer, "end")])), ...sections }).units[0]!.root;
  // What stands behind is read right: the size was.
  expect(entry.text(A.producer)).toBe("end");
  return entry;
};

describe("values of each form", () => {
  test.each([
    ["data1", F.data1, [0xfe], 0xfen],
    ["data2", F.data2, le(0xfedc, 2), 0xfedcn],
    ["data4", F.data4, le(0xfedcba98, 4), 0xfedcba98n],
    ["data8", F.data8, le(-2n, 8), 2n ** 64n - 2n],
    ["udata", F.udata, uleb(2n ** 63n), 2n ** 63n],
    ["sdata", F.sdata, sleb(-300), -300n],
    ["implicit_const", F.implicit_const, sleb(-5), -5n],
    ["flag", F.flag, [1], 1n],
    ["flag_present", F.flag_present, [], 1n],
    ["sec_offset", F.sec_offset, le(77, 4), 77n],
    ["addr", F.addr, le(0x401000, 8), 0x401000n],
    ["indirect", F.indirect, [F.data2, 1, 2], 0x0201n],
  ])("%s is a number", (_, form, bytes, want) => {
    const entry = withValue(form, bytes);
    expect(entry.big(A.const_value)).toBe(want);
    expect(entry.number(A.const_value)).toBe(Number.isSafeInteger(Number(want)) ? Number(want) : undefined);
    expect(entry.text(A.const_value)).toBeUndefined();
  });

  test.each([
    ["block1", F.block1, [3, 7, 8, 9]],
    ["block2", F.block2, [...le(3, 2), 7, 8, 9]],
    ["block4", F.block4, [...le(3, 4), 7, 8, 9]],
    ["block", F.block, [0x83, 0x00, 7, 8, 9]],
    ["exprloc", F.exprloc, [3, 7, 8, 9]],
  ])("%s is bytes", (_, form, bytes) => {
    expect([...withValue(form, bytes).block(A.const_value)!]).toEqual([7, 8, 9]);
  });
  test("data16 is bytes", () => {
    const bytes = Array.from({ length: 16 }, (_, i) => i);
    expect([...withValue(F.data16, bytes).block(A.const_value)!]).toEqual(bytes);
  });

  const str = [...text("zero"), ...text("five")];
  test.each([
    ["string", F.string, text("five")],
    ["strp", F.strp, le(5, 4)],
    ["line_strp", F.line_strp, le(5, 4)],
    ["strx", F.strx, uleb(1)],
    ["strx1", F.strx1, [1]],
    ["strx2", F.strx2, le(1, 2)],
    ["strx3", F.strx3, le(1, 3)],
    ["strx4", F.strx4, le(1, 4)],
  ])("%s is text", (_, form, bytes) => {
    const sections = { str, line_str: str, str_offsets: [...le(12, 4), ...le(5, 2), 0, 0, ...le(0, 4), ...le(5, 4)] };
    expect(withValue(form, bytes, A.name, sections).name).toBe("five");
  });
  test("text and entries may be in another file", () => {
    const other = debugOf({ ...assemble(unit([named(A.name, "there")])), str });
    const debug = debugOf(
      assemble(
        unit([
          [A.name, F.GNU_strp_alt, le(5, 4)],
          [A.type, F.GNU_ref_alt, le(FIRST, 4)],
          [A.import, F.ref_sup4, le(FIRST, 4)],
        ]),
      ),
      { supplementary: other },
    );
    const { root } = debug.units[0]!;
    expect(root.name).toBe("five");
    expect(root.reference(A.type)?.name).toBe("there");
    expect(root.reference(A.import)?.key).toBe(other.units[0]!.root.key);
    expect(root.key).not.toBe(other.units[0]!.root.key);
  });

  test.each([
    ["addrx", F.addrx, uleb(1)],
    ["addrx1", F.addrx1, [1]],
    ["addrx2", F.addrx2, le(1, 2)],
    ["addrx3", F.addrx3, le(1, 3)],
    ["addrx4", F.addrx4, le(1, 4)],
  ])("%s is an address of the table", (_, form, bytes) => {
    const entry = withValue(form, bytes, A.low_pc, { addr: [...le(20, 4), ...le(5, 2), 8, 0, ...le(0x1000, 8), ...le(0x2000, 8)] });
    expect(entry.number(A.low_pc)).toBe(0x2000);
    expect(entry.form(A.low_pc)).toBe("address");
  });

  test("references lead to entries of the unit or of another", () => {
    const one = assemble(unit([named(A.name, "one")]));
    // "one" has an entry of 1 + 4 bytes and the end of its children.
    const second = one.info.length;
    for (const [form, bytes, name] of [
      [F.ref1, [FIRST], "two"],
      [F.ref2, le(FIRST, 2), "two"],
      [F.ref4, le(FIRST, 4), "two"],
      [F.ref8, le(FIRST, 8), "two"],
      [F.ref_udata, uleb(FIRST), "two"],
      [F.ref_addr, le(FIRST, 4), "one"],
      [F.ref_addr, le(second + FIRST, 4), "two"],
    ] as const) {
      const two = assemble(unit([named(A.name, "two"), [A.type, form, bytes]]));
      two.info.set(le(one.abbrev.length, 4), 8);
      const debug = debugOf({ info: [...one.info, ...two.info], abbrev: [...one.abbrev, ...two.abbrev] });
      expect(debug.units.map((each) => each.root.name)).toEqual(["one", "two"]);
      expect(debug.units[1]!.root.reference(A.type)?.name).toBe(name);
    }
  });
  test("a signature leads to the type of its unit", () => {
    const type = node(T.type_unit, [], [node(T.structure_type, [named(A.name, "typed")])]);
    // The type is behind the first entry, of one byte.
    const units = assemble(type, { kind: DW_UT.type, more: [...le(0x1122334455667788n, 8), ...le(FIRST + 12 + 1, 4)] });
    const user = assemble(unit([[A.type, F.ref_sig8, le(0x1122334455667788n, 8)]]));
    user.info.set(le(units.abbrev.length, 4), 8);
    const debug = debugOf({ info: [...units.info, ...user.info], abbrev: [...units.abbrev, ...user.abbrev] });
    expect(debug.units[1]!.root.reference(A.type)?.name).toBe("typed");
    expect(debug.typeUnit(1n)).toBeUndefined();
  });
});

describe("units", () => {
  test.each([2, 3, 4, 5])("version %i is read, in both formats", (version) => {
    for (const wide of [false, true]) {
      const debug = debugOf(assemble(unit([named(A.name, "a.c"), [A.language, F.data1, [DW_LANG.C99]], named(A.comp_dir, "/src")]), { version, wide }));
      expect(debug.units).toHaveLength(1);
      expect(debug.units[0]).toMatchObject({ version, name: "a.c", language: DW_LANG.C99, compDir: "/src", addressSize: 8 });
    }
  });
  test("one of another version or address size is left out", () => {
    const good = assemble(unit([named(A.name, "good")]));
    for (const options of [{ version: 6 }, { version: 1 }, { addressSize: 3 }]) {
      const bad = assemble(unit([]), options);
      expect(debugOf({ info: [...bad.info, ...good.info], abbrev: good.abbrev }).units.map((each) => each.name)).toEqual(["good"]);
    }
  });
  test("one that would end behind the section is left out", () => {
    const { info, abbrev } = assemble(unit([named(A.name, "whole")]));
    expect(debugOf({ info: [...info, ...info.subarray(0, info.length - 1)], abbrev }).units).toHaveLength(1);
    expect(debugOf({ info: le(0xffffffff, 4), abbrev }).units).toHaveLength(0);
  });
  test("a skeleton has the entries of its split unit", () => {
    const id = le(0xabcdn, 8);
    const whole = assemble(unit([named(A.name, "split.c")], [node(T.subprogram, [named(A.name, "f"), [A.low_pc, F.addrx, [0]], [A.high_pc, F.data1, [9]]])]), {
      kind: DW_UT.split_compile,
      more: id,
    });
    const skeleton = node(T.skeleton_unit, [named(A.dwo_name, "split.dwo"), named(A.comp_dir, "/there"), [A.addr_base, F.sec_offset, le(8, 4)]]);
    const asked: unknown[] = [];
    const debug = debugOf(
      { ...assemble(skeleton, { kind: DW_UT.skeleton, more: id }), addr: [...le(12, 4), ...le(5, 2), 8, 0, ...le(0x5000, 8)] },
      {
        split: (of) => {
          asked.push(of.dwoName, of.dwoId);
          return debugOf(whole).sections;
        },
      },
    );
    const [first] = debug.units;
    expect(first).toMatchObject({ name: "split.c", compDir: "/there", isSkeleton: true });
    const [f] = [...first!.root.children()];
    expect(f!.ranges()).toEqual([{ low: 0x5000, high: 0x5009 }]);
    expect(f!.unit.skeleton).toBe(first);
    expect(asked).toEqual(["split.dwo", 0xabcdn]);
  });
  test("a skeleton of which nothing is found has what it has itself", () => {
    const debug = debugOf(assemble(node(T.skeleton_unit, [named(A.dwo_name, "gone.dwo")]), { kind: DW_UT.skeleton, more: le(1, 8) }));
    expect(debug.units[0]).toMatchObject({ isSkeleton: true, dwoName: "gone.dwo", name: undefined });
  });
});

describe("trees", () => {
  const tree = unit(
    [named(A.name, "t")],
    [
      node(T.namespace, [named(A.name, "n")], [node(T.structure_type, [named(A.name, "s")], []), node(T.variable, [named(A.name, "v")])]),
      node(T.base_type, []),
    ],
  );
  test("children are those right below, and a parent has its children", () => {
    const { root } = debugOf(assemble(tree)).units[0]!;
    const [space, base] = [...root.children()];
    expect([space!.name, base!.tag]).toEqual(["n", T.base_type]);
    expect([...space!.children()].map((child) => child.name)).toEqual(["s", "v"]);
    for (const child of space!.children()) expect(child.parent()?.key).toBe(space!.key);
    expect(space!.parent()?.key).toBe(root.key);
    expect(root.parent()).toBeUndefined();
  });
  test("the parents in many small units are remembered: one function needs types of many", () => {
    const { info, abbrev } = assemble(tree);
    const debug = debugOf({ info: Array.from({ length: 100 }, () => [...info]).flat(), abbrev });
    const first = debug.units.map((each) => debug.parents(each));
    debug.units.forEach((each, i) => {
      expect(debug.parents(each)).toBe(first[i]);
    });
  });
  test("the parents in large units are remembered of those that were asked for last", () => {
    const leaves = Array.from({ length: 16 }, () => node(T.base_type, []));
    const { info, abbrev } = assemble(unit([], leaves));
    // Its entries again and again: half a million.
    const [header, root, many] = [[...info.subarray(4, FIRST)], info[FIRST]!, [...info.subarray(FIRST + 1, -1)]];
    const body = Buffer.concat([Buffer.from([...header, root]), ...Array.from({ length: 1 << 15 }, () => Buffer.from(many)), Buffer.from([0])]);
    const large = Buffer.concat([Buffer.from(le(body.length, 4)), body]);
    const debug = debugOf({ info: Buffer.concat(Array.from({ length: 4 }, () => large)), abbrev });
    const [a, b, c, d] = debug.units;
    const known = debug.parents(a!);
    expect(known.offsets.length).toBe((1 << 19) + 1);
    const other = debug.parents(b!);
    debug.parents(c!);
    expect(debug.parents(a!) === known).toBe(true);
    debug.parents(d!);
    expect(debug.parents(a!) === known).toBe(true);
    expect(debug.parents(b!) === other).toBe(false);
  });
  test("a name is taken from what is completed or copied", () => {
    // The declaration is behind the unit's own entry: one byte, "", and its own is 1 + 5 bytes.
    const at = FIRST + 1;
    const { root } = debugOf(
      assemble(
        unit(
          [],
          [
            node(T.subprogram, [named(A.name, "decl"), named(A.linkage_name, "_Zdecl")]),
            node(T.subprogram, [[A.specification, F.ref1, [at]]]),
            node(T.subprogram, [[A.abstract_origin, F.ref1, [at + 1 + 5 + 7]]]),
          ],
        ),
      ),
    ).units[0]!;
    expect([...root.children()].map((child) => [child.name, child.linkageName])).toEqual(Array(3).fill(["decl", "_Zdecl"]));
  });
});

describe("ranges", () => {
  const has = (attributes: Attributes, sections: Parameters<typeof debugOf>[0] = {}, version = 5) =>
    debugOf({ ...assemble(unit(attributes), { version }), ...sections }).units[0]!.root.ranges();
  const base: Attributes[number] = [A.low_pc, F.addr, le(0x1000, 8)];

  test("from low and high, which is an address or a size", () => {
    expect(has([base, [A.high_pc, F.data4, le(16, 4)]])).toEqual([{ low: 0x1000, high: 0x1010 }]);
    expect(has([base, [A.high_pc, F.addr, le(0x1010, 8)]])).toEqual([{ low: 0x1000, high: 0x1010 }]);
    expect(has([base])).toEqual([]);
    expect(has([base, [A.high_pc, F.data4, le(0, 4)]])).toEqual([]);
  });
  test("from each kind of entry of DWARF 5", () => {
    const rnglists = [
      ...[4, 1, 2],
      ...[5, ...le(0x8000, 8)],
      ...[4, 1, 2],
      ...[6, ...le(0x9000, 8), ...le(0x9001, 8)],
      ...[7, ...le(0xa000, 8), 5],
      ...[2, 0, 1],
      ...[3, 0, 3],
      ...[1, 1],
      ...[4, 0, 1],
      0,
    ];
    const addr = [...le(20, 4), ...le(5, 2), 8, 0, ...le(0xb000, 8), ...le(0xc000, 8)];
    const want = [
      { low: 0x1001, high: 0x1002 },
      { low: 0x8001, high: 0x8002 },
      { low: 0x9000, high: 0x9001 },
      { low: 0xa000, high: 0xa005 },
      { low: 0xb000, high: 0xc000 },
      { low: 0xb000, high: 0xb003 },
      { low: 0xc000, high: 0xc001 },
    ];
    expect(has([base, [A.ranges, F.sec_offset, le(0, 4)]], { rnglists, addr })).toEqual(want);
    const table = [...le(0, 4), ...le(5, 2), 8, 0, ...le(1, 4), ...le(4, 4), ...rnglists];
    expect(has([base, [A.ranges, F.rnglistx, [0]]], { rnglists: table, addr })).toEqual(want);
    expect(has([base, [A.ranges, F.rnglistx, [99]]], { rnglists: table, addr })).toEqual([]);
  });
  test("from the pairs of DWARF 4", () => {
    const pairs = (...values: (number | bigint)[]): number[] => values.flatMap((value) => le(value, 8));
    const ranges = pairs(1, 2, -1n, 0x8000, 1, 2, 5, 5, 0, 0, 9, 10);
    expect(has([base, [A.ranges, F.sec_offset, le(0, 4)]], { ranges }, 4)).toEqual([
      { low: 0x1001, high: 0x1002 },
      { low: 0x8001, high: 0x8002 },
    ]);
  });
});

describe("hostile entries", () => {
  test("a sibling that leads back is passed over", () => {
    const loop = node(T.namespace, [[A.sibling, F.ref4, le(FIRST, 4)], named(A.name, "n")], [node(T.base_type, [])]);
    const { root } = debugOf(assemble(unit([], [loop, node(T.variable, [])]))).units[0]!;
    expect([...root.children()].map((child) => child.tag)).toEqual([T.namespace, T.variable]);
  });
  test("entries that are copies of each other have no name", () => {
    const at = FIRST + 1;
    const { root } = debugOf(
      assemble(unit([], [node(T.subprogram, [[A.abstract_origin, F.ref1, [at + 2]]]), node(T.subprogram, [[A.specification, F.ref1, [at]]])])),
    ).units[0]!;
    expect([...root.children()].map((child) => child.name)).toEqual([undefined, undefined]);
  });
  test("an indirect form that names itself is no value", () => {
    const { root } = debugOf(assemble(unit([[A.name, F.indirect, Array(50).fill(F.indirect)]]))).units[0]!;
    expect(root.has(A.name)).toBe(false);
    expect([...root.children()]).toEqual([]);
  });
  test("a form that isn't known hides what is behind it, and nothing in front", () => {
    const { root } = debugOf(assemble(unit([named(A.name, "n"), [A.type, 0x7f, []], named(A.producer, "p")]))).units[0]!;
    expect([root.name, root.text(A.producer)]).toEqual(["n", undefined]);
  });
  test("values that would end behind the unit aren't there", () => {
    for (const [form, bytes] of [
      [F.block4, le(0xffffffff, 4)],
      [F.exprloc, uleb(2n ** 60n)],
      [F.data8, [1]],
      [F.string, [0x61, 0x61]],
    ] as const)
      expect(debugOf(assemble(node(T.compile_unit, [[A.const_value, form, bytes]]))).units[0]!.root.has(A.const_value)).toBe(false);
  });
  test("references out of the unit, into nothing and to unknown abbreviations lead nowhere", () => {
    for (const [form, bytes] of [
      [F.ref4, le(0xfffffff0, 4)],
      [F.ref1, [3]],
      [F.ref_addr, le(0x7fffffff, 4)],
      [F.ref8, le(-1n, 8)],
    ] as const)
      expect(debugOf(assemble(unit([[A.type, form, bytes]]))).units[0]!.root.reference(A.type)).toBeUndefined();
  });
  test("references into files that aren't there lead to an entry of which nothing is known, its type included", () => {
    for (const [form, bytes] of [
      [F.ref_sig8, le(1, 8)],
      [F.GNU_ref_alt, le(FIRST, 4)],
      [F.ref_sup8, le(-1n, 8)],
    ] as const) {
      const lost = debugOf(assemble(unit([[A.type, form, bytes]]))).units[0]!.root.reference(A.type)!;
      expect([isLost(lost), lost.tag, lost.name, lost.parent(), [...lost.children()]]).toEqual([true, T.unspecified_type, undefined, undefined, []]);
      expect(lost.reference(A.type)?.key).toBe(lost.key);
      expect(typeOf(lost, new StructTable())).toEqual({ k: "unknown", size: 0, what: "what the debug information doesn't say" });
    }
  });
  test("a unit without a first entry is unreadable", () => {
    const { info } = assemble(unit([]));
    expect(() => debugOf({ info, abbrev: [0] }).units[0]!.root).toThrow(expect.objectContaining({ code: "SONDE_DWARF_UNREADABLE" }));
  });
  test("tables of abbreviations that overlap are unreadable before they take long", () => {
    const abbrev = Uint8Array.from([...Array.from({ length: 20_000 }, (_, i) => [...uleb(i + 1), T.base_type, 0, 0, 0]).flat(), 0]);
    const { info } = assemble(unit([]));
    const units = Array.from({ length: 5_000 }, (_, i) => {
      const copy = info.slice();
      copy.set(le(i * 5, 4), 8);
      return [...copy];
    });
    const debug = debugOf({ info: units.flat(), abbrev });
    expect(() => debug.units.map((each) => each.own.tag)).toThrow(expect.objectContaining({ code: "SONDE_DWARF_UNREADABLE" }));
  });
  test("an abbreviation with more attributes than any has is read as far as that", () => {
    const many = Array.from({ length: 5_000 }, () => [A.artificial, F.flag_present, []] as const);
    const { root } = debugOf(assemble(unit([named(A.name, "n"), ...many, named(A.producer, "p")]))).units[0]!;
    expect([root.name, root.text(A.producer)]).toEqual(["n", undefined]);
  });
});
