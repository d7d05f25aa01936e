/** docs/errors.md has every code of the sources, as the catalogue and the compiler say it; each example gets the error that it is for. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { RUN_AREAS, SCRIPT_AREAS } from "../src/errors/catalogue/catalogue.ts";
import { diagnosticOf, errorsPage } from "./errors-page.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const listed = [...RUN_AREAS, ...SCRIPT_AREAS].flatMap(({ entries }) => Object.keys(entries));

/** Those of system calls are made of the system's own names of errors: one entry is for all. */
const FAMILY = "SONDE_SYS_*";
/** The beginning of codes, which are looked at by it. */
const BEGINNINGS = new Set(["SONDE_SITE"]);

test("every code of the sources is listed once, and nothing else is", () => {
  const used = new Set<string>([FAMILY]);
  for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name.startsWith("errors/catalogue/")) continue;
    for (const [, code] of readFileSync(join(root, "src", name), "utf8").matchAll(/"(SONDE_[A-Z0-9_]*[A-Z0-9])"/g)) if (!BEGINNINGS.has(code!)) used.add(code!);
  }
  expect([...used].sort()).toEqual([...listed].sort());
});

describe("the example gets", () => {
  const examples = SCRIPT_AREAS.flatMap(({ entries }) => Object.entries(entries)).filter(([, { cause }]) => cause === undefined);
  test.each(examples)("%s", async (code, { script }) => {
    const { found } = await diagnosticOf(code, script);
    expect(found?.code).toBe(code);
    expect(found?.mend ?? "").not.toBe("");
  });
});

test("docs/errors.md is what they say: else run node scripts/errors-table.mjs", async () => {
  expect(readFileSync(join(root, "docs/errors.md"), "utf8")).toBe(await errorsPage());
}, 60_000);
