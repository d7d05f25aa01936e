/** `p as Ptr<T>`: the only cast with a meaning. */

import { expect, test } from "vitest";
import type { Signature } from "../../schema/ctypes.ts";
import { compile } from "../frontend/compile-text.ts";
import { someKernel } from "../testing.ts";
import { lower } from "./lower.ts";

const signature: Signature = {
  params: [{ name: "node", type: { k: "pointer", to: { k: "void" } } }],
  ret: { k: "void" },
  structs: { Plan: { name: "Plan", size: 16, fields: [{ name: "rows", offset: 8, type: { k: "int", name: "u32" } }] } },
};

function codes(body: string): string[] {
  const { unit, diagnostics } = compile(
    `import { uprobe, sum, type Ptr, type u8 } from "sonde";\ninterface Plan { readonly rows?: number }\ninterface Other { readonly rows?: number }\nconst total = sum();\nuprobe("a:b", (c) => { const node = c.args.node as number; ${body} });\n`,
  );
  if (unit === undefined) return diagnostics.map(({ code, message }) => `${code} ${message}`);
  return lower({
    files: unit.files,
    states: [{ name: "total", spec: { kind: "aggregate", aggregate: { kind: "sum" } } }],
    functions: ["b"],
    probes: [
      {
        probe: 0,
        handler: unit.handlers[0]!,
        captures: unit.handlers[0]!.captures.map(() => ({ kind: "state", state: 0 })),
        text: "a:b",
        signature,
        pids: undefined,
        functions: [0],
      },
    ],
    target: someKernel,
    unsafe: false,
  }).diagnostics.map(({ code }) => code);
}

test("an address as a pointer to a structure of the function's types has its fields", () => expect(codes("total.add((node as Ptr<Plan>).rows);")).toEqual([]));
test("as a pointer to an integer it is indexed", () => expect(codes("total.add((node as Ptr<u8>)[3]);")).toEqual([]));
test("a structure that isn't among them is an error", () => expect(codes("total.add((node as Ptr<Other>).rows);")).toEqual(["SONDE_C_POINTEE"]));
