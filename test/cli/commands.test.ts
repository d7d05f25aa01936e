/** The commands that need no rights: help, usage errors, listing, checking, explaining, completion. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sonde } from "../fixtures/sonde.ts";

const demoScript = join(import.meta.dirname, "../../demo/tour.probe.ts");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("help", () => {
  test("shows every command, examples and exit statuses, with status 0", async () => {
    const { status, stdout } = await sonde(["--help"]);
    expect(status).toBe(0);
    for (const command of ["run", "list", "check", "explain", "doctor", "demo", "init", "completion"])
      expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("Exit status:");
  });
  test("of a command shows its options", async () => {
    const { status, stdout } = await sonde(["run", "--help"]);
    expect(status).toBe(0);
    for (const option of ["--process", "--command", "--children", "--cgroup", "--for", "--every", "--format", "--output", "--engine", "--exact", "--unsafe"]) {
      expect(stdout).toContain(option);
    }
  });
  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect((await sonde(["--version"])).stdout).toBe(`${version}\n`);
  });
  test("nothing at all shows the help and is wrong usage", async () => {
    const { status, stdout, stderr } = await sonde([]);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain("Usage: sonde");
  });
});

describe("wrong usage is status 2, on stderr, with what would be right", () => {
  test.each([
    [["frobnicate"], "unknown command"],
    [["lst", "x"], "unknown command"],
    [["run"], "missing required argument"],
    [["run", "x.ts", "--nonsense"], "unknown option"],
    [["run", "x.ts", "--for", "soon"], "500ms or 5s"],
    [["run", "x.ts", "--for", "0s"], "500ms or 5s"],
    [["run", "x.ts", "--format", "xml"], "text, json"],
    [["run", "x.ts", "--engine", "magic"], "auto, kernel"],
    [["-e", "1", "-c", "a | b"], "without a shell"],
    [["-e", "1", "-c", "a 'b"], "unclosed quote"],
    [["run", demoScript, "--", "slow"], "--name=value"],
    [["completion", "csh"], "bash, zsh and fish"],
    [["explain"], "script"],
  ])("%j", async (args, text) => {
    const { status, stdout, stderr } = await sonde(args);
    expect(stderr).toContain(text);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});

test("works from any folder and through a symbolic link", async () => {
  const link = join(folder, "linked");
  symlinkSync(join(import.meta.dirname, "../../sonde"), link);
  expect(execFileSync(link, ["--version"], { cwd: "/", encoding: "utf8" })).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("completion", () => {
  test("for bash is valid and completes commands, options and their values", async () => {
    const { stdout } = await sonde(["completion", "bash"]);
    const file = join(folder, "completion.bash");
    writeFileSync(file, stdout);
    const complete = (...words: string[]): string[] =>
      execFileSync(
        "bash",
        [
          "-c",
          `source ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _sonde; printf '%s\\n' "\${COMPREPLY[@]}"`,
        ],
        { encoding: "utf8" },
      ).split("\n");
    expect(complete("sonde", "do")).toContain("doctor");
    expect(complete("sonde", "run", "--f")).toEqual(expect.arrayContaining(["--for", "--format"]));
    expect(complete("sonde", "run", "--format", "j")).toContain("json");
    expect(complete("sonde", "completion", "z")).toContain("zsh");
  });
  test.each(["zsh", "fish"])("for %s names every command", async (shell) => {
    const { status, stdout } = await sonde(["completion", shell]);
    expect(status).toBe(0);
    for (const command of ["run", "list", "doctor", "explain"]) expect(stdout).toContain(command);
  });
});

describe("init", () => {
  test("writes a tsconfig with which scripts that use the vocabulary type-check", async () => {
    const project = mkdtempSync(join(folder, "project-"));
    expect((await sonde(["init"], { cwd: project })).status).toBe(0);
    const script = join(project, "x.probe.ts");
    writeFileSync(
      script,
      'import { count, uprobe } from "sonde";\nexport const calls = count();\nuprobe("libc:malloc", (c) => c.args.size > 4096 && calls.add());\n',
    );
    const tsc = join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8" });
    writeFileSync(script, 'import { count, uprobe } from "sonde";\nexport const calls = count();\nuprobe("libc:malloc", (c) => c.nonsense && calls.add());\n');
    expect(() => execFileSync(process.execPath, [tsc, "-p", project], { encoding: "utf8", stdio: "pipe" })).toThrow();
  });
  test("leaves a tsconfig alone that is there", async () => {
    const project = mkdtempSync(join(folder, "project-"));
    writeFileSync(join(project, "tsconfig.json"), "{}");
    const { status, stderr } = await sonde(["init"], { cwd: project });
    expect(status).toBe(1);
    expect(stderr).toContain("SONDE_EXISTS");
    expect(readFileSync(join(project, "tsconfig.json"), "utf8")).toBe("{}");
  });
});

describe("list", () => {
  test("shows address, size, first instruction and cost of a function", async () => {
    const { status, stdout } = await sonde(["list", "libc:malloc"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/malloc\s+0x[0-9a-f]+\s+\d+\s+(emulated|stepped)\s+\w+/);
  });
  test("gives one JSON object a site for a wildcard", async () => {
    const { objects } = await sonde(["list", "libc:get*", "--json"]);
    const sites = objects();
    expect(sites.length).toBeGreaterThan(20);
    for (const site of sites)
      expect(site).toMatchObject({
        type: "site",
        name: expect.any(String),
        address: expect.stringMatching(/^0x/),
        cost: expect.stringMatching(/^(emulated|stepped)$/),
      });
  });
  test("of a function that isn't there names near ones", async () => {
    const { status, stderr } = await sonde(["list", "libc:mallok"]);
    expect(status).toBe(1);
    expect(stderr).toContain("SONDE_FUNCTION_NOT_FOUND");
    expect(stderr).toContain("malloc");
  });
  test("shows tracepoints with the fields of their records, as a table, a field a line, or JSON", async () => {
    const { status, stdout } = await sonde(["list", "--tracepoint", "sched:sched_switc*"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sched:sched_switch {2}prev_comm: text, prev_pid: i32, .*next_prio: i32\n$/);
    expect((await sonde(["list", "--tracepoint", "sched:sched_switch", "-v"])).stdout).toMatch(/^sched:sched_switch\n {2}prev_comm: text\n {2}prev_pid: i32\n/);
    const { objects } = await sonde(["list", "--tracepoint", "syscalls:sys_enter_get*", "--json"]);
    expect(objects().length).toBeGreaterThan(5);
    for (const one of objects())
      expect(one).toMatchObject({ type: "tracepoint", name: expect.stringMatching(/^syscalls:sys_enter_get/), fields: expect.any(Array) });
    expect(await sonde(["list", "--tracepoint", "sched:nothing*"])).toMatchObject({ status: 1, stderr: expect.stringContaining("SONDE_TRACEPOINT_NOT_FOUND") });
  });
  test("gives errors as JSON where JSON was asked for", async () => {
    const { status, objects } = await sonde(["list", "/no/such/file:f", "--json"]);
    expect(status).toBe(1);
    expect(objects()).toEqual([expect.objectContaining({ type: "error", code: "SONDE_FILE_NOT_FOUND", message: expect.any(String) })]);
  });
  test("ends quietly when nobody reads on", () => {
    const shell = `${join(import.meta.dirname, "../../sonde")} list 'libc:*' | head -n 1; echo "\${PIPESTATUS[0]}"`;
    expect(execFileSync("bash", ["-c", shell], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split("\n")[1]).toBe("0");
  });
});

describe("check", () => {
  const script = (text: string): string => {
    const path = join(folder, `${Math.random().toString(36).slice(2)}.probe.ts`);
    writeFileSync(path, text);
    return path;
  };
  test("says nothing of a script that is well", async () => {
    expect(await sonde(["check", demoScript])).toMatchObject({ status: 0, stdout: "" });
  });
  test("gives each mistake in tsc's line format, and status 1", async () => {
    const path = script('import { count, uprobe } from "sonde";\nconst n = count();\nuprobe("libc:malloc", (c) => {\n  n.add(c.args.length);\n});\n');
    const { status, stdout } = await sonde(["check", path], { cwd: folder });
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\S+\.probe\.ts\(4,\d+\): error (SONDE_C_[A-Z_]+|TS\d+): .+/m);
  });
  test("doesn't run the script's host code", async () => {
    const path = script('import { count, uprobe } from "sonde";\nconst n = count();\nthrow new Error("it ran");\nuprobe("libc:malloc", () => n.add());\n');
    expect((await sonde(["check", path])).stdout).not.toContain("it ran");
  });
  test("gives JSON objects with places", async () => {
    const path = script('import { hist, uprobe } from "sonde";\nconst h = hist();\nuprobe("libc:malloc", (c) => h.add(c.arg0 * 1.5));\n');
    const [first] = (await sonde(["check", "--json", path])).objects();
    expect(first).toMatchObject({ type: "diagnostic", severity: "error", line: 3, message: expect.any(String), code: expect.any(String) });
  });
  test("knows the fields of tracepoints, and what timers have", async () => {
    const path = script(
      'import { count, interval, tracepoint } from "sonde";\nconst n = count();\ninterval("1s", () => n.add());\n\n' +
        'tracepoint("sched:sched_switch", (c) => c.args.next_pid > 0 && n.add());\ntracepoint("sched:sched_switch", (c) => c.args.next_pit > 0 && n.add());\n',
    );
    const { status, stdout } = await sonde(["check", path]);
    expect(status).toBe(1);
    expect(stdout.match(/error \w+/g)).toEqual(["error SONDE_C_NO_ARGUMENT"]);
    expect(stdout).toMatch(/\(6,\d+\): error SONDE_C_NO_ARGUMENT: .*next_pit/);
  });
  test("of a file that isn't there is wrong usage", async () => {
    expect(await sonde(["check", "/no/such.ts"])).toMatchObject({ status: 2, stderr: expect.stringContaining("SONDE_SCRIPT_NOT_FOUND") });
  });
});

describe("explain", () => {
  test("shows instructions below the lines that they come from", async () => {
    const { status, stdout } = await sonde(["explain", "-e", 'const n = count();\nuprobe("libc:malloc", (c) => n.add());']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/2 │ uprobe\("libc:malloc", \(c\) => n\.add\(\)\);\n\s+0: \(85\) call bpf_get_smp_processor_id#8\n\s+1: \([0-9a-f]{2}\) r\d/);
    expect(stdout).toMatch(/\(95\) exit\n/);
  });
});

describe("run --params", () => {
  test("lists a script's parameters with their types, defaults and help", async () => {
    const path = join(folder, "params.probe.ts");
    writeFileSync(
      path,
      'import { count, param, uprobe } from "sonde";\nconst slow = param("slow", 5, "what is slow");\nconst n = count();\nuprobe("libc:malloc", (c) => c.arg0 > slow && n.add());\n',
    );
    const { status, stdout } = await sonde(["run", path, "--params"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/--slow=<number>\s+what is slow \(default: 5\)/);
  });
});

describe("doctor", () => {
  test("says what works as JSON", async () => {
    const { status, stdout } = await sonde(["doctor", "--json"]);
    const report = JSON.parse(stdout);
    expect(report.findings.map((finding: { what: string }) => finding.what)).toEqual(
      expect.arrayContaining(["kernel", "BTF", "rights", "tracing", "engine: kernel", "engine: breakpoint"]),
    );
    expect(status).toBe(
      report.ok ? 0 : report.findings.some((finding: { what: string; state: string }) => finding.what === "rights" && finding.state === "fails") ? 3 : 1,
    );
  });
});
