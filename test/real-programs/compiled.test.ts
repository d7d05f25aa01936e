/** Programs in Rust and C++: names as their compilers write them. */
import { describe, expect, test } from "vitest";
import { classes, orders, strings } from "../fixtures/build.ts";
import { mapOf, traced, where } from "./support.ts";

const counted = async (script: string, path: string, n: number) => traced(["-e", script.replaceAll("BIN", path), "-c", `${path} ${n}`]);

describe("a C++ program", () => {
  test("has overloads told apart by their mangled names, and met together by a wildcard", async () => {
    const script = `const n = hash(func, count()), all = count(), args = stats();
      uprobe(["BIN:_ZNK4shop5Order5totalEl", "BIN:_ZNK4shop5Order5totalEd"], (c) => n.at(c.func).add());
      uprobe("BIN:_ZNK4shop5Order5total*", () => all.add());
      uprobe("BIN:_ZNK4shop5Order5totalEl", (c) => args.add(c.arg1));`;
    const outcome = await counted(script, classes(), 1500);
    expect(mapOf(outcome, "n")).toEqual({ "shop::Order::total(long) const": 1500, "shop::Order::total(double) const": 1500 });
    expect(mapOf(outcome, "all")).toBe(3000);
    expect(mapOf(outcome, "args")).toMatchObject({ count: 1500, min: 0, max: 1499, sum: (1499 * 1500) / 2 });
  });
  test("has the overloads of a name probed together, one of them by its parameters, and all of a class by a wildcard", async () => {
    const script = `const n = hash(func, count()), one = hash(func, count()), all = hash(func, count());
      uprobe("BIN:shop::Order::total", (c) => n.at(c.func).add());
      uprobe("BIN:shop::Order::total( long )", (c) => one.at(c.func).add());
      uprobe("BIN:shop::Order::*", (c) => all.at(c.func).add());`;
    const outcome = await counted(script, classes(), 1500);
    expect(mapOf(outcome, "n")).toEqual({ "shop::Order::total(long) const": 1500, "shop::Order::total(double) const": 1500 });
    expect(mapOf(outcome, "one")).toEqual({ "shop::Order::total(long) const": 1500 });
    expect(mapOf(outcome, "all")).toMatchObject({ "shop::Order::total(long) const": 1500, "shop::Order::total(double) const": 1500 });
  });
  test("that throws through a probed function has its entries counted exactly", async () => {
    expect(mapOf(await counted('const n = count(); uprobe("BIN:_ZN4shop14passes_throughEl", () => n.add());', classes(), 400), "n")).toBe(400);
  });
  test("whose returns are probed: it is told that an exception must not leave there", async () => {
    const { stderr } = await counted(
      'const n = count(); uprobe("BIN:_ZNK4shop5Order5totalEl", { enter: (c) => c.arg1, leave: (c, price) => c.ret === price * 7 && n.add() });',
      classes(),
      400,
    ).then((outcome) => {
      expect(mapOf(outcome, "n")).toBe(400);
      return outcome;
    });
    expect(stderr).toContain("C++ exception");
  });
  test("appends to std::string in libstdc++, as often as it says, with the bytes that it says", async () => {
    const append = "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcm";
    const script = `const n = count(), bytes = sum(), first = hash(cstring(4), count());
      uprobe("libstdc++:${append}", (c) => { n.add(); bytes.add(c.arg2); first.at(str(c.arg1, 4, 2)).add(); });`;
    const outcome = await counted(script, strings(), 2600);
    expect([mapOf(outcome, "n"), mapOf(outcome, "bytes")]).toEqual([2600, 5200]);
    const pieces = Array.from("abcdefghijklmnopqrstuvwxyz", (letter) => [`${letter}x`, 100]);
    expect(mapOf(outcome, "first")).toEqual(Object.fromEntries(pieces));
  });
});

describe.skipIf(where("rustc") === undefined)("a Rust program", () => {
  test("has a function with a plain name counted exactly, with its arguments and results", async () => {
    const script = `const a = stats(), results = sum();
      uprobe("BIN:rust_plain", { enter: (c) => { a.add(c.arg0); }, leave: (c) => results.add(c.ret) });`;
    const outcome = await counted(script, orders()!, 3000);
    expect(mapOf(outcome, "a")).toMatchObject({ count: 3000, min: 0, max: 2999 });
    expect(mapOf(outcome, "results")).toBe((3000 * 3001) / 2);
  });
  test("has one named by its path, without the hash", async () => {
    const outcome = await counted('const n = hash(func, count()); uprobe("BIN:orders::mangled", (c) => n.at(c.func).add());', orders()!, 1234);
    expect(mapOf(outcome, "n")).toEqual({ "orders::mangled": 1234 });
  });
  test("has mangled ones met by a wildcard", async () => {
    const outcome = await counted('const n = count(); uprobe("BIN:*orders7mangled*", () => n.add());', orders()!, 1234);
    expect(mapOf(outcome, "n")).toBe(1234);
  });
});
