/** Functions of C++ and Rust programs, found by the names that their programmers gave them. */
import { describe, expect, test } from "vitest";
import { SondeError } from "../../src/errors/error.ts";
import { resolveTarget } from "../../src/symbols/resolve.ts";
import { names, namesInRust } from "../fixtures/build.ts";
import { where } from "../real-programs/support.ts";

const found = (path: string, name: string): string[] => {
  const { sites } = resolveTarget(`${path}:${name}`, { mode: "entry" });
  return sites.map((site) => site.name).sort();
};
const errorOf = (path: string, name: string): SondeError => {
  try {
    found(path, name);
  } catch (error) {
    if (error instanceof SondeError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("a C++ program", () => {
  const path = names();
  const prices = [
    "shop::price(char const*, unsigned long)",
    "shop::price(int)",
    "shop::price(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > const&)",
  ];

  test.each<readonly [string, readonly string[]]>([
    ["shop::price", prices],
    ["shop::price(int)", [prices[1]!]],
    ["shop::price( const char* , unsigned long )", [prices[0]!]],
    ["shop::price(const std::string&)", [prices[2]!]],
    ["shop::price*", prices],
    ["shop::Money::Money", ["shop::Money::Money(long)"]],
    ["shop::Money::~Money", ["shop::Money::~Money()"]],
    ["shop::Money::operator+", ["shop::Money::operator+(shop::Money const&) const"]],
    ["shop::Money::operator<", ["shop::Money::operator<(shop::Money const&) const"]],
    ["shop::Money::operator()", ["shop::Money::operator()(int) const"]],
    ["shop::Money::operator()(int)", ["shop::Money::operator()(int) const"]],
    ["shop::Money::operator bool", ["shop::Money::operator bool() const"]],
    ["shop::Stack<int>::push", ["shop::Stack<int>::push(int const&)"]],
    ["shop::Stack::push", ["shop::Stack<double>::push(double const&)", "shop::Stack<int>::push(int const&)"]],
    ["shop::Stack<int>::as", ["shop::Stack<int>::as<long>(long) const"]],
    ["shop::Stack<double>::as<short>(short) const", ["shop::Stack<double>::as<short>(short) const"]],
    ["shop::hidden", ["shop::(anonymous namespace)::hidden(long)"]],
    ["shop::(anonymous namespace)::hidden", ["shop::(anonymous namespace)::hidden(long)"]],
    ["shop::Both::weight", ["shop::Both::weight() const"]],
    ["twice", ["twice<double>(double)", "twice<long>(long)"]],
    ["twice<long>", ["twice<long>(long)"]],
    ["twi*", ["twice<double>(double)", "twice<long>(long)"]],
    ["pricey", ["pricey(long)"]],
    ["price*", ["pricey(long)"]],
    ["local_only", ["local_only(long)"]],
    ["plain", ["plain"]],
    ["main::{lambda(long)#1}::operator()", ["main::{lambda(long)#1}::operator()(long) const"]],
    ["*::weight", ["shop::Both::weight() const", "shop::Right::weight() const"]],
    ["*::operator+", ["shop::Money::operator+(shop::Money const&) const"]],
    ["shop::*(int)", ["shop::Money::operator()(int) const", "shop::price(int)"]],
    [
      "shop::*operator*",
      [
        "shop::Money::operator bool() const",
        "shop::Money::operator()(int) const",
        "shop::Money::operator+(shop::Money const&) const",
        "shop::Money::operator<(shop::Money const&) const",
      ],
    ],
    ["shop::Money::operator+*", ["shop::Money::operator+(shop::Money const&) const"]],
    ["*::*lambda*", ["main::{lambda(long)#1}::operator()(long) const"]],
  ])("%s", (name, expected) => expect(found(path, name)).toEqual([...expected].sort()));

  test("keeps its mangled names, and a wildcard over them", () => {
    expect(found(path, "_ZN4shop5priceEi")).toEqual([prices[1]]);
    expect(found(path, "_ZN4shop5price*")).toEqual([...prices].sort());
  });
  test("has names near a misspelt one suggested as they are written", () => {
    expect(errorOf(path, "shop::prise")).toMatchObject({ code: "SONDE_FUNCTION_NOT_FOUND", mend: expect.stringContaining("shop::price") });
    expect(errorOf(path, "shop::price(long)")).toMatchObject({ code: "SONDE_FUNCTION_NOT_FOUND" });
    expect(errorOf(path, "shop::nothing*").code).toBe("SONDE_FUNCTION_NO_MATCH");
    expect(errorOf(path, "weight")).toMatchObject({ mend: "Did you mean shop::Both::weight, shop::Right::weight?" });
    expect(errorOf(path, "Stack::push")).toMatchObject({ mend: "Did you mean shop::Stack<int>::push, shop::Stack<double>::push?" });
    expect(errorOf(path, "*lambda*")).toMatchObject({ why: expect.stringContaining("no namespace"), mend: expect.stringContaining(":*::*lambda*'?") });
  });
  test("has offsets into functions named so", () => {
    const [site] = resolveTarget(`${path}:pricey(long)+1`, { mode: "entry" }).sites;
    expect(site).toMatchObject({ name: "pricey(long)", delta: 1 });
  });
});

describe.skipIf(where("rustc") === undefined).each(["legacy", "v0"] as const)("a Rust program mangled as %s", (mangling) => {
  const path = where("rustc") === undefined ? "" : namesInRust(mangling);
  test("has functions, methods, traits' methods and closures named by their paths", () => {
    expect(found(path, "names::shop::total")).toEqual(["names::shop::total"]);
    expect(found(path, "names::generic").length).toBe(2);
    expect(found(path, "names::shop::Order::push").length).toBe(2);
    expect(found(path, "<u32 as names::shop::Priced>::price")).toEqual(["<u32 as names::shop::Priced>::price"]);
    expect(found(path, "<names::shop::Order<u64> as names::shop::Priced>::price")).toHaveLength(1);
    expect(found(path, mangling === "v0" ? "names::main::{closure#1}" : "names::main::{{closure}}").length).toBeGreaterThan(0);
    expect(found(path, "names::shop::*")).toContain("names::shop::total");
  });
});

describe("speed", () => {
  // Three times what is promised: other tests run on the same machine.
  test("a pattern over a class of libstdc++ is resolved in 0.1 s", () => {
    const times = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      expect(resolveTarget("libstdc++:std::string::*", { mode: "entry" }).sites.length).toBeGreaterThan(100);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    expect(Math.min(...times)).toBeLessThan(3 * 100);
  });
});
