/** "Did you mean": the nearest names, by edits and by parts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, nearNames } from "./near-names.ts";

test.each([
  ["mallok", ["malloc", "calloc", "free"], "malloc"],
  ["getadrinfo", ["getaddrinfo", "getnameinfo"], "getaddrinfo"],
  ["PrintF", ["printf", "puts"], "printf"],
  ["isolate", ["_ZN7IsolateC1", "main"], "_ZN7IsolateC1"],
  ["sned", ["send", "recv"], "send"],
])("%s among %j is nearest to %s", (name, names, nearest) => {
  expect(nearNames(name, names)[0]).toBe(nearest);
});

test("nothing is near to what is like nothing; no more than asked for; none twice", () => {
  expect(nearNames("zzzzzz", ["malloc", "free"])).toEqual([]);
  expect(nearNames("f1", ["f2", "f3", "f4", "f5", "f2"], 2)).toHaveLength(2);
  expect(nearNames("f1", ["f2", "f2", "f2"])).toEqual(["f2"]);
});

test("the distance is symmetric, zero for equals alone, and cut at the limit", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b, 99)).toBe(editDistance(b, a, 99));
      expect(editDistance(a, b, 99) === 0).toBe(a === b);
      expect(editDistance(a, b, 2)).toBe(editDistance(a, b, 99) <= 2 ? editDistance(a, b, 99) : Number.POSITIVE_INFINITY);
    }),
  );
});
