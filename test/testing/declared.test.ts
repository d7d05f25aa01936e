/** Made-up hits of functions that only declarations know: their structures, enumerators, floats, and what is passed by value. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as testing from "sonde/testing";
import { afterAll, expect, test } from "vitest";
import * as sources from "../../src/testing.ts";

const simulate = sources.simulate as unknown as typeof testing.simulate;
const scripts = join(import.meta.dirname, "scripts/declared");
const shop = () => simulate<typeof import("./scripts/declared/shop.probe.ts")>(join(scripts, "shop.probe.ts"));
const folder = mkdtempSync(join(tmpdir(), "sonde-declared-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("structures with bases, arrays, aliases and literals; enumerators by name; floats; casts", async () => {
  const sim = await shop();
  const order = {
    sum: 7,
    next: { next: { sum: 9n } },
    tag: "blue",
    lines: [{ sum: 1 }, { sum: 2 }],
    inner: { weight: 2.5, of: { sum: 11 } },
    way: "BY_POST" as const,
  };
  sim.call("shop:bill", { args: { order, way: "BY_HAND", rebate: 0.25, deep: sim.text("\u0001\0\0\0\0\0\0\0") } }, { ret: -3 });
  expect(sim.events.bills).toEqual([{ sum: 7n, next: 9n, tag: "blue", second: 2n, hand: true, weight: 2.5, over: 0.25, self: 11n, secret: 1n }]);
  expect(sim.events.results).toEqual([{ bill: -3 }]);
  expect(() => sim.hit("shop:bill", { args: { order: { summ: 1 } } })).toThrow("args.order.summ isn't a field of Order");
  expect(() => sim.hit("shop:bill", { args: { way: "BY_SEA" as never } })).toThrow(expect.objectContaining({ mend: "They are: BY_POST, BY_HAND." }));
  expect((await sim.finish()).unreadable).toBe(0n);
});

test("what is passed by value, in registers' turn and on the stack, and results; what is left out is 0", async () => {
  const sim = await shop();
  const name = { data_ptr: "crate and more", length: 5 } as never;
  sim.call("shop:ship", { args: { to: { x: -1, y: 5n }, count: 3, name, last: { y: 6 }, far: { y: 8 } } }, { ret: { x: 4, y: 5 } });
  sim.call("shop:ship", { args: { count: 1, name } }, {});
  expect(sim.events.ships).toEqual([
    { x: -1, y: 5n, count: 3, name: "crate", last: 6n, far: 8n },
    { x: 0, y: 0n, count: 1, name: "crate", last: 0n, far: 0n },
  ]);
  expect(sim.events.places).toEqual([{ x: 4, y: 5n }]);
  await sim.finish();
});

test("a static probe's arguments, by their declared names", async () => {
  const sim = await shop();
  sim.usdt("shop:shop:paid", { args: { sum: 12n, by: "cash" } });
  expect(sim.events.paid).toEqual([{ sum: 12n, by: "cash" }]);
  await sim.finish();
});

test("a tracepoint's declared fields, as a user to whom the kernel doesn't tell of them", () => {
  cpSync(scripts, join(folder, "shop"), { recursive: true });
  writeFileSync(join(folder, "shop/tsconfig.json"), "{}");
  execFileSync("chmod", ["-R", "a+rX", folder]);
  const code = `import { simulate } from ${JSON.stringify(join(import.meta.dirname, "../../dist/testing.mjs"))};
    const sim = await simulate(${JSON.stringify(join(folder, "shop/shop.probe.ts"))});
    sim.tracepoint("shop:never", { args: { who: "me", small: 3, sum: 4n, what: "tea" } });
    console.log(JSON.stringify(sim.events.seen, (_, value) => (typeof value === "bigint" ? Number(value) : value)));`;
  const nobody = { uid: 65534, gid: 65534, env: { PATH: process.env.PATH, HOME: "/nonexistent", XDG_CACHE_HOME: join(tmpdir(), "sonde-65534") } };
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", code], { ...(process.getuid?.() === 0 ? nobody : {}), encoding: "utf8" });
  expect(JSON.parse(said)).toEqual([{ who: "me", small: 3, sum: 4, what: "tea" }]);
});

test("declarations are those of the project: in the folder of its tsconfig.json and below, not those of a project inside", async () => {
  const project = join(folder, "project");
  mkdirSync(join(project, "types/deep"), { recursive: true });
  mkdirSync(join(project, "probes"));
  const script = join(project, "probes/a.probe.ts");
  const declaration = join(project, "types/deep/a.d.ts");
  writeFileSync(
    script,
    `import { events, i32, uprobe } from "sonde";\nexport const e = events({ n: i32 });\nuprobe("nowhere:f", (c) => e.emit({ n: c.args.n }));\n`,
  );
  writeFileSync(
    declaration,
    `import type { i32 } from "sonde";\ndeclare module "sonde" { interface Functions { "nowhere:f": { args: { p: Ptr; n: i32 }; ret: void } } }\n`,
  );
  await expect(simulate(script)).rejects.toMatchObject({ code: "SONDE_SCRIPT_ERRORS" });
  writeFileSync(join(project, "tsconfig.json"), "{}");
  const sim = await simulate<{ e: import("sonde").Events<{ n: typeof import("sonde").i32 }> }>(script);
  sim.hit("nowhere:f", { args: { n: 5 } });
  expect(sim.events.e).toEqual([{ n: 5 }]);
  await sim.finish();
  writeFileSync(join(project, "types/tsconfig.json"), "{}");
  await expect(simulate(script)).rejects.toMatchObject({ code: "SONDE_SCRIPT_ERRORS" });
  renameSync(declaration, join(project, "probes/a.d.ts"));
  await (await simulate(script)).finish();
});

test("of a program that is there without its debug information", async () => {
  const sim = await simulate<typeof import("./scripts/declared/postgres.probe.ts")>(join(scripts, "postgres.probe.ts"));
  const queryDesc = { sourceText: "select 1", plannedstmt: { queryId: 5n, planTree: { plan_rows: 2.5 } }, operation: "CMD_SELECT" };
  sim.call("postgres:standard_ExecutorRun", { time: 0, args: { queryDesc, direction: "ForwardScanDirection" } }, { time: 60_000_000 });
  sim.call("postgres:standard_ExecutorRun", { args: { queryDesc, direction: "BackwardScanDirection" } }, {});
  expect(sim.events.slow).toEqual([{ id: 5n, ns: 60_000_000n, sql: "select 1", estimate: 2.5, select: true }]);
  expect(sim.maps.byId.read(5n)?.count).toBe(1n);
  await sim.finish();
});
