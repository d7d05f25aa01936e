/** Splitting of commands. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitCommand } from "./shell-words.ts";

describe("splitCommand", () => {
  test.each([
    ["gzip -k 'big file.log'", ["gzip", "-k", "big file.log"]],
    ["  a\tb\n c ", ["a", "b", "c"]],
    ["a b\\ c d\\\\e", ["a", "b c", "d\\e"]],
    [`a "x \\"y\\" \\n" 'it'\\''s'`, ["a", 'x "y" \\n', "it's"]],
    [`a "" '' b`, ["a", "", "", "b"]],
    [`--x="a b"c`, ["--x=a bc"]],
    ["echo $HOME *.c a#b # `d`", ["echo", "$HOME", "*.c", "a#b", "#", "`d`"]],
    ["a \\\n b", ["a", "b"]],
    ["a '|' \"&\" \\;", ["a", "|", "&", ";"]],
  ])("splits %j", (command, words) => {
    expect(splitCommand(command)).toEqual(words);
  });
  test.each(["a 'b", 'a "b', "a | b", "a > b", "a; b", "a &", "(a)", "", "  ", "''", "a \\"])("refuses %j", (command) => {
    expect(() => splitCommand(command)).toThrow(expect.objectContaining({ code: "SONDE_COMMAND_QUOTING", exit: 2 }));
  });
  test("gives back any words that were quoted", () => {
    const word = fc.string({ unit: "binary", maxLength: 12 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
        const given = ["run", ...words];
        expect(splitCommand(given.map((one) => `'${one.replaceAll("'", `'\\''`)}'`).join(" "))).toEqual(given);
      }),
    );
  });
});
