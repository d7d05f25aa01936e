import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Attributes, assemble, debugOf, FIRST, le, type Node, named, node, uleb } from "../../test/dwarf/assemble.ts";
import { DW_AT as A, DW_UT, DW_FORM as F, DW_TAG as T } from "./constants.ts";
import type { Entry } from "./entry.ts";
import { decodeIndex, encodeIndex, type FunctionIndex, indexFunctions } from "./index.ts";
import { sectionsInMemory } from "./sections.ts";
import { DebugInfo } from "./units.ts";

const unit = (...children: readonly Node[]): Node => node(T.compile_unit, [], children);
const code = (low: number, size: number): Attributes => [
  [A.low_pc, F.addr, le(low, 8)],
  [A.high_pc, F.data4, le(size, 4)],
];
const f = (name: string, low: number, children: readonly Node[] = [], more: Attributes = []): Node =>
  node(T.subprogram, [named(A.name, name), ...code(low, 16), ...more], children);
const parameter = (name: string): Node => node(T.formal_parameter, [named(A.name, name)]);
const indexOf = (root: Node): FunctionIndex => indexFunctions(debugOf(assemble(root)));
const names = (index: FunctionIndex): string[] => Array.from({ length: index.count }, (_, i) => index.name(i));
const parameters = (index: FunctionIndex, i: number): string[] => Array.from({ length: index.parameters(i) }, (_, j) => index.parameterName(i, j));
const only = (found: readonly number[]): number => {
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe("what an index has", () => {
  test("functions with code by name, by the linker's name and by address, with their parameters", () => {
    const debug = debugOf(
      assemble(
        unit(
          f("one", 0x1000, [parameter("a"), parameter("b"), node(T.unspecified_parameters, [])]),
          f("two", 0x3000, [node(T.variable, [named(A.name, "local")]), node(T.lexical_block, [], [parameter("no")])], [named(A.linkage_name, "_Z3twov")]),
          node(T.subprogram, [named(A.name, "declared")], [parameter("c")]),
        ),
      ),
    );
    const index = indexFunctions(debug);
    expect(names(index)).toEqual(["one", "two"]);
    const one = only(index.named("one"));
    const two = only(index.linked("_Z3twov"));
    expect([parameters(index, one), parameters(index, two)]).toEqual([["a", "b"], []]);
    expect([index.isVariadic(one), index.isVariadic(two)]).toEqual([true, false]);
    expect([index.low(one), index.low(two), index.linkageName(one)]).toEqual([0x1000, 0x3000, undefined]);
    expect([0xfff, 0x1000, 0x100f, 0x1010, 0x3008].map((address) => index.at(address))).toEqual([undefined, one, one, undefined, two]);
    expect(index.ranges(two)).toEqual([{ low: 0x3000, high: 0x3010 }]);
    expect(index.entry(debug, two)?.name).toBe("two");
    expect([...index.named("declared"), ...index.named(""), ...index.linked("one")]).toEqual([]);
  });

  test("functions are found in namespaces, classes and functions, and say where they are declared", () => {
    const index = indexOf(
      unit(
        node(T.namespace, [named(A.name, "n")], [f("plain", 0x1000), node(T.namespace, [], [node(T.class_type, [named(A.name, "C")], [f("method", 0x2000)])])]),
        f("outer", 0x3000, [node(T.structure_type, [named(A.name, "local")], [f("inner", 0x4000)]), parameter("late")]),
      ),
    );
    expect(Array.from({ length: index.count }, (_, i) => [index.scope(i), index.name(i)])).toEqual([
      ["n", "plain"],
      ["n::(anonymous namespace)::C", "method"],
      [undefined, "outer"],
      ["local", "inner"],
    ]);
    expect(parameters(index, only(index.named("outer")))).toEqual(["late"]);
  });

  test("a definition elsewhere has the name, the surroundings and the parameters of its declaration", () => {
    // The declaration is in a class that is passed over: it has a sibling, and so has the class inside of it.
    const declaration = node(T.subprogram, [named(A.name, "run"), named(A.linkage_name, "_Zrun")]);
    const width = 1 + 4 + 6;
    const inner = FIRST + 1 + 1 + 4 + 2;
    const declared = inner + 1 + 4 + 2;
    const behind = declared + width + 1 + 1;
    const index = indexOf(
      unit(
        node(
          T.class_type,
          [[A.sibling, F.ref4, le(behind, 4)], named(A.name, "A")],
          [node(T.class_type, [[A.sibling, F.ref4, le(behind - 1, 4)], named(A.name, "B")], [declaration])],
        ),
        node(T.subprogram, [[A.specification, F.ref4, le(declared, 4)], ...code(0x1000, 4)], [parameter("x")]),
      ),
    );
    expect([names(index), index.scope(0), index.linkageName(0), parameters(index, 0)]).toEqual([["run"], "A::B", "_Zrun", ["x"]]);
  });

  test("an inlined function has a row with its copies, to which its copy with code leads", () => {
    const origin = FIRST + 1;
    // Copies by low_pc, by entry_pc, and one of which nothing is left.
    const copy = (...attributes: Attributes): Node =>
      node(T.inlined_subroutine, [[A.abstract_origin, F.ref4, le(origin, 4)], ...attributes], [parameter("no")]);
    const index = indexOf(
      unit(
        node(T.subprogram, [named(A.name, "small"), [A.inline, F.data1, [3]]], [parameter("p")]),
        f("user", 0x1000, [
          copy(...code(0x1004, 4)),
          node(T.lexical_block, [], [copy(...code(0x1008, 4), [A.entry_pc, F.addr, le(0x100a, 8)])]),
          copy(...code(0x100c, 4), [A.entry_pc, F.data1, [2]]),
          copy(...code(0x100f, 0)),
        ]),
        node(
          T.subprogram,
          [[A.abstract_origin, F.ref4, le(origin, 4)], ...code(0x2000, 4)],
          [node(T.formal_parameter, [[A.abstract_origin, F.ref4, le(origin + 8, 4)]])],
        ),
      ),
    );
    const [own, shared] = [...index.named("small")].sort((a, b) => (index.low(b) ?? 0) - (index.low(a) ?? 0));
    expect([index.low(own!), index.low(shared!), index.origin(own!)]).toEqual([0x2000, undefined, shared]);
    expect([...index.inlined(shared!)]).toEqual([0x1004, 0x100a, 0x100e]);
    expect([parameters(index, shared!), parameters(index, own!), parameters(index, only(index.named("user")))]).toEqual([["p"], ["p"], []]);
    expect([...index.inlined(own!)]).toEqual([]);
  });

  test("what the linker has left out isn't there, nor what is inlined in it", () => {
    const index = indexOf(
      unit(
        node(T.subprogram, [named(A.name, "small")]),
        f("gone", 0, [node(T.inlined_subroutine, [[A.abstract_origin, F.ref4, le(FIRST + 1, 4)], ...code(8, 4)])]),
        node(T.subprogram, [named(A.name, "gone too"), [A.low_pc, F.addr, le(-1n, 8)], [A.high_pc, F.data1, [4]]]),
        f("here", 0x1000),
      ),
    );
    expect(names(index)).toEqual(["here"]);
  });

  test("of code in several ranges each leads to the function, which begins at the first", () => {
    const rnglists = [7, ...le(0x2000, 8), 16, 7, ...le(0x1000, 8), 16, 0];
    const index = indexFunctions(debugOf({ ...assemble(unit(node(T.subprogram, [named(A.name, "split"), [A.ranges, F.sec_offset, le(0, 4)]]))), rnglists }));
    expect([index.low(0), index.at(0x1008), index.at(0x2008)]).toEqual([0x2000, 0, 0]);
  });
});

describe("of a unit that is in another file", () => {
  const ID = le(7, 8);
  const SIGNATURE = le(77, 8);
  /** As clang writes skeletons with what is inlined: an entry is where the split unit has another. */
  const skeleton = assemble(unit(f("shadow", 0x1000, [parameter("s")])), { kind: DW_UT.skeleton, more: ID });
  const parts = assemble(
    unit(
      f("real", 0x1000, [
        node(T.formal_parameter, [named(A.name, "p"), [A.type, F.ref4, le(FIRST + 8 + 1 + (1 + 5 + 12) + (1 + 2 + 4) + (1 + 2 + 8) + 1, 4)]]),
        node(T.formal_parameter, [named(A.name, "q"), [A.type, F.ref_sig8, SIGNATURE]]),
      ]),
      node(T.base_type, [named(A.name, "number")]),
    ),
    { kind: DW_UT.split_compile, more: ID },
  );
  const types = assemble(node(T.type_unit, [], [node(T.structure_type, [named(A.name, "pair")])]), {
    kind: DW_UT.type,
    more: [...SIGNATURE, ...le(FIRST + 12 + 1, 4)],
  });
  class WithTypes extends DebugInfo {
    readonly #types = debugOf(types);
    override typeUnit(signature: bigint): Entry | undefined {
      return super.typeUnit(signature) ?? this.#types.typeUnit(signature);
    }
  }
  const whole = new WithTypes({ sections: sectionsInMemory(skeleton), split: () => sectionsInMemory(parts) });
  const lost = new WithTypes({ sections: sectionsInMemory(skeleton) });
  const typesOf = (debug: DebugInfo, index: FunctionIndex): (string | undefined)[] => [0, 1].map((j) => index.parameterType(debug, 0, j)?.name);

  test("entries and types are found, those of types in a third file too", () => {
    const index = indexFunctions(whole);
    expect([names(index), index.entry(whole, 0)?.name, typesOf(whole, index)]).toEqual([["real"], "real", ["number", "pair"]]);
  });
  test("nothing is found where that file is gone: not what lies there in the skeleton", () => {
    const index = decodeIndex(encodeIndex(indexFunctions(whole)))!;
    expect([index.entry(lost, 0), ...typesOf(lost, index)]).toEqual([undefined, undefined, undefined]);
  });
  test("what the skeleton has itself is found where that file is back", () => {
    const index = indexFunctions(lost);
    expect([names(index), index.entry(lost, 0)?.name, index.entry(whole, 0)?.name]).toEqual([["shadow"], "shadow", "shadow"]);
  });
});

describe("hostile entries", { timeout: 60_000 }, () => {
  const timed = (run: () => unknown): void => {
    const before = process.cpuUsage();
    try {
      run();
    } catch (error) {
      expect((error as { readonly code: string }).code).toBe("SONDE_DWARF_UNREADABLE");
    }
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(5);
  };
  /** Entries of one or two bytes by abbreviations made by hand. */
  const raw = (abbrev: readonly number[], entries: Uint8Array, more = {}): FunctionIndex => {
    const header = [...le(entries.length + 8, 4), ...le(5, 2), 1, 8, ...le(0, 4)];
    const info = new Uint8Array(header.length + entries.length);
    info.set(header);
    info.set(entries, header.length);
    return indexFunctions(debugOf({ info, abbrev: Uint8Array.from(abbrev), ...more }));
  };

  test("entries nested a million deep", () => {
    timed(() => raw([1, T.namespace, 1, 0, 0, 0], new Uint8Array(1_000_000).fill(1)));
    timed(() => raw([1, T.subprogram, 1, 0, 0, 0], new Uint8Array(1_000_000).fill(1)));
    timed(() => raw([1, T.array_type, 1, 0, 0, 0], new Uint8Array(1_000_000).fill(1)));
  });
  test("functions that are copies of each other", () => {
    timed(() => {
      const copies = Array.from({ length: 2 }, (_, i) =>
        node(T.subprogram, [[A.abstract_origin, F.ref4, le(FIRST + 1 + 17 * (1 - i), 4)], ...code(0x1000, 4)]),
      );
      const index = indexOf(unit(...copies));
      expect(names(index)).toEqual(["", ""]);
    });
  });
  test("siblings that lead back, to themselves and out", () => {
    for (const to of [0, FIRST, FIRST + 1, 0xffffffff]) {
      const tags = [T.namespace, T.structure_type, T.subprogram, T.array_type, T.call_site];
      const index = indexOf(unit(...tags.map((tag) => node(tag, [[A.sibling, F.ref4, le(to, 4)]], [node(T.base_type, [])])), f("last", 0x1000)));
      expect(names(index)).toEqual(["last"]);
    }
  });
  test("names that overlap without end", () => {
    // 40,000 functions with names that begin one byte after the other in a text of a megabyte.
    const str = new Uint8Array(1 << 20).fill(0x61);
    const count = 40_000;
    const entries = new Uint8Array(1 + count * 13);
    entries[0] = 1;
    for (let i = 0; i < count; i++) entries.set([2, ...le(i, 4), ...le(0x1000 + i, 8)], 1 + i * 13);
    timed(() => raw([1, T.compile_unit, 1, 0, 0, 2, T.subprogram, 0, A.name, F.strp, A.low_pc, F.addr, 0, 0, 0], entries, { str }));
  });
  test("parameters that all refer to an entry which is long to read", () => {
    const count = 50_000;
    const long = [3, ...new Uint8Array(1 << 20).fill(0x61), 0];
    const function_ = [2, ...le(0x1000, 8)];
    const entries = new Uint8Array(1 + long.length + function_.length + count * 5);
    entries.set([1, ...long, ...function_]);
    for (let i = 0; i < count; i++) entries.set([4, ...le(FIRST + 1, 4)], 1 + long.length + function_.length + i * 5);
    const abbrev = [
      ...[1, T.compile_unit, 1, 0, 0],
      ...[2, T.subprogram, 1, A.low_pc, F.addr, 0, 0],
      ...[3, T.base_type, 0, A.description, F.string, A.name, F.string, 0, 0],
      ...[4, T.formal_parameter, 0, A.abstract_origin, F.ref4, 0, 0],
      0,
    ];
    timed(() => raw(abbrev, entries));
  });
  test("functions that all have the longest list of ranges", () => {
    const rnglists = new Uint8Array(300_000 * 3).map((_, i) => (i % 3 === 0 ? 4 : 0));
    const count = 100_000;
    const entries = new Uint8Array(1 + count * 5);
    entries[0] = 1;
    for (let i = 0; i < count; i++) entries.set([2, ...le(0, 4)], 1 + i * 5);
    timed(() => raw([1, T.compile_unit, 1, 0, 0, 2, T.subprogram, 0, A.ranges, F.sec_offset, 0, 0, 0], entries, { rnglists }));
  });
  test("attributes that have no bytes", () => {
    const none = Array.from({ length: 900 }, () => [...uleb(A.artificial), F.flag_present]).flat();
    const entries = new Uint8Array(2_000_000).fill(2);
    entries[0] = 1;
    timed(() => raw([1, T.compile_unit, 1, 0, 0, 2, T.subprogram, 0, ...none, A.low_pc, F.flag_present, 0, 0, 0], entries));
  });
});

describe("as bytes", () => {
  const index = indexOf(
    unit(
      f("one", 0x1000, [parameter("a")], [named(A.linkage_name, "_Zone")]),
      f("zwölf", 0x2000, [node(T.inlined_subroutine, [[A.abstract_origin, F.ref4, le(FIRST + 1, 4)], ...code(0x2004, 4)])]),
    ),
  );
  const all = (from: FunctionIndex) =>
    Array.from({ length: from.count }, (_, i) => [
      from.name(i),
      from.linkageName(i),
      from.scope(i),
      from.low(i),
      parameters(from, i),
      [...from.inlined(i)],
      from.ranges(i),
      from.origin(i),
      from.named(from.name(i)),
      from.at(from.low(i) ?? 0),
    ]);

  test("an index is the same when it was encoded and decoded", () => {
    const bytes = encodeIndex(index);
    expect(all(decodeIndex(bytes)!)).toEqual(all(index));
    // As bytes that a file gives: anywhere.
    const moved = new Uint8Array(bytes.length + 3);
    moved.set(bytes, 3);
    expect(all(decodeIndex(moved.subarray(3))!)).toEqual(all(index));
  });
  test("bytes that aren't whole are no index", () => {
    const bytes = encodeIndex(index);
    for (const length of [0, 8, 100, bytes.length - 1]) expect(decodeIndex(bytes.subarray(0, length))).toBeUndefined();
    const other = bytes.slice();
    other[8]!++;
    expect(decodeIndex(other)).toBeUndefined();
  });
  test("changed bytes are no index, or one that can be read", () => {
    const bytes = encodeIndex(index);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 30 }), (changes) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at] = value;
        const decoded = decodeIndex(changed);
        if (decoded !== undefined && decoded.count < 100) all(decoded);
      }),
    );
  });
});
