/** docs/questions.md names tests: each of them exists, under the behaviour that is named with it, and each question has an answer for each engine. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { behaviours } from "../test/conformance/claims.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const suite = join(root, "test/conformance");
const page = readFileSync(join(root, "docs/questions.md"), "utf8");

const ENGINES = ["kernel", "breakpoint", "inline"];

/** By behaviour: the source of its tests. */
const sources = new Map<number, string>();
for (const name of readdirSync(suite)) {
  if (!name.endsWith(".test.ts")) continue;
  const pieces = readFileSync(join(suite, name), "utf8").split(/^behaviour\((\d+), /m);
  for (let i = 1; i < pieces.length; i += 2) sources.set(Number(pieces[i]), (sources.get(Number(pieces[i])) ?? "") + pieces[i + 1]);
}

test("every behaviour has tests", () => {
  expect([...sources.keys()].sort((a, b) => a - b)).toEqual(Object.keys(behaviours).map(Number));
});

describe.each(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
)("%s", (_, section) => {
  test("is answered for each engine", () => {
    for (const engine of ENGINES) {
      const alike = section.includes("The same on all engines") || /The same on ([^.]*)\./.exec(section)?.[1]?.includes(`\`${engine}\``) === true;
      expect(alike || new RegExp(`^- [^:]*\`${engine}\`[^:]*: `, "m").test(section), engine).toBe(true);
    }
  });
  test("names tests that exist", () => {
    const named = [...section.matchAll(/^- (\d\d) "(.*)"$/gm)];
    expect(named.length).toBe(section.split("Shown by:")[1]!.trim().split("\n").length);
    for (const [, number, title] of named) expect(sources.get(Number(number)), `${number} ${title}`).toContain(`"${title}"`);
  });
});
