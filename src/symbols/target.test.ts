/** How targets are written: file and place, patterns, escapes, and each mistake's error. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../errors/error.ts";
import { matchesPieces, parseTarget, patternPieces } from "./target.ts";

function codeOf(text: string): string {
  try {
    parseTarget(text);
    return "parsed";
  } catch (error) {
    if (error instanceof SondeError) return error.code;
    throw error;
  }
}

describe("a target", () => {
  test.each([
    ["libc:malloc", "libc", { kind: "function", name: "malloc", delta: 0 }],
    ["/usr/bin/bash:readline", "/usr/bin/bash", { kind: "function", name: "readline", delta: 0 }],
    ["bin:f+0x1c", "bin", { kind: "function", name: "f", delta: 0x1c }],
    ["bin:f+12", "bin", { kind: "function", name: "f", delta: 12 }],
    ["bin:0x4011d6", "bin", { kind: "address", address: 0x4011d6n }],
    ["libc:mem*", "libc", { kind: "pattern", pattern: "mem*" }],
    ["a\\:b/bin:f", "a:b/bin", { kind: "function", name: "f", delta: 0 }],
    ["bin:ns::Class::f", "bin", { kind: "function", name: "ns::Class::f", delta: 0 }],
    ["bin:std::vector<int*>::at(int*)", "bin", { kind: "function", name: "std::vector<int*>::at(int*)", delta: 0 }],
    ["bin:A::operator*", "bin", { kind: "function", name: "A::operator*", delta: 0 }],
    ["bin:operator+", "bin", { kind: "function", name: "operator+", delta: 0 }],
    ["bin:a\\*b", "bin", { kind: "function", name: "a*b", delta: 0 }],
    ["bin:f(int)+0x4", "bin", { kind: "function", name: "f(int)", delta: 4 }],
    ["bin:file.c:120", "bin", { kind: "line", file: "file.c", line: 120, column: undefined }],
    ["bin:src/net/file.rs:120:7", "bin", { kind: "line", file: "src/net/file.rs", line: 120, column: 7 }],
    ["bin:odd\\:name.c:3", "bin", { kind: "line", file: "odd:name.c", line: 3, column: undefined }],
    ["bin:Makefile:3", "bin", { kind: "line", file: "Makefile", line: 3, column: undefined }],
  ])("%s", (text, file, place) => {
    expect(parseTarget(text)).toEqual({ text, file, place });
  });

  test.each([
    ["", "SONDE_TARGET_EMPTY"],
    ["  ", "SONDE_TARGET_EMPTY"],
    ["malloc", "SONDE_TARGET_NO_PLACE"],
    ["libc:", "SONDE_TARGET_NO_PLACE"],
    [":malloc", "SONDE_TARGET_NO_FILE"],
    ["main.rs:7", "SONDE_TARGET_LINE"],
    ["src/main.c:7:1", "SONDE_TARGET_LINE"],
    ["bin:file.c:0", "SONDE_TARGET_LINE"],
    ["bin:file.c:1:0", "SONDE_TARGET_LINE"],
    ["bin:file.c:99999999999", "SONDE_TARGET_LINE"],
    ["bin:f+zz", "SONDE_TARGET_OFFSET"],
    ["bin:0xzz", "SONDE_TARGET_ADDRESS"],
    ["bin:0x11112222333344445", "SONDE_TARGET_ADDRESS"],
  ])("%j is refused with %s", (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  test("whatever is written gives a target or an error of ours", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab:*\\+0x<>() .c12operator") }), (text) => {
        expect(codeOf(text)).toMatch(/^parsed$|^SONDE_TARGET_/);
      }),
    );
  });
});

describe("a pattern", () => {
  const matches = (pattern: string, name: string): boolean => matchesPieces(patternPieces(pattern), name);

  test.each([
    ["mem*", "memcpy", true],
    ["mem*", "xmem", false],
    ["*mem", "xmem", true],
    ["*", "", true],
    ["a*b*c", "a123b456c", true],
    ["a*b*c", "acb", false],
    ["ab*ba", "aba", false],
    ["*e*e*", "here", true],
    ["f(int*)*", "f(int*)", true],
    ["f(int*)*", "f(intx)", false],
    ["g<*>*", "g<*>h", true],
    ["operator**", "operator*=", true],
    ["operator**", "operator+", false],
    ["operator+*", "operator+=", true],
    ["operator->**", "operator->*x", true],
    ["operator->**", "operator->x", false],
    ["a\\**", "a*b", true],
    ["a\\**", "ab", false],
    ["my_operator*", "my_operator_new", true],
  ])("%s and %s: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test("agrees with a regular expression where nothing is literal", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 }),
        fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 }),
        (pattern, name) => {
          expect(matches(pattern, name)).toBe(new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name));
        },
      ),
    );
  });
});
