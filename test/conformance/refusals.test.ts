/** Behaviours 23, 24, 30 and 35: what is refused says why, and leaves everything as it was. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { library, privateCopy, target, withBytes } from "../fixtures/build.ts";
import { sonde } from "../fixtures/sonde.ts";
import type { EngineUnderTest } from "./claims.ts";
import { armedIn, codeOf, intact } from "./support/bytes.ts";
import { folder, Program, probe, type ScriptName } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

const sumOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
/** The kernel's named probes on a file. */
const definitions = (path: string): string[] => {
  try {
    return readFileSync("/sys/kernel/tracing/uprobe_events", "utf8")
      .split("\n")
      .filter((line) => line.includes(path));
  } catch {
    return [];
  }
};

/** Tries it while the program runs: it must be refused with the code, and the process, the file and the kernel be as before. */
async function refused(
  engine: EngineUnderTest,
  program: Program,
  at: string | readonly string[],
  error: object,
  script: ScriptName = "hits",
  options: Parameters<typeof probe>[3] = { exact: true },
): Promise<void> {
  const running = await program.start();
  const before = sumOf(program.path);
  await expect(probe(engine, script, at, options)).rejects.toMatchObject(error);
  expect(intact(running.pid, program.path)).toBe(true);
  expect(sumOf(program.path)).toBe(before);
  expect(definitions(program.path)).toEqual([]);
  expect(await running.end()).toBe(0);
}

/** Instructions that the kernel doesn't step: name, bytes, and what is said of them. */
const unprobeable: { readonly [name: string]: readonly [bytes: readonly number[], why: RegExp] } = {
  es_prefix: [[0x26, 0x8b, 0x07], /ES prefix/],
  cs_prefix: [[0x2e, 0x8b, 0x07], /CS prefix/],
  ss_prefix: [[0x36, 0x8b, 0x07], /SS prefix/],
  ds_prefix: [[0x3e, 0x8b, 0x07], /DS .*prefix/],
  lock_prefix: [[0xf0, 0xff, 0x07], /lock prefix/],
  mov_ss: [[0x8e, 0xd0], /stack segment/],
  breakpoint: [[0xcc], /breakpoint \(int3\) already/],
  interrupt: [[0xcd, 0x80], /interrupt/],
  return_from_interrupt: [[0xcf], /interrupt/],
  int1: [[0xf1], /int1/],
  halt: [[0xf4], /halts/],
  mask_interrupts: [[0xfa], /masks interrupts/],
  unmask_interrupts: [[0xfb], /unmasks interrupts/],
  read_port: [[0xe4, 0x00], /port/],
  write_port: [[0xe6, 0x00], /port/],
  read_port_dx: [[0xec], /port/],
  write_port_dx: [[0xee], /port/],
  read_ports: [[0x6c], /port/],
  write_ports: [[0x6e], /port/],
  vector_move: [[0xc5, 0xf9, 0x6f, 0xc1], /vector instruction/],
};
/** Those that an engine displaces as any other: what they do, or the fault that they raise, is what they would do in their place. */
const displaced: { readonly [engine in EngineUnderTest]: ReadonlySet<string> } = {
  kernel: new Set(),
  breakpoint: new Set(Object.keys(unprobeable).filter((name) => !["mov_ss", "breakpoint", "int1"].includes(name))),
};
/** Bytes that are no instruction of 64-bit code. */
const invalid = [0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea];

/** A program that is Go's by what Go leaves in a file. */
function likeGo(place: string): string {
  const source = join(place, "go.c");
  writeFileSync(
    source,
    `__attribute__((section(".go.buildinfo"))) const char info[16] = "Go";
     __attribute__((noinline)) void hit(void) { __asm__ volatile("push %rbx; pop %rbx"); }
     int main(void) { hit(); return info[0] == 0; }`,
  );
  execFileSync("cc", ["-O0", "-fcf-protection=none", "-o", join(place, "go"), source]);
  return join(place, "go");
}
function goVersion(): string | undefined {
  try {
    return execFileSync("go", ["version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

behaviour(23, (engine) => {
  const built = (): string =>
    withBytes({
      ...Object.fromEntries(Object.entries(unprobeable).map(([name, [bytes]]) => [name, bytes])),
      ...Object.fromEntries(invalid.map((byte) => [`invalid_${byte.toString(16)}`, [byte, 0, 0, 0, 0, 0, 0, 0]])),
    });

  test.each(Object.entries(unprobeable))("the instruction %s", async (name, [, why]) => {
    await using program = new Program(built());
    if (displaced[engine].has(name)) {
      const running = await program.start();
      await using session = await probe(engine, "hits", program.at(`${name}+0x1`), { exact: true });
      expect(session.engine).toBe(engine);
      await session.close();
      expect(intact(running.pid, program.path)).toBe(true);
      expect(await running.end()).toBe(0);
      return;
    }
    await refused(engine, program, program.at(`${name}+0x1`), { code: "SONDE_SITE_REFUSED", message: expect.stringMatching(why), mend: expect.any(String) });
  });

  test("each byte that begins no instruction", async () => {
    await using program = new Program(built());
    for (const byte of invalid) {
      await expect(probe(engine, "hits", program.at(`invalid_${byte.toString(16)}+0x1`)), byte.toString(16)).rejects.toMatchObject({
        code: expect.stringMatching(/^SONDE_(SITE_REFUSED|OFFSET_UNDECODABLE|OFFSET_NOT_BOUNDARY)$/),
      });
    }
  });

  test("a place that isn't an instruction's start, one behind the function, a function that isn't there", async () => {
    await using program = new Program();
    await refused(engine, program, program.at("crosses_page+0x2"), { code: "SONDE_OFFSET_NOT_BOUNDARY", why: expect.stringContaining("+0xa") });
    await refused(engine, program, program.at("crosses_page+0xe"), { code: "SONDE_OFFSET_BEHIND_END" });
    await refused(engine, program, program.at("cal"), { code: "SONDE_FUNCTION_NOT_FOUND", mend: expect.stringContaining("call") });
    await refused(engine, program, program.at("nothing_*"), { code: "SONDE_FUNCTION_NO_MATCH" });
  });

  test("the return of a place inside a function", async () => {
    await using program = new Program();
    await refused(engine, program, program.at("call+0x1"), { code: "SONDE_RETURN_OFFSET" }, "calls");
  });

  test("an offset into an indirect function's resolver; the function itself counts calls, not resolutions", async () => {
    const copy = privateCopy(library());
    await expect(probe(engine, "hits", `${copy.path}:library_chosen+0x1`)).rejects.toMatchObject({ code: "SONDE_OFFSET_INDIRECT" });

    await using program = new Program(target());
    const running = await program.start();
    await running.ask("copy 10 64");
    await using session = await probe(engine, "hits", "libc:memcpy", { pid: running.pid });
    await running.ask("copy 0 64");
    const idle = session.maps.hits?.read() as bigint;
    await running.ask("copy 1000 64");
    expect((session.maps.hits?.read() as bigint) - 2n * idle).toBe(1000n);
    copy.remove();
  });

  test("no entry in what is Go's by what Go leaves in a file", async () => {
    using place = folder();
    const path = likeGo(place.path);
    await using session = await probe(engine, "hits", `${path}:hit`);
    execFileSync(path);
    expect(session.maps.hits?.read()).toBe(1n);
  });

  const version = goVersion();
  test.skipIf(version === undefined)(`no return in a program that Go built (where the command \`go\` is)`, { timeout: 120_000 }, async () => {
    using place = folder();
    writeFileSync(
      join(place.path, "main.go"),
      'package main\n\nimport "fmt"\n\n//go:noinline\nfunc deep(n int) int { if n == 0 { return 0 }; var pad [64]int; pad[n%64] = n; return deep(n-1) + pad[n%64] }\n\nfunc main() { fmt.Println(deep(999)) }\n',
    );
    const path = join(place.path, "goes");
    execFileSync("go", ["build", "-o", path, "main.go"], {
      cwd: place.path,
      env: { ...process.env, GOFLAGS: "-mod=mod", GO111MODULE: "off", GOCACHE: place.path },
    });
    // Go interrupts threads by signals: a breakpoint where one comes would be executed once more.
    const env = { ...process.env, GODEBUG: "asyncpreemptoff=1" };
    {
      // Stacks move while they are in use; each call that was begun returns once.
      await using calls = await probe(engine, "calls", `${path}:main.deep`);
      expect(execFileSync(path, { encoding: "utf8", env })).toBe("499500\n");
      expect([calls.maps.leaves?.read(), calls.maps.returns?.read()]).toEqual([1000n, 1000n]);
    }
    await using session = await probe(engine, "hits", `${path}:main.deep`);
    expect(execFileSync(path, { encoding: "utf8", env })).toBe("499500\n");
    // A call that finds its stack too small begins again on a larger one, and counts once.
    expect(session.maps.hits?.read()).toBe(1000n);
  });
});

behaviour(24, (engine) => {
  test("a missing file, a directory, no ELF file, an address that is no code", async () => {
    await using program = new Program();
    using place = folder();
    const text = join(place.path, "text");
    writeFileSync(text, "not a program\n");
    mkdirSync(join(place.path, "below"));
    const expectations: readonly (readonly [string, RegExp])[] = [
      [join(place.path, "missing:call"), /^SONDE_FILE_/],
      [join(place.path, "below:call"), /^SONDE_FILE_/],
      [`${text}:call`, /^SONDE_ELF_/],
      ["nosuchlibrary:call", /^SONDE_FILE_NOT_FOUND$/],
      [program.at("0x1"), /^SONDE_ADDRESS_NOT_CODE$/],
      [program.at("0xffffffffffffffff"), /^SONDE_ADDRESS_NOT_CODE$/],
      [program.at("call+0xffffffff"), /^SONDE_OFFSET_BEHIND_END$/],
    ];
    for (const [at, code] of expectations) await refused(engine, program, at, { code: expect.stringMatching(code), message: expect.stringMatching(/./) });
  });

  test("a process that isn't there, and a script that isn't there", async () => {
    await using program = new Program();
    const gone = await program.start();
    const { pid } = gone;
    await gone.end();
    await expect(probe(engine, "hits", program.at("call"), { pid })).rejects.toMatchObject({
      code: "SONDE_PROCESS_NOT_FOUND",
      message: expect.stringContaining(String(pid)),
    });
    await expect(probe(engine, "missing" as ScriptName, program.at("call"))).rejects.toMatchObject({ code: "SONDE_SCRIPT_NOT_FOUND", exit: 2 });
  });

  describe("as an ordinary user, status 3", () => {
    const NOBODY = 65534;
    const cli = join(import.meta.dirname, "../../dist/cli.mjs");
    // What is built is made ready by root: somebody else couldn't.
    beforeAll(async () => {
      expect((await sonde(["--version"])).status).toBe(0);
    });
    const asNobody = (args: readonly string[]) =>
      spawnSync(process.execPath, [cli, ...args], { uid: NOBODY, gid: NOBODY, cwd: "/", encoding: "utf8", env: { PATH: process.env.PATH, NO_COLOR: "1" } });

    test("and what is needed is named, nothing is armed", async () => {
      await using program = new Program();
      const running = await program.start();
      chmodSync(join(program.path, ".."), 0o755);
      const { status, stdout, stderr } = asNobody([
        "-e",
        `const n = count(); uprobe("${program.at("call")}", () => n.add());`,
        "--engine",
        engine,
        // Tracing is refused by process: one's own may be traced.
        ...(engine === "breakpoint" ? ["-p", String(running.pid)] : []),
        "--for",
        "1s",
      ]);
      expect(stderr).toMatch(engine === "kernel" ? /CAP_BPF/ : /CAP_SYS_PTRACE|owner's rights/);
      expect(stderr).toMatch(/root|sudo/);
      expect(stdout).toBe("");
      expect(status).toBe(3);
      expect(intact(running.pid, program.path)).toBe(true);
    });

    test("a script that may not be read", () => {
      using place = folder();
      chmodSync(place.path, 0o755);
      const script = join(place.path, "secret.probe.ts");
      writeFileSync(script, "export {};\n");
      chmodSync(script, 0o600);
      const { status, stderr } = asNobody(["run", script]);
      expect(stderr).toContain("may not be read");
      expect(status).toBe(3);
    });
  });
});

behaviour(30, (engine) => {
  test("a process that may only read, write and exit lives on with entries and returns probed, or is refused", async () => {
    await using program = new Program(target());
    const running = await program.start();
    await running.ask("strict");
    const opened = await probe(engine, "calls", program.at("work"), { pid: running.pid }).catch((error: unknown) => error as { code: string });
    if ("code" in opened) {
      expect(opened.code).toBe(engine === "kernel" ? "SONDE_KERNEL_SECCOMP_RETURN" : "SONDE_TRACE_SECCOMP");
    } else {
      await running.ask("work 100 1 2");
      expect([opened.maps.enters?.read(), opened.maps.leaves?.read(), opened.maps.returns?.read()]).toEqual([100n, 100n, 100n]);
      await opened.close();
    }
    await running.ask("work 100 1 2");
    expect(intact(running.pid, program.path)).toBe(true);
  });
});

behaviour(35, (engine) => {
  test.each([
    ["whose function isn't there", "no_such_function", "SONDE_FUNCTION_NOT_FOUND"],
    ["that isn't an instruction's start", "crosses_page+0x2", "SONDE_OFFSET_NOT_BOUNDARY"],
  ])("the last of many %s", async (_, bad, code) => {
    await using program = new Program();
    await refused(engine, program, [program.at("call"), program.at("aside_*"), program.at(bad)], {
      code,
      where: expect.stringContaining(bad.split("+")[0] as string),
    });
  });

  test("whose instruction can't be probed, in the middle", async () => {
    await using program = new Program(withBytes({ stack_segment: [0x8e, 0xd0] }));
    const at = [program.at("work"), program.at("stack_segment+0x1"), program.at("negative")];
    await refused(engine, program, at, { code: "SONDE_SITE_REFUSED", message: expect.stringContaining("stack_segment") });
  });

  test("whose process is gone, while the others' are there", async () => {
    await using program = new Program();
    const running = await program.start();
    const gone = await program.start();
    const { pid } = gone;
    await gone.end();
    await expect(probe(engine, "hits", program.at("call"), { pid: [running.pid, pid] })).rejects.toMatchObject({ code: "SONDE_PROCESS_NOT_FOUND" });
    expect(armedIn(running.pid, codeOf(program.at("call")))).toEqual([false]);
  });
});
