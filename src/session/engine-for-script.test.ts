/** Which engine a script gets by what it uses. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: scripts are written as text here.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Target } from "../compiler/target.ts";
import { someKernel } from "../compiler/testing.ts";
import { availability } from "../engines/breakpoint/availability.ts";
import type { EngineChoice } from "../engines/choose.ts";
import type { Engine } from "../engines/engine.ts";
import { lowerForEngine } from "./engine-for-script.ts";
import { namedStates } from "./names.ts";
import { Scope } from "./scope.ts";
import { compiled } from "./script/compile.ts";
import { loadScript } from "./script/load.ts";
import { scriptFile } from "./script/source.ts";
import { makeVocabulary } from "./vocabulary/vocabulary.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-engine-for-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
});
afterAll(() => rmSync(folder, { recursive: true }));

const target: Target = { ...someKernel, kfuncs: new Set(["bpf_session_is_return", "bpf_session_cookie"]) };
/** Stands for the kernel's, whatever this machine's kernel can do. Nothing is armed. */
const kernel: Engine = {
  name: "kernel",
  available: () => ({ ok: true }),
  target: () => target,
  arm: () => Promise.reject(new Error("nothing is armed here")),
};

let scripts = 0;
async function engineFor(body: string, choice: EngineChoice) {
  const path = join(folder, `script-${++scripts}.probe.ts`);
  writeFileSync(path, `import { intercept, print, uprobe, uretprobe } from "sonde";\n${body}\n`);
  const source = scriptFile(path);
  const { unit } = await compiled(source);
  const scope = new Scope({
    params: {},
    pids: [],
    unsafe: true,
    modeOf: () => "entry",
    resolve: () => ({ sites: [], notes: [] }),
    actions: { print() {}, show() {}, exit() {}, symbol: String },
  });
  await loadScript(unit, source, scope, makeVocabulary(scope));
  const request = { unit, scope, named: namedStates(unit, scope), filter: { pids: [], children: false, cgroup: undefined }, unsafe: true };
  const { engine, notes, lowered } = await lowerForEngine(request, { engine: kernel, notes: ["first"] }, choice);
  return { engine: engine.name, notes, programs: lowered.image.programs.map(({ runs }) => runs) };
}

test("one that every engine has runs where it was going to", async () => {
  expect(await engineFor('uprobe("app:f", (c) => print`${c.arg0}`);', "auto")).toEqual({ engine: "kernel", notes: ["first"], programs: ["entry"] });
});

test.runIf(availability().ok).each([
  ['intercept("app:f", { enter() {} });', "intercept()", []],
  ['uprobe("app:f", { before: (c) => print`${c.arg0}`, after() {} });', "a before, after or fault handler", ["entry", "after"]],
  ['uretprobe("app:f", (c) => print`${c.fret}`);', "`c.fret` (a float register)", ["return"]],
])("what the kernel lacks is a reason for another, and is said: %s", async (body, what, programs) => {
  expect(await engineFor(body, "auto")).toEqual({ engine: "breakpoint", notes: ["first", `engine breakpoint: the engine kernel lacks ${what}`], programs });
});

test("an engine that was named isn't changed", async () => {
  await expect(engineFor('uprobe("app:f", { after() {} });', "kernel")).rejects.toMatchObject({
    code: "SONDE_SCRIPT_ERRORS",
    diagnostics: [{ code: "SONDE_C_ENGINE", mend: "The engine breakpoint has it: --engine breakpoint." }],
  });
});

test("what no engine has is an error on each", async () => {
  await expect(engineFor('uprobe("app:f", { after: (c) => print`${c.kstack()}` });', "auto")).rejects.toMatchObject({ code: "SONDE_SCRIPT_ERRORS" });
});
