/** How functions are named in declarations: as targets may be written. */
import { expect, test } from "vitest";
import { targetKeys } from "./target-keys.ts";

const keys = (...names: readonly string[]): Record<string, readonly string[]> => Object.fromEntries(targetKeys(names));

test.each([
  ["main", "main"],
  ["ns::f(int)", "ns::f"],
  ["ns::f(int (*)(char), long)", "ns::f"],
  ["A::get() const", "A::get"],
  ["A::get() const &", "A::get"],
  ["A::operator()(int)", "A::operator()"],
  ["(anonymous namespace)::hidden(int)", "(anonymous namespace)::hidden"],
  ["std::f<(Kind)2>(int)", "std::f<(Kind)2>"],
  ["main.(*Circle).Area", "main.(*Circle).Area"],
  ["operator()", "operator()"],
  ["f)", "f)"],
])("%s is %s", (name, key) => expect(keys(name)).toEqual({ [name]: [key] }));

test("overloads have their own names, and the one that they share", () => {
  expect(keys("f(int)", "f(char)", "g(int)", "g(int)")).toEqual({ "f(int)": ["f", "f(int)"], "f(char)": ["f", "f(char)"], "g(int)": ["g"] });
});
