/** What `enter` hands to `leave` belongs to its call: by recursion, longjmp, tail calls, fork and eight threads, in each way to attach. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sonde } from "../fixtures/sonde.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-carried-"));
  execFileSync("gcc", ["-O2", "-fno-inline", "-fcf-protection=none", "-pthread", "-o", join(folder, "calls"), join(import.meta.dirname, "calls.c")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Each `leave` sees whether the value is this call's: by the stack pointer, which differs for every call that is open. */
const script = (bytes: number): string => `
import { buf, count, cstring, hash, str, uprobe } from "sonde";
export const entered = hash(cstring(12), count()), left = hash(cstring(12), count()), wrong = hash(cstring(12), count());
const names = ["fact", "jumper", "tail", "leaf", "forker"];
for (const name of names)
  uprobe(\`${folder}/calls:\${name}\`, {
    enter: (c) => ({ n: c.arg0, s: str(c.arg1, ${bytes}), again: c.arg0 * 3, sp: c.regs.rsp, b: buf(c.arg1, 16) }),
    leave: (c, at) => {
      left.at(name).add();
      if (at.again !== at.n * 3 || at.sp + 8 !== c.regs.rsp) wrong.at(name).add();
    },
  });
uprobe(names.map((name) => \`${folder}/calls:\${name}\`), (c) => { entered.at(c.func).add(); });
`;

const numbers = (output: string): { [name: string]: number } =>
  Object.fromEntries([...output.matchAll(/^ {2}(\w+) +(\d+)/gm)].map(([, name, n]) => [name, Number(n)]));

test.each([
  ["session", 60],
  ["session", 900],
  ["multi", 60],
  ["multi", 900],
  ["perf", 60],
  ["tracefs", 60],
] as const)(
  "%s, texts of %d bytes",
  async (mode, bytes) => {
    const path = join(folder, `${mode}-${bytes}.probe.ts`);
    writeFileSync(path, script(bytes));
    const { stdout, status } = await sonde(["run", path, "-c", join(folder, "calls")], { env: { SONDE_ATTACH: mode === "session" ? "" : mode } });
    expect(status).toBe(0);
    const [entered, left, wrong] = stdout.split(/^(?:entered|left|wrong)\b/m).slice(1);
    const calls = { fact: 1000, tail: 1000, leaf: 161_000, forker: 20 };
    expect(numbers(entered!)).toEqual({ ...calls, jumper: 3000 });
    expect(numbers(left!)).toEqual({ ...calls, jumper: 2000 }); // the others jumped out
    expect(numbers(wrong!)).toEqual({});
  },
  60_000,
);
