/** How diagnostics look: to a person, to an editor, to a program. */
import { expect, test } from "vitest";
import type { Diagnostic } from "./diagnostic.ts";
import { diagnosticFields, diagnosticLine, diagnosticText } from "./format.ts";

const text = 'const a = 1;\n\tuprobe("a:b", () => a++);\n';
const at = text.indexOf("a++");
const diagnostic: Diagnostic = {
  code: "SONDE_C_CAPTURED_ASSIGNMENT",
  severity: "error",
  file: "/x/a.ts",
  start: at,
  end: at + 1,
  message: "a handler can't assign to a",
  cause: "It is the host's",
  mend: "Use variable().",
};
const sources = (file: string): string | undefined => (file === "/x/a.ts" ? text : undefined);

const same = (part: string): string => part;
const plain = { strong: same, dim: same, fail: same, warn: same, name: same };

test("a person sees the place underlined, the cause and the mend", () => {
  expect(diagnosticText(diagnostic, { sources, paint: plain, path: (file) => file.slice(3) })).toBe(
    [
      "a.ts:2:22 error SONDE_C_CAPTURED_ASSIGNMENT a handler can't assign to a",
      '  2 │ \tuprobe("a:b", () => a++);',
      "    │ \t                    ~",
      "  why   It is the host's",
      "  mend  Use variable().",
    ].join("\n"),
  );
});

test("colours come from the palette", () => {
  const shown = diagnosticText(diagnostic, { sources, paint: { ...plain, fail: (part) => `<${part}>` } });
  expect(shown).toContain("<error> ");
  expect(shown).toContain("<~>");
});

test("a long line is shown around its place, and fits the terminal", () => {
  const long = `${"x".repeat(500)}BAD${"y".repeat(500)}`;
  const shown = diagnosticText({ ...diagnostic, start: 500, end: 503 }, { sources: () => long, paint: plain, columns: 80 });
  const [, source, mark] = shown.split("\n");
  expect(source!.length).toBeLessThanOrEqual(80);
  expect(source!.slice(mark!.indexOf("~"), mark!.lastIndexOf("~") + 1)).toBe("BAD");
});

test("editors read a line, in tsc's format", () => {
  expect(diagnosticLine({ ...diagnostic, message: "a handler can't\n  assign to a" }, { sources })).toBe(
    "/x/a.ts(2,22): error SONDE_C_CAPTURED_ASSIGNMENT: a handler can't assign to a. It is the host's. Use variable().",
  );
});

test("programs read fields", () => {
  expect(diagnosticFields(diagnostic, sources)).toEqual({
    severity: "error",
    code: "SONDE_C_CAPTURED_ASSIGNMENT",
    file: "/x/a.ts",
    line: 2,
    column: 22,
    end: { line: 2, column: 23 },
    message: "a handler can't assign to a",
    why: "It is the host's",
    mend: "Use variable().",
  });
});
