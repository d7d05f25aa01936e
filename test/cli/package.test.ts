/** The package as a project sees it: `open()` is typed by the script that it opens, and `sonde init` makes scripts type-check. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Project, projectWithSonde, typeCheck } from "../fixtures/package.ts";

let project: Project;
beforeAll(() => {
  project = projectWithSonde();
});
afterAll(() => project.remove());

const SCRIPT = `import { comm, count, cstring, events, hash, hist, str, struct, u32, u64, uprobe, variable } from "sonde";
import "sonde/types/libc";

export const calls = count();
export const sizes = hash(comm, hist());
export const opened = events({ pid: u32, path: cstring(64) });
export const last = variable(u64, 0);
export const byPid = hash([u32, comm], struct({ n: u64, big: u32 }));

uprobe("libc:malloc", (c) => {
  calls.add();
  sizes.at(c.comm).add(c.args.size);
  last.set(c.args.size);
  byPid.set([c.pid, c.comm], { n: c.arg0, big: c.arg0 > 4096 ? 1 : 0 });
});
uprobe("libc:fopen", (c) => opened.emit({ pid: c.pid, path: str(c.args.path) }));
`;
const STRICT = {
  target: "es2022",
  lib: ["es2022"],
  module: "nodenext",
  strict: true,
  noEmit: true,
  types: [],
  allowImportingTsExtensions: true,
  exactOptionalPropertyTypes: true,
};

beforeEach(() => project.write("x.probe.ts", SCRIPT));

test("maps and events have the types that the script gives them, in a strict project that checks declarations too", () => {
  project.write(
    "main.ts",
    `import { open, SondeError, type Summary } from "sonde";
export async function main(signal: AbortSignal | undefined): Promise<bigint> {
  await using session = await open<typeof import("./x.probe.ts")>("./x.probe.ts", { pid: [1, 2], cgroup: "/x", exact: true, stdio: "ignore" });
  session.events.opened.on(({ pid, path }) => [pid satisfies number, path satisfies string]);
  for await (const { pid } of session.events.opened) pid satisfies number;
  const total: bigint = session.maps.calls.read();
  for (const [name, h] of session.maps.sizes) [name satisfies string, h.percentile(99) satisfies number, h.buckets satisfies readonly { min: bigint }[]];
  for (const [[pid, name], { n, big }] of session.maps.byPid) [pid satisfies number, name satisfies string, n satisfies bigint, big satisfies number];
  session.maps.last.read() satisfies bigint;
  const { method, sites, unmatched, skipped, depth, scratch, unreadableAt, status, ended }: Summary = await session.done;
  [method satisfies string, sites satisfies number, unmatched + skipped + depth + scratch satisfies bigint, status satisfies number];
  [ended satisfies string, unreadableAt.map(({ file, line, count }) => [file satisfies string, line satisfies number, count satisfies bigint])];
  return total;
}
export const mend = (error: unknown): string | undefined => (error instanceof SondeError ? error.code + error.exit + error.mend : undefined);
interface AbortSignal { readonly aborted: boolean; addEventListener(type: "abort", listener: () => void): void }
`,
  );
  project.write("tsconfig.json", JSON.stringify({ compilerOptions: STRICT, files: ["main.ts", "x.probe.ts"] }));
  expect(typeCheck(project)).toBe("");
});

test("what the script doesn't have is an error", () => {
  project.write(
    "main.ts",
    `import { open } from "sonde";
const session = await open<typeof import("./x.probe.ts")>("./x.probe.ts", { pids: 1 });
session.maps.nothing;
const text: string = session.maps.calls.read();
session.events.opened.on(({ size }) => size);
export { text };
`,
  );
  project.write("tsconfig.json", JSON.stringify({ compilerOptions: STRICT, files: ["main.ts"] }));
  const lines = [...typeCheck(project).matchAll(/^main\.ts\((\d+),/gm)].map((match) => match[1]);
  expect(lines).toEqual(["2", "3", "4", "5"]);
});

test("with the tsconfig.json that init writes, scripts type-check, though no other package is there", () => {
  const sonde = join(project.folder, "node_modules/sonde/dist/cli.mjs");
  execFileSync("rm", ["-f", join(project.folder, "tsconfig.json"), join(project.folder, "main.ts")]);
  project.write(
    "y.probe.ts",
    'import { interval } from "sonde";\nimport { calls } from "./x.probe.ts";\ninterval("1s", () => {});\nconsole.log(calls.read(), process.pid);\n',
  );
  execFileSync(process.execPath, [sonde, "init"], { cwd: project.folder });
  expect(typeCheck(project)).toBe("");
});

test("what the package exports is there, and every value that the declarations promise", async () => {
  const installed = join(project.folder, "node_modules/sonde");
  const entry = (await import(join(installed, "dist/index.mjs"))) as object;
  const text = ["sonde", "hits", "session"].map((name) => readFileSync(join(installed, `lib/${name}.d.ts`), "utf8")).join("\n");
  const declared = [...text.matchAll(/^export (?:function|class|const) (\w+)/gm)].map((match) => match[1]!);
  expect(declared.filter((name) => !(name in entry))).toEqual([]);
  expect(Object.keys(entry).filter((name) => !declared.includes(name))).toEqual([]);
  expect(readdirSync(installed)).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist", "docs", "lib"]));
});
