/** Reading of script parameters. */
import { describe, expect, test } from "vitest";
import { parseParams } from "./script-params.ts";

describe("parseParams", () => {
  test.each([
    [["--slow=5"], { slow: "5" }],
    [["--slow", "5", "--name", "a b"], { slow: "5", name: "a b" }],
    [["--low", "-5"], { low: "-5" }],
    [["--verbose", "--no-colour"], { verbose: true, colour: false }],
    [["--text="], { text: "" }],
    [["--text=a=b\nc"], { text: "a=b\nc" }],
    [[], {}],
  ])("reads %j", (words, params) => {
    expect(parseParams(words)).toEqual(params);
  });
  test.each([["slow"], ["-s"], ["--=5"], ["--5=1"]])("refuses %j", (word) => {
    expect(() => parseParams([word])).toThrow(expect.objectContaining({ code: "SONDE_PARAM_SYNTAX", exit: 2 }));
  });
});
