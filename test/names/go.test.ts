/** Go's functions: by the table that stripped programs have too, as `nm` and `addr2line` know them; calls paired by goroutine. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GoFunctions } from "../../src/elf/go-pclntab.ts";
import { goVersion } from "../../src/elf/go-version.ts";
import { readElf } from "../../src/elf/image.ts";
import { memorySource } from "../../src/elf/source.ts";
import { FileSource } from "../../src/symbols/file-source.ts";
import { resolveTarget } from "../../src/symbols/resolve.ts";
import { namesInGo } from "../fixtures/build.ts";
import { launch } from "../fixtures/sonde.ts";
import { mapOf, temporaryFolder, traced, where } from "../real-programs/support.ts";

const run = (command: string, args: readonly string[], input = ""): string => execFileSync(command, args, { encoding: "utf8", input, maxBuffer: 2 ** 28 });
const tableOf = (path: string): GoFunctions => {
  const table = GoFunctions.read(readElf(new FileSource(path)));
  if (table === undefined) throw new Error(`${path} has no table of Go`);
  return table;
};
const sitesOf = (path: string, place: string, mode: "entry" | "return" = "entry") => resolveTarget(`${path}:${place}`, { mode }).sites;

describe.skipIf(where("go") === undefined)("a Go program", () => {
  const build = (options: Parameters<typeof namesInGo>[0]): string => (where("go") === undefined ? "" : namesInGo(options));
  const plain = build({});
  const stripped = build({ stripped: true });

  test.each([{}, { pie: true }])("has the functions in Go's table that nm shows (%o)", (options) => {
    const path = build(options);
    const table = tableOf(path);
    const symbols = run("nm", [path])
      .split("\n")
      .map((line) => /^([0-9a-f]+) [tT] (main\..*)$/.exec(line))
      .filter((match) => match !== null);
    expect(symbols.length).toBeGreaterThan(5);
    for (const [, address, name] of symbols) expect(table.find(name as string).map((i) => table.address(i))).toEqual([Number.parseInt(address as string, 16)]);
  });

  test("has the line of every instruction's address that addr2line shows", () => {
    const table = tableOf(plain);
    const addresses = ["main.main", "main.branches", "main.(*Order).Push", "main.deep", "fmt.Fprintln"].flatMap((name) => {
      const [index] = table.find(name) as [number];
      return Array.from({ length: Math.min(40, table.size(index)) }, (_, i) => table.address(index) + i);
    });
    const theirs = run("go", ["tool", "addr2line", plain], addresses.map((address) => `${address.toString(16)}\n`).join(""))
      .split("\n")
      .filter((_, i) => i % 2 === 1);
    expect(addresses.map((address) => table.line(address)).map((line) => `${line?.file}:${line?.line}`)).toEqual(theirs.slice(0, addresses.length));
  });

  test.each(["main.main", "main.(*Order).Push", "main.Order.Total", "main.deep"])("that was stripped has %s at the same place", (name) => {
    const [site] = sitesOf(stripped, name);
    expect(site).toMatchObject({ name, functionOffset: sitesOf(plain, name)[0]?.functionOffset });
  });

  test("that was stripped has patterns, near names, and an offset into a function", () => {
    const names = sitesOf(stripped, "main.*").map((site) => site.name);
    expect(names).toEqual(expect.arrayContaining(["main.main", "main.(*Order).Push", "main.branches"]));
    expect(() => sitesOf(stripped, "main.branchs")).toThrow(expect.objectContaining({ mend: expect.stringContaining("main.branches") }));
    const [{ go } = { go: undefined }] = sitesOf(stripped, "main.deep");
    expect(sitesOf(stripped, `main.deep+${go?.checked}`)).toMatchObject([{ name: "main.deep", delta: go?.checked }]);
  });

  test("has a return for each of a function's ways out", () => {
    const [site] = sitesOf(stripped, "main.branches", "return");
    const disassembly = run("objdump", ["-d", "--disassemble=main.branches", plain]);
    const start = Number(site?.address);
    const returns = [...disassembly.matchAll(/^\s*([0-9a-f]+):\s.*\bret\b/gm)].map((match) => Number.parseInt(match[1] as string, 16) - start);
    expect(returns.length).toBeGreaterThan(1);
    expect(site?.go?.returns).toEqual(returns);
  });

  test("says which Go has built it", () => {
    const minor = Number(/^go version go1\.(\d+)/.exec(run("go", ["version"]))?.[1]);
    expect([plain, stripped].map((path) => goVersion(readElf(new FileSource(path))))).toEqual([minor, minor]);
  });

  test("with a table that lies is read without harm", () => {
    const source = new FileSource(stripped);
    const bytes = Buffer.from(source.read(0, source.size));
    const section = readElf(source).sections.find(({ name }) => name === ".gopclntab");
    source.close();
    const { offset, size } = section as { offset: number; size: number };
    const change = fc.tuple(fc.oneof(fc.nat(128), fc.nat(size - 1)), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const before = changes.map(([at]) => bytes[offset + at] as number);
        for (const [at, byte] of changes) bytes[offset + at] = byte;
        try {
          const table = GoFunctions.read(readElf(memorySource(bytes)));
          if (table === undefined) return;
          for (let i = 0; i < Math.min(table.count, 50); i++) table.name(i);
          table.line(0x480000);
          table.at(0x480000);
        } finally {
          for (const [i, [at]] of [...changes.entries()].reverse()) bytes[offset + at] = before[i] as number;
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each(["kernel", "breakpoint"])(
    "has goroutines told apart by their ids, whatever threads they are in, by the engine %s",
    { timeout: 60_000 },
    async (engine) => {
      const script = `const calls = hash(u64, count()), returns = hash(u64, count());
      uprobe("BIN:main.deep", { enter: (c) => { calls.at(c.goid).add(); return 0; }, leave: (c) => returns.at(c.goid).add() });`;
      const outcome = await traced(["--engine", engine, "-e", script.replaceAll("BIN", stripped), "-c", `${stripped} 1`]);
      const calls = mapOf(outcome, "calls") as { readonly [goroutine: string]: number };
      expect(Object.values(calls)).toEqual(Array.from({ length: 8 }, () => 20 * 51));
      expect(mapOf(outcome, "returns")).toEqual(calls);
      // Those of the runtime come first; the first goroutine has the number 1.
      for (const id of Object.keys(calls)) expect(Number(id)).toBeLessThan(1000);
    },
  );

  test.each(["kernel", "breakpoint"])("has its integer arguments where Go passes them, by the engine %s", { timeout: 60_000 }, async (engine) => {
    // Push(receiver, n): its second argument is what main() counts up; the ninth register is the last.
    const script = `const second = sum(), same = count(), others = sum();
      uprobe("BIN:main.(*Order).Push", (c) => { second.add(c.arg1); if (c.arg(1) === c.regs.rbx && c.arg0 === c.regs.rax && c.arg(8) === c.regs.r11) same.add(); });
      uprobe("BIN:main.branches", (c) => others.add(c.arg0));`;
    const outcome = await traced(["--engine", engine, "-e", script.replaceAll("BIN", stripped), "-c", `${stripped} 100`]);
    expect([mapOf(outcome, "second"), mapOf(outcome, "same"), mapOf(outcome, "others")]).toEqual([4950, 100, 4950]);
  });

  test("has no tenth argument in a register, and shares no handler that reads arguments with C", async () => {
    const refused = async (script: string) => (await launch(["-e", script.replaceAll("BIN", stripped), "-c", stripped], {}).ended).stderr;
    expect(await refused('uprobe("BIN:main.branches", (c) => print`${c.arg(9)}`);')).toContain("9 registers");
    expect(await refused('uprobe(["BIN:main.branches", "libc:malloc"], (c) => print`${c.arg0}`);')).toContain("Go and others together");
  });

  test("has its arguments changed where Go passes them", { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const script = folder.file(
      "change.probe.ts",
      'import { intercept } from "sonde";\nintercept("BIN:main.branches", { enter(c) { c.arg0 = 12n; } });\n'.replace("BIN", stripped),
    );
    const { stdout } = await launch(["run", script, "--unsafe", "-c", `${stripped} 10`], {}).ended;
    // Ten times 12 / 2; the orders' total is what it is.
    expect(stdout).toMatch(/^60 45 \[/m);
  });

  test.each(["kernel", "breakpoint"])("has calls counted once and paired with their returns, by the engine %s", { timeout: 90_000 }, async (engine) => {
    const script = `const entries = hash(func, count()), calls = count(), halves = count(), depths = count(), results = sum();
      uprobe(["BIN:main.(*Order).Push", "BIN:main.deep"], (c) => entries.at(c.func).add());
      uprobe("BIN:main.branches", { enter: (c) => c.regs.rax, leave: (c, n) => { calls.add(); if (n % 2 === 0 && c.ret === n / 2) halves.add(); } });
      uprobe("BIN:main.deep", { enter: (c) => ({ depth: c.regs.rax }), leave: (c, at) => { if (at.depth === 50) depths.add(); } });
      uretprobe("BIN:main.(*Order).Push", (c) => results.add(c.ret));`;
    const outcome = await traced(["--engine", engine, "-e", script.replaceAll("BIN", stripped), "-c", `${stripped} 1000`]);
    expect(mapOf(outcome, "entries")).toEqual({ "main.(*Order).Push": 1000, "main.deep": 8 * 20 * 51 });
    expect([mapOf(outcome, "calls"), mapOf(outcome, "halves"), mapOf(outcome, "depths"), mapOf(outcome, "results")]).toEqual([1000, 500, 160, 500_500]);
  });
});
