/** How diagnostics look: to a person, to an editor, to a program. */
import { expect, test } from "vitest";
import type { Diagnostic } from "./diagnostic.ts";
import { formatJson, formatLines, formatPretty, plain } from "./format.ts";

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

test("a person sees the place underlined, the cause and the mend", () => {
  expect(formatPretty([diagnostic], sources)).toBe(
    [
      "error SONDE_C_CAPTURED_ASSIGNMENT: a handler can't assign to a",
      "  at /x/a.ts:2:22",
      '2 | \tuprobe("a:b", () => a++);',
      "  | \t                    ~",
      "  It is the host's",
      "  → Use variable().",
      "",
    ].join("\n"),
  );
});

test("colours come from the palette", () => {
  const shown = formatPretty([diagnostic], sources, { ...plain, error: (part) => `<${part}>` });
  expect(shown).toContain("<error> ");
  expect(shown).toContain("<~>");
});

test("a long line is shown around its place", () => {
  const long = `${"x".repeat(500)}BAD${"y".repeat(500)}`;
  const shown = formatPretty([{ ...diagnostic, start: 500, end: 503 }], () => long);
  const [, , source, mark] = shown.split("\n");
  expect(source!.length).toBeLessThan(130);
  expect(source!.slice(mark!.indexOf("~"), mark!.lastIndexOf("~") + 1)).toBe("BAD");
});

test("editors read a line for each, in tsc's format", () => {
  expect(formatLines([diagnostic, { ...diagnostic, severity: "warning", cause: undefined, mend: undefined } as unknown as Diagnostic], sources)).toBe(
    "/x/a.ts(2,22): error SONDE_C_CAPTURED_ASSIGNMENT: a handler can't assign to a. It is the host's. Use variable().\n/x/a.ts(2,22): warning SONDE_C_CAPTURED_ASSIGNMENT: a handler can't assign to a.\n",
  );
});

test("programs read an object a line", () => {
  expect(JSON.parse(formatJson([diagnostic], sources))).toEqual({
    type: "diagnostic",
    severity: "error",
    code: "SONDE_C_CAPTURED_ASSIGNMENT",
    file: "/x/a.ts",
    from: { line: 2, column: 22 },
    to: { line: 2, column: 23 },
    message: "a handler can't assign to a",
    cause: "It is the host's",
    mend: "Use variable().",
  });
});
