/** `sonde check` knows a program's types from its debug information: nothing is armed, and nothing declared. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch } from "../fixtures/sonde.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-check-"));
  execFileSync("cc", ["-g", "-O1", "-o", join(folder, "handlers"), join(import.meta.dirname, "handlers.c")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function checked(body: string): Promise<{ status: unknown; text: string }> {
  const path = join(folder, "checked.probe.ts");
  writeFileSync(path, `import { print, str, uprobe } from "sonde";\nuprobe("${join(folder, "handlers")}:by_pointer", ({ args }) => {\n  ${body}\n});\n`);
  const { status, stdout, stderr } = await launch(["check", path]).ended;
  return { status, text: stdout + stderr };
}

test("fields, elements and texts that the program has are right", async () => {
  expect((await checked("print`${args.request.points[2].y} ${args.request.next?.delta} ${str(args.request.tag)} ${args.table[0]?.version}`;")).status).toBe(0);
});

test.each([
  ["a field that it hasn't", "print`${args.request.verison}`;", "`request` has no `verison`", "Did you mean `version`?"],
  ["a parameter that it hasn't", "print`${args.requests}`;", "has no parameter `requests`", "Did you mean `request`?"],
  ["an enumerator that it hasn't", 'if (args.request.method === "PUST") print`x`;', "PUST", "POST"],
  ["a whole structure", "print`${args.request.points[0]}`;", "can't be printed as a whole", "`x`, `y`"],
])("%s is an error with its place", async (_, body, message, mend) => {
  const { status, text } = await checked(body);
  expect(status).toBe(1);
  expect(text).toMatch(/checked\.probe\.ts.3[,:]/);
  expect(text).toContain(message);
  expect(text).toContain(mend);
});
