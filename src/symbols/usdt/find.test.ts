/** Targets of static probes as they are written, and which probes of a file they mean. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SondeError } from "../../errors/error.ts";
import { findUsdt, type NotFound } from "./find.ts";
import type { UsdtProbe, UsdtProbes, UsdtSite } from "./probes.ts";
import { parseUsdtTarget } from "./target.ts";

const site: UsdtSite = { offset: 1, address: 1n, semaphore: undefined, operands: "", signature: { params: [], ret: { k: "void" }, structs: {} } };
const probe = (full: string): UsdtProbe => {
  const [provider = "", name = ""] = full.split(":");
  return { provider, name, sites: [site] };
};
const probesOf = (names: readonly string[], leftOut: UsdtProbes["leftOut"] = []): UsdtProbes => ({ probes: names.map(probe), leftOut });
const python = probesOf(["other:gc__start", "python:audit", "python:function__entry", "python:function__return", "python:gc__done", "python:gc__start"]);

const found = (target: string, probes = python): readonly string[] | NotFound => {
  const result = findUsdt(probes, parseUsdtTarget(target), "/usr/bin/python3");
  return "kind" in result ? result : result.map(({ provider, name }) => `${provider}:${name}`);
};

describe("a target", () => {
  test.each([
    ["python3:python:gc__start", { file: "python3", provider: "python", name: "gc__start" }],
    ["  /usr/bin/python3:python:gc*  ", { file: "/usr/bin/python3", provider: "python", name: "gc*" }],
    ["./app:*:*", { file: "./app", provider: "*", name: "*" }],
    ["app:hit", { file: "app", provider: undefined, name: "hit" }],
    ["/tmp/a\\:b:app:hit", { file: "/tmp/a:b", provider: "app", name: "hit" }],
    ["app:one\\:two:hit", { file: "app", provider: "one\\:two", name: "hit" }],
    ["app:p:name:with:colons", { file: "app", provider: "p", name: "name:with:colons" }],
  ])("%s", (text, expected) => expect(parseUsdtTarget(text)).toEqual({ text: text.trim(), ...expected }));

  test.each([
    ["", "SONDE_TARGET_EMPTY"],
    ["gc__start", "SONDE_TARGET_NO_PLACE"],
    [":python:gc__start", "SONDE_TARGET_NO_FILE"],
    ["python3:", "SONDE_TARGET_NO_PLACE"],
    ["python3:python:", "SONDE_TARGET_NO_PLACE"],
    ["python3::gc__start", "SONDE_TARGET_NO_PLACE"],
  ])("%j is refused with %s", (text, code) => {
    expect(() => parseUsdtTarget(text)).toThrow(expect.objectContaining({ code, mend: expect.stringMatching(/./) }));
  });
  test("is read or refused, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom("a", ":", "\\", "*", " ")).map((all) => all.join("")),
        ),
        (text) => {
          try {
            const { file, provider, name } = parseUsdtTarget(text);
            return file !== "" && provider !== "" && name !== "";
          } catch (error) {
            return error instanceof SondeError;
          }
        },
      ),
    );
  });
});

describe("the probes that it means", () => {
  test("are one by its full name", () => expect(found("python3:python:gc__start")).toEqual(["python:gc__start"]));
  test("are all that patterns match", () => {
    expect(found("python3:python:gc*")).toEqual(["python:gc__done", "python:gc__start"]);
    expect(found("python3:*:gc__start")).toEqual(["other:gc__start", "python:gc__start"]);
    expect(found("python3:*:*")).toHaveLength(6);
    expect(found("python3:p*n:f*__*y")).toEqual(["python:function__entry"]);
    expect(found("python3:gc*")).toEqual(["other:gc__start", "python:gc__done", "python:gc__start"]);
  });
  test("are one by its name alone, where one provider has it", () => expect(found("python3:audit")).toEqual(["python:audit"]));
  test("may have a star or a colon in their names, behind a backslash", () => {
    const odd: UsdtProbes = { probes: [{ provider: "a:b", name: "x*", sites: [site] }, probe("p:xy")], leftOut: [] };
    expect(found("app:a\\:b:x\\*", odd)).toEqual(["a:b:x*"]);
    expect(found("app:x\\*", odd)).toEqual(["a:b:x*"]);
    expect(found("/a\\:b/app:b:x\\*", odd)).toMatchObject({ mend: 'Did you mean "/a\\:b/app:a\\:b:x\\*"?' });
  });
});

describe("where there is none, it is said", () => {
  test("which providers have a name that several have", () =>
    expect(found("python3:gc__start")).toEqual({
      kind: "several",
      message: 'several providers in /usr/bin/python3 have a probe "gc__start"',
      mend: 'Name the one that is meant: "python3:other:gc__start", "python3:python:gc__start"; or all of them: "python3:*:gc__start"',
    }));
  test.each([
    ["python3:python:gc_start", 'Did you mean "python3:python:gc__start", "python3:other:gc__start", "python3:python:gc__done"?'],
    ["python3:pyhton:audit", 'Did you mean "python3:python:audit"?'],
    ["python3:gcc__done", 'Did you mean "python3:gc__done"?'],
    ["python3:python", '"python" is a provider: name its probe, "python3:python:audit", or all: "python3:python:*"'],
    ["python3:python:zzzzzzzzzz", 'See what there is with the pattern "python3:*:*": providers are other, python.'],
  ])("what %s could have meant", (target, mend) =>
    expect(found(target)).toEqual({ kind: "name", message: expect.stringContaining("/usr/bin/python3 has no static probe"), mend }),
  );
  test("that a pattern matches nothing", () =>
    expect(found("python3:python:x*")).toMatchObject({ kind: "name", message: 'no static probe of /usr/bin/python3 matches "python:x*"' }));
  test("that the file has none at all", () => expect(found("python3:python:audit", probesOf([]))).toMatchObject({ kind: "none" }));
  test("how many notes were left out, and why", () => {
    const leftOut = [
      { why: "its name is empty", count: 1 },
      { why: "the instruction at its place isn't a nop", count: 2 },
    ];
    const why = "3 of its notes of static probes were left out: its name is empty; the instruction at its place isn't a nop";
    expect(found("app:p:hit", probesOf([], leftOut))).toMatchObject({ kind: "none", why });
    expect(found("app:p:hit", probesOf(["p:other"], leftOut))).toMatchObject({ kind: "name", why });
  });
});
