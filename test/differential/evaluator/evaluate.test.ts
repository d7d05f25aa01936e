import { describe, expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import type { Hit, UserMemory } from "./run.ts";
import { Text } from "./value.ts";

const hit = (parts: Partial<Hit> = {}): Hit => ({
  probe: 0,
  at: "entry",
  args: [1n, 2n, 3n, 4n, 5n, 6n],
  ret: 0n,
  pid: 10,
  tid: 11,
  uid: 1000,
  gid: 100,
  cpu: 1,
  comm: "prog",
  time: 1000n,
  cgroup: 7n,
  func: "f",
  ...parts,
});
const words = new Map<bigint, Uint8Array>([[0x1000n, new TextEncoder().encode("hello\0")]]);
const memory: UserMemory = {
  read: (address, length) => {
    for (const [base, bytes] of words)
      if (address >= base && address + BigInt(length) <= base + BigInt(bytes.length))
        return bytes.slice(Number(address - base), Number(address - base) + length);
    return undefined;
  },
};
/** What `print` of one expression shows. */
function value(expression: string, parts: Partial<Hit> = {}, before = ""): unknown {
  const script = `import { uprobe, print } from "sonde";\nuprobe("x:f", (c) => { ${before}; print\`\${${expression}}\`; });`;
  const output = evaluate(script, [hit(parts)], { memory, functions: ["f"] }).outputs[0];
  const shown = output?.o === "print" ? output.values[0] : undefined;
  return shown instanceof Text ? Buffer.from(shown.bytes).toString() + (shown.cut ? "…" : "") : shown;
}
const args = (...given: bigint[]): Partial<Hit> => ({ args: [...given, 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) });
const MIN = -(2n ** 63n);

describe("the evaluator reads the operator table:", () => {
  test.each<[string, bigint[], unknown]>([
    ["c.arg0 + c.arg1", [2n ** 63n - 1n, 1n], MIN],
    ["c.arg0 / c.arg1", [-7n, 2n], -3n],
    ["c.arg0 / c.arg1", [7n, 0n], 0n],
    ["c.arg0 / c.arg1", [MIN, -1n], MIN],
    ["c.arg0 % c.arg1", [-7n, 2n], -1n],
    ["c.arg0 % c.arg1", [7n, 0n], 7n],
    ["c.arg0 << c.arg1", [1n, 65n], 2n],
    ["c.arg0 >> c.arg1", [-8n, 1n], -4n],
    ["c.arg0 >>> c.arg1", [-8n, 1n], 2n ** 63n - 4n],
    ["u64(c.arg0) >> 1", [-8n], 2n ** 63n - 4n],
    ["u64(c.arg0) - 1", [0n], -1n],
    ["u64(c.arg0) + c.arg1", [1n, -2n], 2n ** 64n - 1n],
    ["c.arg0 < u64(c.arg1)", [-1n, 1n], true],
    ["c.arg0 === u64(c.arg1)", [-1n, -1n], false],
    ["i32(c.arg0)", [0xffff_ffffn], -1n],
    ["u8(c.arg0)", [-1n], 255n],
    ["~c.arg0", [0n], -1n],
    ["~u64(c.arg0)", [0n], 2n ** 64n - 1n],
    ["str(c.arg0)", [0x1000n], "hello"],
    ["str(c.arg0, 3)", [0x1000n], "hel…"],
    ["str(c.arg0)", [0x9000n], undefined],
    ["str(c.arg0)?.length ?? -1", [0x9000n], -1n],
    ["(str(c.arg0) ?? '').slice(1, 3)", [0x1000n], "el"],
    ["Math.min(c.arg0, c.arg1, 5)", [9n, 7n], 5n],
  ])("%s of %s is %s", (expression, given, expected) => {
    expect(value(expression, args(...given))).toBe(expected);
  });
  test("a local has one kind for its life", () => {
    expect(value("x >> 1", { time: 2n ** 64n - 2n }, "let x = 0; x = c.time")).toBe(2n ** 63n - 1n);
    expect(value("x + c.arg0", { ...args(-1n) }, "let x = 0; if (c.arg1 === 9) x = c.time")).toBe(2n ** 64n - 1n);
  });
});

test("a live entry, an early return, a helper, a loop and a switch", () => {
  const script = `
    const S = struct({ n: u8, t: u64 });
    export const m = hash(u32, S), total = sum();
    const limit = 3;
    function bump(k, by) { k.n += by; return k.n; }
    uprobe("x:f", (c) => {
      const k = m.getOrInsert(c.pid, { n: 250, t: c.time });
      if (bump(k, c.arg0) < 5) return;
      for (let i = 0; i < 10; i++) { if (i === limit) break; total.add(i); }
      switch (c.arg1) { case 1: total.add(100); case 2: total.add(1000); break; default: total.add(5); }
    });`;
  const outcome = evaluate(script, [hit({ args: [4n, 2n, 0n, 0n, 0n, 0n] }), hit({ args: [4n, 7n, 0n, 0n, 0n, 0n] })], { memory, functions: ["f"] });
  expect([...outcome.states.get("m")!.contents()]).toEqual([["0a000000", "0200000000000000e803000000000000"]]);
  // 254 → total 3 + 1000; then 258, stored as 2: less than 5.
  expect([...outcome.states.get("total")!.contents()]).toEqual([["", "1003"]]);
});

test("what enter gives reaches leave, and nothing skips it", () => {
  const script = `
    export const s = sum();
    uprobe("x:f", { enter: (c) => { if (c.arg0 > 5) return { from: c.time, n: c.arg0 }; }, leave: (c, at) => s.add((c.time - at.from) * at.n + c.ret) });`;
  const outcome = evaluate(
    script,
    [hit({ args: [9n] }), hit({ args: [1n] }), hit({ at: "return", time: 2000n }), hit({ at: "return", time: 1500n, ret: 7n })],
    { memory, functions: [] },
  );
  expect([...outcome.states.get("s")!.contents()]).toEqual([["", String(500n * 9n + 7n)]]);
});

test("sinks do nothing with undefined and count it", () => {
  const script = `
    export const m = hash(cstring(4), count()), e = events({ a: u8, t: cstring(2) }), n = count();
    uprobe("x:f", (c) => { m.at(str(c.arg0)).add(); e.emit({ a: 300, t: str(c.arg0) }); n.add(); });`;
  const outcome = evaluate(script, [hit({ args: [0x1000n] }), hit({ args: [0n] })], { memory, functions: [] });
  expect(outcome.misses).toBe(2);
  expect([...outcome.states.get("m")!.contents()]).toEqual([["68656c6c01000000", "1"]]);
  expect(outcome.outputs).toEqual([{ o: "event", state: "e", bytes: "2c00000000000000" + "6865010000000000" }]);
});
