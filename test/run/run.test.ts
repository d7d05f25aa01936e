/** `sonde run` and `sonde -e` on real programs: what is counted, what is printed, how it ends. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { privateCopy, target } from "../fixtures/build.ts";
import { start } from "../fixtures/process.ts";
import { launch, sonde } from "../fixtures/sonde.ts";

const clone = join(import.meta.dirname, "../..");
let folder = "";
let program = "";
let removeProgram = (): void => {};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-run-"));
  ({ path: program, remove: removeProgram } = privateCopy(target()));
});
afterAll(() => {
  removeProgram();
  rmSync(folder, { recursive: true, force: true });
});

const counting = (name = "work"): string => `const n = count(); uprobe("${program}:${name}", () => n.add());`;

function script(text: string): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.probe.ts`);
  writeFileSync(path, text);
  return path;
}

describe("a command", () => {
  test("given by -c is counted from its first instruction to its end, exactly", async () => {
    const { status, stdout } = await sonde(["-e", counting(), "-c", `${program} work 1000 1 2`]);
    expect(stdout).toBe("ok\nn  1000\n");
    expect(status).toBe(0);
  });
  test("given behind -- needs no quoting", async () => {
    const { stdout } = await sonde([
      "-e",
      `const seen = hash(cstring(32), count()); uprobe("${program}:text", (c) => seen.at(str(c.arg0, 32)).add());`,
      "--",
      program,
      "text",
      "it's one  word",
    ]);
    expect(stdout).toContain("it's one  word");
  });
  test("is the only one probed; its children are too with --children", async () => {
    await using other = await start(program);
    const counted = async (...options: string[]) => {
      const run = launch(["-e", counting(), "-c", `${program} fork 7`, "--format", "json", ...options]);
      await run.seen('"attached"');
      await other.ask("work 50");
      return (await run.ended).objects().find(({ type }) => type === "map")?.value;
    };
    expect(await counted()).toBe(0);
    expect(await counted("--children")).toBe(7);
  });
  test("that fails is told, with status 1", async () => {
    const { status, stderr } = await sonde(["-e", counting(), "-c", `${program} exit 9`]);
    expect(stderr).toContain("status 9");
    expect(status).toBe(1);
  });
  test("that doesn't exist is an error, and nothing runs", async () => {
    const { status, stderr } = await sonde(["-e", counting(), "-c", "no-such-program"]);
    expect(stderr).toContain("SONDE_COMMAND_NOT_FOUND");
    expect(status).toBe(2);
  });
});

describe("processes", () => {
  test("are chosen by -p, several times, by id and by name", async () => {
    await using one = await start(program);
    await using two = await start(program);
    await using three = await start(program);
    await three.ask("comm sonde-third");
    const run = launch([
      "-e",
      `const n = hash(u32, count()); uprobe("${program}:work", (c) => n.at(c.pid).add()); uprobe("${program}:negative", () => exit());`,
      "-p",
      String(one.pid),
      "-p",
      "sonde-third",
      "--format",
      "json",
    ]);
    await run.seen('"attached"');
    await one.ask("work 3");
    await two.ask("work 5");
    await three.ask("work 8");
    await one.ask("negative 1");
    const { objects } = await run.ended;
    const map = objects().find((object) => object.type === "map") as { entries: { key: number; value: number }[] };
    expect(map.entries.toSorted((a, b) => a.value - b.value)).toEqual([
      { key: one.pid, value: 3 },
      { key: three.pid, value: 8 },
    ]);
  });
  test.each([["999999999"], ["no-such-process"]])("that aren't there (%s) are an error", async (which) => {
    const { status, stderr } = await sonde(["-e", counting(), "-p", which]);
    expect(stderr).toContain("SONDE_PROCESS_NOT_FOUND");
    expect(status).toBe(1);
  });
});

describe("the end of a run", () => {
  const waits = 'const n = count(); begin(() => { print`armed`; }); uprobe("libc:getgrent", () => n.add());';
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("by %s prints, and is status 0", async (signal) => {
    const run = launch(["-e", waits]);
    await run.seen("armed");
    run.kill(signal);
    const { status, stdout } = await run.ended;
    expect(stdout).toBe("armed\nn  0\n");
    expect(status).toBe(0);
  });
  test("comes after --for", async () => {
    const began = Date.now();
    expect((await sonde(["-e", waits, "--for", "300ms"])).stdout).toBe("armed\nn  0\n");
    expect(Date.now() - began).toBeGreaterThan(300);
  });
  test("comes when the script says exit(), with its status", async () => {
    const { status } = await sonde(["-e", `uprobe("${program}:work", () => exit(7));`, "-c", `${program} work 1`]);
    expect(status).toBe(7);
  });
  test("comes when nobody reads any more", async () => {
    const shell = `${clone}/sonde -e 'uprobe("${program}:work", (c) => print\`\${c.arg0}\`);' -c '${program} work 100000' 2>/dev/null | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const [first, status] = execFileSync("bash", ["-c", shell], { encoding: "utf8", timeout: 30_000 }).split("\n");
    expect([first, status]).toEqual(["0", "0"]);
  });
  test("by kill -9 leaves nothing armed", async () => {
    await using running = await start(program);
    const run = launch(["-e", `begin(() => { print\`armed\`; }); ${counting()}`, "-p", String(running.pid)]);
    await run.seen("armed");
    run.kill("SIGKILL");
    await run.ended;
    await running.ask("work 1000");
    expect(readFileSync("/sys/kernel/tracing/uprobe_events", "utf8")).not.toContain(program);
  });
});

describe("output", () => {
  test("as JSON is one object a line: attached, what happened in order, maps, summary", async () => {
    const text = `const n = count(); const h = hash(u64, hist()); const e = events({ a: u64, s: cstring(8) });
      uprobe("${program}:work", (c) => { n.add(); h.at(c.arg1).add(c.arg0); e.emit({ a: c.arg0, s: "x" }); print\`\${c.arg0}\`; });`;
    const { objects } = await sonde(["-e", text, "--format", "json", "-o", join(folder, "out.json"), "-c", `${program} work 2 9 -1`]).then(async (outcome) => ({
      ...outcome,
      objects: () =>
        readFileSync(join(folder, "out.json"), "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
    }));
    expect(objects().map(({ type }) => type)).toEqual(["attached", "event", "print", "event", "print", "map", "map", "summary"]);
    const [first, event, print] = objects();
    expect(first).toMatchObject({ engine: "kernel", sites: 1 });
    expect(event).toEqual({ type: "event", name: "e", data: { a: 9, s: "x" } });
    expect(print).toEqual({ type: "print", text: "9" });
    expect(objects().find(({ name }) => name === "n")).toEqual({ type: "map", name: "n", kind: "count", value: 2 });
    expect(objects().find(({ name }) => name === "h").entries[0].value.buckets).toEqual([{ min: 8, max: 15, count: 2 }]);
    expect(readFileSync(join(folder, "out.json"), "utf8")).toContain('"key":18446744073709551615');
    expect(objects().at(-1)).toMatchObject({ type: "summary", engine: "kernel", hits: 2, lost: 0, fullMaps: {} });
  });
  test("repeats maps with --every", async () => {
    const { stdout } = await sonde(["-e", 'const n = count(); uprobe("libc:getgrent", () => n.add());', "--every", "100ms", "--for", "550ms"]);
    expect(stdout.match(/^n /gm)?.length).toBeGreaterThanOrEqual(4);
  });
  test("to a file that can't be written is refused before anything is armed", async () => {
    const { status, stderr } = await sonde(["-e", counting(), "-o", "/no/such/folder/x"]);
    expect(stderr).toContain("SONDE_OUTPUT");
    expect(status).toBe(2);
  });
});

describe("parameters", () => {
  const text = () =>
    script(
      `import { count, param, uprobe } from "sonde";\nconst least = param("least", 5, "from here on");\nexport const n = count();\nuprobe("${program}:work", (c) => c.arg0 >= least && n.add());\n`,
    );
  test("stand behind --", async () => {
    const path = text();
    expect((await sonde(["run", path, "-c", `${program} work 3 4 0`])).stdout).toContain("n  0");
    expect((await sonde(["run", path, "-c", `${program} work 3 4 0`, "--", "--least=4"])).stdout).toContain("n  3");
  });
  test.each([
    ["--lesat=4", "SONDE_PARAM_UNKNOWN"],
    ["--least=many", "SONDE_PARAM_VALUE"],
  ])("that are wrong (%s) are wrong usage", async (param, code) => {
    const { status, stderr } = await sonde(["run", text(), "--", param]);
    expect(stderr).toContain(code);
    expect(status).toBe(2);
  });
});

describe("a script at fault", () => {
  test.each([
    ["has a type error", 'import { count, uprobe } from "sonde";\nconst n = count();\nuprobe("libc:malloc", (c) => n.add(c.nonsense));\n', ":3:"],
    ["has a syntax error", 'import { uprobe } from "sonde";\nuprobe("libc:malloc", (c) => {\n', ":3:"],
    ["throws", 'import { uprobe } from "sonde";\nuprobe("libc:malloc", () => {});\nthrow new Error("no luck");\n', "no luck"],
    ["names a function that isn't there", 'import { uprobe } from "sonde";\nuprobe("libc:mallok", () => {});\n', "malloc"],
    ["probes nothing", 'import { count } from "sonde";\nexport const n = count();\n', "SONDE_NO_PROBES"],
    [
      "throws in a timer",
      `import { begin, uprobe } from "sonde";\nuprobe("libc:getgrent", () => {});\nbegin(() => {\n  setTimeout(() => { throw new Error("too late"); }, 50);\n});\n`,
      /error SONDE_SCRIPT_THREW the script threw Error: too late\n {2}where {2}\S+\.probe\.ts:4\n/,
    ],
    [
      "leaves a promise rejected before the probes are in",
      `import { uprobe } from "sonde";\nuprobe("libc:getgrent", () => {});\nvoid Promise.reject(new Error("no promise"));\n`,
      /error SONDE_SCRIPT_THREW the script threw Error: no promise\n {2}where {2}\S+\.probe\.ts:3\n/,
    ],
    [
      "throws in a listener",
      `import { begin, uprobe } from "sonde";\nuprobe("libc:malloc", () => {});\nbegin(() => { throw new Error("in begin"); });\n`,
      "in begin",
    ],
  ])("%s: status 1, with the place", async (_, text, shown) => {
    const { status, stderr } = await sonde(["run", script(text)]);
    expect(stderr).toMatch(shown);
    expect(status).toBe(1);
  });
});

describe("a run without hits says why", () => {
  test("when no process maps the file", async () => {
    const { stderr } = await sonde(["-e", counting(), "--for", "100ms"]);
    expect(stderr).toMatch(/no process maps .*target/);
  });
  test("when the processes chosen don't map it, and others do", async () => {
    await using running = await start(program);
    const { stderr } = await sonde(["-e", counting(), "-p", String(process.pid), "--for", "100ms"]);
    expect(stderr).toMatch(new RegExp(`filtered out.*target\\[${running.pid}\\]`));
  });
  test("when it was not called", async () => {
    await using running = await start(program);
    const { stderr } = await sonde(["-e", counting(), "-p", String(running.pid), "--for", "100ms"]);
    expect(stderr).toContain("work was not called");
  });
  test("when a command, which has ended, didn't call it", async () => {
    const { stderr } = await sonde(["-e", counting(), "-c", "true"]);
    expect(stderr).toContain("work was not called");
    expect(stderr).not.toContain("no process maps");
  });
});

test("without the rights that an engine needs it says which are missing, with status 3", () => {
  const command = ["--bounding-set", "-all", "--inh-caps", "-all", join(clone, "sonde"), "--engine", "kernel", "-e", counting(), "--for", "1s"];
  const run = () => execFileSync("setpriv", command, { encoding: "utf8", stdio: "pipe" });
  expect(run).toThrow(expect.objectContaining({ status: 3, stderr: expect.stringContaining("CAP_BPF") }));
});
