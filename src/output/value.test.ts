/** Values as text. */
import { expect, test } from "vitest";
import { valueText } from "./value.ts";

test("a double is shown with all its digits", () => {
  expect([0.1, -2.25, 1e300, 3, Number.NaN, Number.NEGATIVE_INFINITY].map(valueText)).toEqual(["0.1", "-2.25", "1e+300", "3", "NaN", "-Infinity"]);
  expect(valueText({ x: Math.PI })).toBe("{ x: 3.141592653589793 }");
});
