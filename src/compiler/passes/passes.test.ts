/** The passes: what is computed once, what is forwarded, what goes, and what has to stay. */
import { expect, test } from "vitest";
import { Builder } from "../mir/builder.ts";
import type { Instr } from "../mir/types.ts";
import { removeDead } from "./dead-code.ts";
import { clean, dominators, order } from "./flow.ts";
import { optimize } from "./optimize.ts";
import { numberValues } from "./value-numbering.ts";

const instructions = (b: Builder): Instr[] => order(b.fn).flatMap(({ instrs }) => instrs);
const ops = (b: Builder): string[] => instructions(b).map((instr) => (instr.op === "binary" ? instr.fn : instr.op));

test("the same computation over what doesn't change is made once", () => {
  const b = new Builder();
  const x = b.load({ reg: 0 }, 0, 8, false, true);
  const y = b.load({ reg: 0 }, 0, 8, false, true);
  b.store({ reg: 0 }, 0, 8, b.binary("add", x, 5n));
  b.store({ reg: 0 }, 8, 8, b.binary("add", y, 5n));
  b.exit(0n);
  optimize(b.fn);
  expect(ops(b)).toEqual(["load", "add", "store", "store"]);
});

test("a computation on one way isn't taken for the one on another", () => {
  const b = new Builder();
  const [yes, no] = [b.block(), b.block()];
  const x = b.load({ reg: 0 }, 0, 8, false, true);
  b.branch("ne", x, 0n, yes, no);
  for (const block of [yes, no]) {
    b.enter(block);
    b.exit(b.binary("add", x, 5n));
  }
  optimize(b.fn);
  expect(ops(b)).toEqual(["load", "add", "add"]);
});

test("a copy of a variable stays the old value when the variable is set", () => {
  const b = new Builder();
  const v = b.variable();
  b.set(v, b.load({ reg: 0 }, 0, 8));
  const before = b.copy(v);
  b.set(v, b.binary("add", v, 1n));
  b.store({ reg: 0 }, 0, 8, before);
  b.exit(v);
  numberValues(b.fn);
  const store = instructions(b).find((instr) => instr.op === "store");
  expect(store).toMatchObject({ value: before });
});

test("a copy of a variable is forwarded while the variable stays", () => {
  const b = new Builder();
  const v = b.variable();
  b.set(v, b.load({ reg: 0 }, 0, 8));
  b.store({ reg: 0 }, 0, 8, b.copy(v));
  b.exit(0n);
  optimize(b.fn);
  expect(instructions(b).find((instr) => instr.op === "store")).toMatchObject({ value: v });
});

test("constants run into branches, and what can't be reached goes", () => {
  const b = new Builder();
  const [yes, no] = [b.block(), b.block()];
  b.branch("ugt", b.copy(7n), 5n, yes, no);
  b.enter(yes);
  b.exit(1n);
  b.enter(no);
  b.exit(2n);
  optimize(b.fn);
  expect(order(b.fn)).toHaveLength(1);
  expect(order(b.fn)[0]!.end).toEqual({ op: "exit", value: 1n });
});

test("a result that nobody reads: what has effects stays, without it", () => {
  const b = new Builder();
  b.load({ reg: 0 }, 0, 8);
  b.fetch("add", { reg: 0 }, 0, 8, 1n);
  b.call("get_current_pid_tgid", [], true);
  b.call("map_delete_elem", []);
  b.exit(0n);
  removeDead(b.fn);
  expect(instructions(b)).toMatchObject([
    { op: "atomic", dst: undefined },
    { op: "call", dst: undefined, callee: { helper: "map_delete_elem" } },
  ]);
});

test("empty blocks are jumped over, and chains become one block", () => {
  const b = new Builder();
  const [one, two, three] = [b.block(), b.block(), b.block()];
  b.jump(one);
  b.enter(one);
  b.jump(two);
  b.enter(two);
  b.store({ reg: 0 }, 0, 8, 1n);
  b.jump(three);
  b.enter(three);
  b.exit(0n);
  clean(b.fn);
  expect(order(b.fn)).toHaveLength(1);
  expect(ops(b)).toEqual(["store"]);
});

test("each block is dominated by the nearest that all ways to it lead through", () => {
  const b = new Builder();
  const [left, right, meet, loop] = [b.block(), b.block(), b.block(), b.block()];
  const x = b.load({ reg: 0 }, 0, 8);
  b.branch("ne", x, 0n, left, right);
  for (const block of [left, right]) {
    b.enter(block);
    b.jump(meet);
  }
  b.enter(meet);
  b.branch("ne", x, 1n, meet, loop);
  b.enter(loop);
  b.exit(0n);
  const idom = dominators(order(b.fn));
  expect([left, right, meet, loop].map(({ id }) => idom.get(id))).toEqual([0, 0, 0, meet.id]);
});
