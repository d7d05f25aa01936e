/** Which sites of a probe share a compiled handler. */
import { describe, expect, test } from "vitest";
import { compileLine } from "../../compiler/frontend/compile-text.ts";
import type { HandlerHir } from "../../compiler/hir/types.ts";
import type { CPlace, PlaceRegister, Signature } from "../../schema/ctypes.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { usedTypes } from "./used-types.ts";
import { variantsOf } from "./variants.ts";

function handler(body: string): HandlerHir {
  const { unit, diagnostics } = compileLine(`const n = count(); uprobe("a:b", (c) => { ${body} });`);
  const [first] = unit?.handlers ?? [];
  if (first === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return first;
}
const inRegister = (register: PlaceRegister): CPlace => ({ k: "registers", parts: [{ register, offset: 0, size: 8 }] });
const long = { k: "int", name: "i64" } as const;
const taking = (...params: (readonly [string, PlaceRegister])[]): Signature => ({
  params: params.map(([name, register]) => ({ name, type: long, place: inRegister(register) })),
  ret: long,
  structs: {},
});
const site = (name: string): FunctionSite => ({
  path: "/a",
  display: "/a",
  file: { device: 1n, inode: 1n },
  functionOffset: 0,
  address: 0n,
  size: 0,
  name,
  aliases: [],
  delta: 0,
});
function groups(body: string, functions: { readonly [name: string]: Signature | undefined }): (readonly number[])[] {
  const sites = Object.keys(functions).map(site);
  return variantsOf(handler(body), { sites }, (i) => functions[sites[i]!.name]).map((variant) => variant.sites);
}

describe("what a handler uses", () => {
  const used = (body: string) => usedTypes(handler(body));
  test("are the parameters that it names", () => expect(used("if (c.args.a > 1 && c.args['b'] > 2) n.add();").args).toEqual(new Set(["a", "b"])));
  test("all of them, where it takes the whole set", () => expect(used("const { size } = c.args; if (size > 1) n.add();").args).toBe("all"));
  test("nothing, where it names none", () =>
    expect(used("if (c.arg0 > 1) n.add();")).toEqual({ args: new Set(), vars: new Set(), ret: false, casts: false, skips: false }));
});

describe("sites share a handler", () => {
  const functions = { f: taking(["a", "rdi"], ["b", "rsi"]), g: taking(["b", "rdi"], ["a", "rsi"]), h: taking(["a", "rdi"]) };
  test("where what it uses is in the same place", () => expect(groups("if (c.args.a > 1) n.add();", functions)).toEqual([[0, 2], [1]]));
  test("all, if it uses none of them", () => expect(groups("n.add();", functions)).toEqual([[0, 1, 2]]));
  test("all, if nothing says where anything is", () => expect(groups("if (c.args.a > 1) n.add();", { f: undefined, g: undefined })).toEqual([[0, 1]]));
  test("but not with one of which nothing is known", () =>
    expect(groups("if (c.args.a > 1) n.add();", { ...functions, k: undefined })).toEqual([[0, 2], [1], [3]]));
});
