/** Demangling compared with the tools of binutils, over all the names of real libraries. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { demangle } from "../../src/symbols/names/demangle.ts";
import { namesInRust } from "../fixtures/build.ts";
import { where } from "../real-programs/support.ts";

const run = (command: string, args: readonly string[], input = ""): string => execFileSync(command, args, { encoding: "utf8", input, maxBuffer: 2 ** 28 });
const symbolsOf = (path: string, flags: readonly string[] = ["-D"]): string[] => [
  ...new Set(
    run("nm", [...flags, path])
      .split("\n")
      .map((line) => (line.split(" ").pop() as string).split("@")[0] as string),
  ),
];
/** c++filt writes a template's closing brackets apart or together by chance where an empty list of arguments ends. */
const together = (text: string): string => text.replace(/> (?=>)/g, ">");

function compared(path: string): { readonly names: number; readonly same: number; readonly different: string[] } {
  const symbols = symbolsOf(path).filter((name) => name.startsWith("_Z"));
  const theirs = run("c++filt", ["-i"], `${symbols.join("\n")}\n`).split("\n");
  const different = symbols.filter((symbol, i) => {
    const ours = together(demangle(symbol)?.text ?? symbol);
    const expected = together(theirs[i] as string);
    // A template's result is left out: every name begins with the function's.
    return ours !== expected && !expected.endsWith(` ${ours}`);
  });
  return { names: symbols.length, same: symbols.length - different.length, different };
}

describe("C++, as c++filt writes it", () => {
  test("all of libstdc++'s names", () => {
    const { names, different } = compared(run("c++", ["-print-file-name=libstdc++.so.6"]).trim());
    expect(names).toBeGreaterThan(5000);
    expect(different).toEqual([]);
  });
  test("node's, but for results of functions that are template arguments", () => {
    const { names, different } = compared(process.execPath);
    expect(names).toBeGreaterThan(40_000);
    // c++filt knows their results, or gives up.
    expect(different.length).toBeLessThan(names / 2000);
  });
});

describe.skipIf(where("rustc") === undefined)("Rust", () => {
  /** Without what tells builds apart, and the types of numbers. */
  const plain = (text: string): string =>
    text
      .replace(/\[[0-9a-f]+\](?=::|[\s,>)]|$)/g, "")
      .replace(/::h[0-9a-f]{16}$/, "")
      .replace(/(\d): ?[iu](?:\d+|size)\b/g, "$1");
  test.each(["legacy", "v0"] as const)("the names of a program in the form %s", (mangling) => {
    const pattern = mangling === "v0" ? /^_R[A-Z]/ : /^_ZN.*17h[0-9a-f]{16}E$/;
    const symbols = symbolsOf(namesInRust(mangling), ["-a"]).filter((name) => pattern.test(name));
    const theirs = run("c++filt", ["-s", "rust"], `${symbols.join("\n")}\n`).split("\n");
    expect(symbols.length).toBeGreaterThan(10);
    expect(symbols.map((symbol) => plain(demangle(symbol)?.text ?? symbol))).toEqual(symbols.map((_, i) => plain(theirs[i] as string)));
  });
});
