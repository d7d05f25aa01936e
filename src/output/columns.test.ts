import { expect, test } from "vitest";
import { shorten, width, wrap } from "./columns.ts";

test("a text is broken between words, and no line is wider than the terminal", () => {
  expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
  expect(wrap("one two three", 13)).toEqual(["one two three"]);
});

test("a word that is wider than the terminal stands alone and is whole", () => {
  expect(wrap("at /a/very/long/path it ends", 8)).toEqual(["at", "/a/very/long/path", "it ends"]);
});

test("lines that are there stay, with their indent", () => {
  expect(wrap("a b\n    at c d e", 10)).toEqual(["a b", "    at c d", "e"]);
});

test("wide characters count twice", () => {
  expect(width("日本")).toBe(4);
  expect(wrap("日本 日本", 6)).toEqual(["日本", "日本"]);
  expect(shorten("日本語", 5)).toBe("日本…");
});
