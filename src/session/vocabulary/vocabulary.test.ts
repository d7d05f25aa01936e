import { expect, test } from "vitest";
import { vocabulary as names } from "../../compiler/frontend/vocabulary.ts";
import * as library from "../../index.ts";
import { Scope } from "../scope.ts";
import { makeVocabulary } from "./vocabulary.ts";

function fresh(params = {}) {
  const prints: string[] = [];
  const scope = new Scope({
    params,
    pids: [],
    unsafe: false,
    modeOf: () => "entry",
    resolve: () => ({ sites: [], notes: [] }),
    actions: { print: (text) => prints.push(text), show() {}, exit() {}, symbol: String },
  });
  return { scope, prints, v: makeVocabulary(scope) };
}

test("the session and the library have every name that scripts may import", () => {
  expect(Object.keys(fresh().v).toSorted()).toEqual([...names].toSorted());
  for (const name of names) expect(library, name).toHaveProperty(name);
});

test("in a program instead of a script, what needs a session says so", () => {
  expect(() => library.uprobe()).toThrow(expect.objectContaining({ code: "SONDE_SCRIPT_ONLY" }));
  expect(library.u8(300)).toBe(44);
});

test("integer types convert on the host as in a handler", () => {
  const { u8, i8, u64, i64, i32 } = fresh().v;
  expect([u8(300), i8(200), i32(2n ** 32n - 1n), u64(5), i64(-1), u64(true)]).toEqual([44, -56, -1, 5, -1, 1]);
  expect(u64(-1)).toBe(2n ** 64n - 1n);
  expect(() => u8(1.5)).toThrow("not a whole number");
});

test("wrong options are refused with what is right", () => {
  const { hash, array, lhist, hist, cstring, bytes, u32, count, struct, variable, events, comm } = fresh().v;
  const refused = (run: () => unknown, message: string | RegExp) => expect(run).toThrow(message);
  refused(() => hash(u32, count(), { capacity: -1 }), "capacity is -1");
  refused(() => hash(u32, count(), { size: 5 }), "there is no option size");
  refused(() => hash(u32, count(), { full: "oldest" }), 'full is "oldest"');
  refused(() => hash(u32, count), "the value is a function");
  refused(() => hash([], count()), "at least one part");
  refused(() => hash("u32", count()), "the key is no type");
  refused(() => hash(u32, hash(u32, u32)), "can't be a hash");
  refused(() => array(0, u32), "the length is 0");
  refused(() => lhist(0, 100, 0), "step is 0");
  refused(() => lhist(10, 10, 1), "max must be greater");
  refused(() => lhist(0, 10_000_000, 1), "buckets: at most");
  refused(() => hist({ bits: 6 }), "bits is 6");
  refused(() => cstring(0), "from 1 to 4096");
  refused(() => bytes(5000), "from 1 to 4096");
  refused(() => struct({}), "at least one field");
  refused(() => struct({ a: 5 }), "the field a is no type");
  refused(() => events(u32), "object of named types");
  refused(() => variable(u32, undefined), "the initial value is undefined");
  refused(() => variable(comm, 5), "value: 5 is no value for comm");
});

test("stacks() stands alone, and is empty before anything is armed", () => {
  const { stacks, hash, u32 } = fresh().v;
  expect(stacks().read()).toEqual([]);
  expect(() => hash(u32, stacks())).toThrow(expect.objectContaining({ code: "SONDE_OPTION", mend: expect.stringContaining("hash([comm, stack], count())") }));
});

test("a handler's method on the host names the host's", () => {
  const { hash, array, variable, events, count, u32, u64, str } = fresh().v;
  const values = hash(u32, u64) as unknown as { get(): void };
  const handlerMethods = [
    () => count().add(),
    () => (hash(u32, count()) as unknown as { at(): void }).at(),
    () => values.get(),
    () => (array(2, u64) as unknown as { get(): void }).get(),
    () => variable(u32, 0).get(),
    () => events({ a: u32 }).emit(),
    () => str(),
  ];
  for (const run of handlerMethods) expect(run).toThrow(expect.objectContaining({ code: "SONDE_HANDLER_METHOD", mend: expect.any(String) }));
});

test("maps, arrays and variables work on the host before anything is armed", () => {
  const { hash, array, variable, comm, u32, u64, struct, bool, count } = fresh().v;
  const map = hash([u32, comm], struct({ n: u64, on: bool })) as never as {
    set(k: unknown, v: unknown): void;
    read(k: unknown): unknown;
    has(k: unknown): boolean;
    delete(k: unknown): boolean;
    clear(): void;
    entries(): unknown[];
  };
  map.set([1, "a"], { n: 5, on: true });
  map.set([2, undefined], { n: 5, on: true });
  expect(map.entries()).toEqual([[[1, "a"], { n: 5n, on: true }]]);
  expect([map.has([1, "a"]), map.has([2, "a"]), map.delete([1, "a"]), map.delete([1, "a"]), map.read([1, "a"])]).toEqual([true, false, true, false, undefined]);
  const list = array(3, u32) as never as { set(i: number, v: number): void; read(i: number): unknown } & Iterable<unknown>;
  list.set(1, 9);
  list.set(3, 9);
  expect([...list]).toEqual([
    [0, 0],
    [1, 9],
    [2, 0],
  ]);
  const flag = variable(bool, true);
  flag.set(false);
  expect([flag.read(), flag.spec.initial]).toEqual([false, false]);
  expect(count().read()).toBe(0n);
});

test("parameters take the type of their default, and what nobody declared is refused", () => {
  const { v, scope } = fresh({ slow: "5_000", on: "false", name: 7, other: 1 });
  expect([v.param("slow", 10), v.param("on", true), v.param("name", "x"), v.param("absent", 3, "help")]).toEqual([5000, false, "7", 3]);
  expect(() => scope.params.refuseUnknown()).toThrow("the script has no parameter other");
  expect(() => fresh({ slow: "fast" }).v.param("slow", 10)).toThrow(expect.objectContaining({ code: "SONDE_PARAM_VALUE", exit: 2 }));
});

test("the host prints its own values and the target's", () => {
  const {
    v: { print, hex, duration },
    prints,
  } = fresh();
  print`${1} ${2n ** 64n} ${"a\n"}${hex(255)} ${duration(1500)} ${hex(undefined)} ${undefined} ${true} ${0.5}`;
  expect(prints).toEqual(["1 18446744073709551616 a\n0xff 1.5 µs <unreadable> <unreadable> true 0.5"]);
});
