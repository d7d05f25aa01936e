/** Common mistakes: each is reported at its line, in the terms of probes, and nowhere else. */
import { expect, test } from "vitest";
import { positionAt } from "../diagnostics/format.ts";
import { compile } from "./compile-text.ts";

const TYPES = {
  "/scripts/types.d.ts": `
    import type { Ptr, i32, u64, u8, CArray } from "sonde";
    declare module "sonde" {
      interface Functions {
        "app:handle": { args: { req: Ptr<Request>; mode: Mode; size: u64 }; ret: i32 };
        "app:done": { args: { req: Ptr<Request> }; ret: void };
      }
    }
    export type Mode = "MODE_FAST" | "MODE_SLOW";
    export interface Request { id: u64; next: Ptr<Request>; name: CArray<u8, 16> }`,
};

/** The code that is expected, and a script whose wrong line ends in `// BAD`. */
const mistakes: readonly (readonly [name: string, code: string, text: string])[] = [
  [
    "a parameter's name",
    "SONDE_C_NO_ARGUMENT",
    `
    const n = sum();
    uprobe("app:handle", (c) => {
      n.add(c.args.size);
      n.add(c.args.length); // BAD
    });`,
  ],
  [
    "a length that isn't whole",
    "SONDE_C_WHOLE_NUMBER",
    `
    const ok = cstring(16);
    const name = cstring(15.5); // BAD`,
  ],
  [
    "a host read in a handler",
    "SONDE_C_HOST_METHOD",
    `
    const n = count(), s = sum();
    uprobe("app:handle", (c) => {
      s.add(c.arg0 + n.read()); // BAD
    });`,
  ],
  [
    "a key's parts the other way round",
    "TS2322",
    `
    const n = hash([u32, comm], count());
    uprobe("app:handle", (c) => {
      n.at([c.pid, c.comm]).add();
      n.at([c.comm, c.pid]).add(); // BAD
    });`,
  ],
  [
    "an event's field",
    "TS2353",
    `
    const e = events({ pid: u32, path: cstring(16) });
    uprobe("app:handle", (c) => {
      e.emit({ pid: c.pid, file: str(c.arg0) }); // BAD
    });`,
  ],
  [
    "an async handler",
    "SONDE_C_ASYNC",
    `
    const n = count();
    uprobe("app:handle", async () => { // BAD
      await Promise.resolve();
      n.add();
    });`,
  ],
  [
    "an argument at the return",
    "SONDE_C_ARGUMENT_AT_RETURN",
    `
    const h = hist();
    uretprobe("app:handle", (c) => {
      h.add(c.ret);
      h.add(c.arg0); // BAD
    });`,
  ],
  [
    "a result at the entry",
    "SONDE_C_RESULT_AT_ENTRY",
    `
    const h = hist();
    uprobe("app:handle", (c) => h.add(c.ret)); // BAD`,
  ],
  [
    "a pointer that was read, not tested",
    "SONDE_C_MAYBE_UNDEFINED",
    `
    const h = hist();
    uprobe("app:handle", (c) => {
      h.add(c.args.req.next?.id);
      h.add(c.args.req.next.next.id); // BAD
    });`,
  ],
  [
    "a looked-up value, not tested",
    "SONDE_C_MAYBE_UNDEFINED",
    `
    const from = hash(u32, u64), h = hist();
    uretprobe("app:handle", (c) => {
      h.add(c.time - from.get(c.tid)); // BAD
    });`,
  ],
  [
    "a field that enter didn't give",
    "SONDE_C_NO_CARRIED",
    `
    const h = hist();
    uprobe("app:handle", {
      enter: (c) => ({ from: c.time }),
      leave: (c, at) => h.add(c.time - at.start), // BAD
    });`,
  ],
  [
    "a period",
    "SONDE_C_PERIOD",
    `
    interval("1s", () => {});
    interval("1 second", () => {}); // BAD`,
  ],
  [
    "a rate",
    "SONDE_C_RATE",
    `
    profile("99", () => {}); // BAD`,
  ],
  [
    "arithmetic on a float",
    "SONDE_C_FLOAT_VALUE",
    `
    const h = hist();
    uprobe("app:handle", (c) => {
      h.add(c.farg0 * 1000); // BAD
    });`,
  ],
  [
    "an assigned argument",
    "SONDE_C_READ_ONLY",
    `
    uprobe("app:handle", (c) => c.unsafe.setArg(1, 0));
    uprobe("app:handle", (c) => {
      c.arg1 = 0; // BAD
    });`,
  ],
  [
    "an amount for a count",
    "SONDE_C_COUNT_AMOUNT",
    `
    const n = hash(comm, count());
    uprobe("app:handle", (c) => n.at(c.comm).add(c.arg0)); // BAD`,
  ],
  [
    "the result of a function that has none",
    "SONDE_C_VOID_RESULT",
    `
    const h = hist();
    uretprobe("app:done", (c) => h.add(c.ret)); // BAD`,
  ],
  [
    "a handler's method in a library",
    "SONDE_C_HANDLER_METHOD",
    `
    const s = await open<{ conns: ReturnType<typeof table> }>("x.probe.ts");
    function table() { return hash(u32, u64); }
    s.maps.conns.read(1);
    s.maps.conns.get(1); // BAD`,
  ],
  [
    "a bigint taken for a number",
    "SONDE_C_BIGINT_HOST",
    `
    const n = count();
    setInterval(() => {
      const total: number = n.read(); // BAD
      console.log(total);
    }, 1000);`,
  ],
  [
    "a promise carried",
    "SONDE_C_ASYNC",
    `
    uprobe("app:handle", {
      enter: async (c) => c.time, // BAD
      leave: () => {},
    });`,
  ],
  [
    "an enumerator",
    "SONDE_C_NO_ENUMERATOR",
    `
    const n = count();
    uprobe("app:handle", (c) => {
      if (c.args.mode === "MODE_FAST") n.add();
      if (c.args.mode === "FAST") n.add(); // BAD
    });`,
  ],
  [
    "a misspelt context",
    "SONDE_C_NO_MEMBER",
    `
    const n = hash(comm, count());
    uprobe("some:unknown", (c) => n.at(c.name).add()); // BAD`,
  ],
  [
    "a misspelt method of an aggregate",
    "SONDE_C_NO_MEMBER",
    `
    const n = count();
    uprobe("some:unknown", () => n.ad()); // BAD`,
  ],
  [
    "leave before enter",
    "SONDE_C_LEAVE_FIRST",
    `
    const h = hist();
    uprobe("app:handle", {
      leave: (c, at) => h.add(c.time - at), // BAD
      enter: (c) => c.time,
    });`,
  ],
  [
    "enter without leave",
    "SONDE_C_ENTER_ALONE",
    `
    uprobe("app:handle", { enter: (c) => c.time }); // BAD`,
  ],
  [
    "a map carried",
    "SONDE_C_CARRIED",
    `
    uprobe("app:handle", {
      enter: (c) => ({ f: c.ustack }) as any as { f: () => void }, // BAD
      leave: () => {},
    });`,
  ],
  [
    "a name that isn't there",
    "TS2304",
    `
    uprobe("app:handle", (c) => { missing(c.pid); }); // BAD`,
  ],
];

const NAMES = "count, sum, hist, hash, comm, u32, u64, events, cstring, str, uprobe, uretprobe, interval, profile, open";

test.each(mistakes)("%s: %s", (_name, code, body) => {
  const text = `import { ${NAMES} } from "sonde";${body}`;
  const { diagnostics, unit } = compile(text, TYPES, ["/scripts/types.d.ts"]);
  const line = text.split("\n").findIndex((each) => each.includes("// BAD")) + 1;
  expect(diagnostics.map((each) => each.code)).toContain(code);
  expect(diagnostics.map((each) => positionAt(text, each.start).line)).toEqual(diagnostics.map(() => line));
  expect(unit).toBeUndefined();
});

test("the host's own types are the host's business", () => {
  const text = `import { count, uprobe } from "sonde"; import { x } from "some-package"; import { readFileSync } from "node:fs";
    const n = count(); uprobe("a:b", () => n.add());
    const server = x(readFileSync("a")); notDeclared.foo(); "text".normalize("NFC").anything; Math.sqrt(2).nothing;
    const wrong: string = 5; process.exitCode = 1;`;
  const { diagnostics, unit } = compile(text);
  expect(diagnostics).toEqual([]);
  expect(unit?.handlers).toHaveLength(1);
});

test.each([
  ["(c) => n.at(c.coom).add()", "comm"],
  ["() => all.ad()", "add"],
  ["(c) => n.att(c.comm).add()", "at"],
])("%s is told of %s", (handler, near) => {
  const { diagnostics } = compile(
    `import { comm, count, hash, uprobe } from "sonde"; const n = hash(comm, count()), all = count(); uprobe("a:b", ${handler});`,
  );
  expect(diagnostics.map(({ code, mend }) => [code, mend])).toEqual([["SONDE_C_NO_MEMBER", `Did you mean \`${near}\`?`]]);
});
