import { expect, test } from "vitest";
import type { Capture } from "../compiler/hir/types.ts";
import { captureValues } from "./captures.ts";
import { Registration } from "./registration.ts";
import { Scope } from "./scope.ts";
import { makeVocabulary } from "./vocabulary/vocabulary.ts";

const makeScope = (): Scope =>
  new Scope({
    params: {},
    pids: [],
    unsafe: false,
    modeOf: () => "entry",
    resolve: () => ({ sites: [], notes: [] }),
    actions: { print() {}, show() {}, exit() {}, symbol: String },
  });

function capture(value: unknown, path: readonly string[] = [], scope = makeScope()) {
  const captures: Capture[] = [{ name: "it", path, file: 0, span: [0, 0], from: { kind: "registration" }, known: { kind: "unknown" } }];
  return captureValues(captures, new Registration(0, () => ({ it: value })), scope, { state: () => 5, probe: () => 6 })[0];
}

test("integers, booleans, texts, arrays and plain objects of them are captured", () => {
  expect(capture(5)).toEqual({ kind: "int", value: 5n });
  expect(capture(-0)).toEqual({ kind: "int", value: 0n });
  expect(capture(2n ** 64n - 1n)).toEqual({ kind: "int", value: 2n ** 64n - 1n });
  expect(capture(true)).toEqual({ kind: "bool", value: true });
  expect(capture(undefined)).toEqual({ kind: "undefined" });
  expect(capture({ a: ["x"] })).toEqual({ kind: "object", properties: { a: { kind: "array", items: [{ kind: "string", value: "x" }] } } });
});

test("what a handler can't use says what it is", () => {
  class Limits {}
  const self: { me?: unknown } = {};
  self.me = self;
  const why = (value: unknown) => capture(value);
  expect(why(1.5)).toEqual({ kind: "invalid", why: "1.5, not a whole number" });
  expect(why(Number.NaN)).toEqual({ kind: "invalid", why: "NaN, not a whole number" });
  expect(why(2 ** 60)).toMatchObject({ kind: "invalid", why: expect.stringContaining("beyond 2^53") });
  expect(why(2n ** 64n)).toMatchObject({ kind: "invalid", why: expect.stringContaining("beyond 64 bits") });
  expect(why(new Map())).toEqual({ kind: "invalid", why: "a Map" });
  expect(why(new Limits())).toEqual({ kind: "invalid", why: "a Limits" });
  expect(why(() => 1)).toEqual({ kind: "invalid", why: "a function" });
  expect(why(null)).toEqual({ kind: "invalid", why: "null" });
  expect(why(self)).toEqual({ kind: "object", properties: { me: { kind: "invalid", why: "a part of itself" } } });
});

test("a path is followed through own properties only, so the rest of the object doesn't matter", () => {
  expect(capture({ limits: { max: 7, other: new Map() } }, ["limits", "max"])).toEqual({ kind: "int", value: 7n });
  expect(capture({ limits: {} }, ["limits", "toString"])).toEqual({ kind: "undefined" });
  expect(capture(undefined, ["limits"])).toEqual({ kind: "undefined" });
});

test("schemas are captured as such, states by their index, states of another session not at all", () => {
  const scope = makeScope();
  const { u32, struct, count } = makeVocabulary(scope);
  expect(capture(u32, [], scope)).toMatchObject({ kind: "schema", schema: { kind: "int", name: "u32" } });
  expect(capture(struct({ a: u32 }), [], scope)).toMatchObject({ kind: "schema", schema: { kind: "struct", size: 4 } });
  expect(capture(count(), [], scope)).toEqual({ kind: "state", state: 5 });
  expect(capture(count(), [])).toEqual({ kind: "invalid", why: "a map of another session" });
});
