/** What the type checker makes of a program's own types: declared ones are checked, undeclared ones may be anything. */
import { expect, test } from "vitest";
import { compile } from "./compile-text.ts";

const DECLARED = `import { buf, count, hash, hex, i32, print, str, sum, u64, uprobe, uretprobe, type bool, type CArray, type Ptr } from "sonde";
declare module "sonde" {
  interface Functions {
    "app:run": { args: { plan: Ptr<Plan>; plans: Ptr<Ptr<Plan>>; kind: Kind; n: i32; any: Ptr }; ret: Ptr<Plan> };
  }
}
type Kind = "CMD_SELECT" | "CMD_UPDATE";
/** @sonde pg::Cost<int> */
interface Cost { total: u64; ok: bool }
interface Plan { rows: i32; cost: Cost; next: Ptr<Plan>; name: CArray<i32, 16>; costs: CArray<Cost, 3>; grid: CArray<CArray<i32, 3>, 2>; kind: Kind; callback: Ptr; table: Ptr<Ptr<Plan>> }
const total = sum(), byKind = hash(i32, count());
`;
const problems = (body: string, before = DECLARED): string[] =>
  compile(`${before}uprobe("app:run", (c) => { ${body} });\n`).diagnostics.map(({ code, message }) => `${code} ${message}`);

test.each([
  [
    "fields that are embedded, and those behind pointers",
    "total.add(c.args.plan.rows); total.add(c.args.plan.cost.total); total.add(c.args.plan.next?.next?.cost.total);",
  ],
  ["elements", "total.add(c.args.plan.name[3]); total.add(c.args.plan.costs[1].total); total.add(c.args.plan.grid[1][2]); total.add(c.args.plans[0]?.rows);"],
  [
    "loops over arrays",
    "for (const x of c.args.plan.name) total.add(x); for (const { total: t } of c.args.plan.costs) total.add(t); for (const row of c.args.plan.grid) for (const x of row) total.add(x);",
  ],
  [
    "enumerators by their names, and their numbers",
    "if (c.args.kind === 'CMD_SELECT' || c.args.plan.kind !== 'CMD_UPDATE') byKind.at(i32(c.args.kind)).add();",
  ],
  ["pointers as integers", "if (c.args.plan === 0) return; print`${hex(c.args.plan + 8)} ${hex(c.args.any)} ${c.args.plan.next}`;"],
  ["casts", "total.add((c.args.any as Ptr<Cost>).total); total.add((c.args.any as Ptr<Ptr<Plan>>)[0]?.rows);"],
  ["texts and bytes", "print`${str(c.args.plan.name)} ${buf(c.args.plan.name, 4)} ${str(c.args.plan.callback)}`;"],
  [
    "variables, of which nothing is declared",
    "print`${c.vars.node.next?.id} ${c.vars.i} ${str(c.vars.names[3].text)}`; for (const x of c.vars.items) total.add(x);",
  ],
])("declared: %s", (_, body) => expect(problems(body)).toEqual([]));

test.each([
  ["a misspelt field", "total.add(c.args.plan.rwos);", "rwos"],
  ["a misspelt enumerator", "if (c.args.kind === 'CMD_SELETC') total.add(1);", "CMD_SELETC"],
  ["a read that isn't tested", "total.add(c.args.plan.next.rows);", "may be undefined"],
  ["a misspelt parameter", "total.add(c.args.pan.rows);", "pan"],
])("declared: %s is an error", (_, body, word) => {
  const [problem = ""] = problems(body);
  expect(problem).toContain(word);
});

test.each([
  "total.add(c.args.request.uri.data);",
  "total.add(c.args.request.pool?.size); total.add(c.args.request.pool.size);",
  "total.add(c.args.list[3].items[c.arg1]?.x + 1);",
  "for (const x of c.args.items) total.add(x.y.z);",
  "if (c.args.kind === 'ANY' || i32(c.args.kind) > 3) total.add(c.args.plan?.deep.er?.still);",
  "const { plan, n } = c.args; if (n > 3) print`${str(plan.name)} ${plan === 0}`;",
  "const { deep } = c.vars; print`${deep?.er}`;",
])("undeclared: anything goes: %s", (body) => {
  expect(problems(body, 'import { count, hash, i32, print, str, sum, uprobe } from "sonde";\nconst total = sum();\n')).toEqual([]);
});

test.each(["total.add(c.ret.plan?.rows); total.add(c.ret[2]?.x);", "if (c.ret < 0 || c.ret === -1) total.add(-c.ret);", "total.add(i32(c.ret) + c.ret * 2);"])(
  "an undeclared result is an integer, and may have fields: %s",
  (body) => {
    const script = `import { i32, sum, uretprobe } from "sonde";\nconst total = sum();\nuretprobe("app:run", (c) => { ${body} });\n`;
    expect(compile(script).diagnostics).toEqual([]);
  },
);

test("a cast goes by the tag of the declaration, else by the type's name", () => {
  const { unit } = compile(
    `${DECLARED}uprobe("app:run", (c) => { total.add((c.args.any as Ptr<Ptr<Cost>>)[0]?.total); total.add((c.args.any as Ptr<Plan>).rows); });\n`,
  );
  const casts: string[] = [];
  JSON.stringify(unit?.handlers, (_, value: { readonly k?: string; readonly type?: string }) => {
    if (value?.k === "cast") casts.push(value.type!);
    return value;
  });
  expect(casts).toEqual(["*pg::Cost<int>", "Plan"]);
});
