/** Every example and tool compiles, and those that aren't tried on a particular program elsewhere run on one here. */
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { launch, sonde } from "../fixtures/sonde.ts";
import { clone, example, mallocCounter, mapOf, objectsOf, quoted, temporaryFolder, tool, traced, where } from "./support.ts";

// Many whole runs of the command line, on a machine that may have other work.
vi.setConfig({ testTimeout: 120_000 });

interface Stats {
  readonly count: number;
  readonly sum: number;
}
const numbers = Array.from({ length: 1000 }, (_, i) => `${(i * 7919) % 1009}\n`).join("");

const scripts = ["tools", "examples"].flatMap((folder) =>
  readdirSync(join(clone, folder))
    .filter((name) => name.endsWith(".probe.ts"))
    .map((name) => join(folder, name)),
);

describe("every script in tools/ and examples/", () => {
  test("compiles without a warning", async () => {
    const { status, stdout, stderr } = await sonde(["check", ...scripts.map((name) => join(clone, name))]);
    expect([status, stdout, stderr.replace("sonde: building …\n", "")]).toEqual([0, "", ""]);
  });
  test.each(scripts)("%s is short, and begins with what it shows and how to run it", (name) => {
    const lines = readFileSync(join(clone, name), "utf8").trimEnd().split("\n");
    expect(lines.length).toBeLessThan(80);
    expect(lines[0]).toMatch(/^\/\/ /);
    expect(lines[1]).toContain(`//   sonde run ${name}`);
  });
});

describe("allocations", () => {
  test("by size: mallocsizes and the example agree with a preloaded counter, but for libc's own inside itself", async () => {
    using counter = mallocCounter();
    using folder = temporaryFolder();
    const command = counter.counted("sort", folder.file("numbers", numbers), "-o", "/dev/null");
    const seen = mapOf(await traced(["run", example("malloc-sizes"), "-c", command]), "size") as { [comm: string]: Stats };
    const preloaded = counter.calls();
    expect(preloaded).toBeGreaterThan(20);
    expect(seen.sort!.count - preloaded).toBeGreaterThanOrEqual(0);
    expect(seen.sort!.count - preloaded).toBeLessThan(10);
    const again = mapOf(await traced(["run", tool("mallocsizes"), "-c", command]), "sizes") as { [comm: string]: Stats };
    expect(counter.calls()).toBe(2 * preloaded);
    expect(again.sort!.count).toBeGreaterThanOrEqual(seen.sort!.count);
  });
  test("not freed: what is allocated and freed adds up", async () => {
    const outcome = await traced(["run", example("unfreed"), "-c", "ls -d /"]);
    const allocated = mapOf(outcome, "allocated") as Stats;
    expect(allocated.count).toBeGreaterThan(50);
    expect(mapOf(outcome, "freed") as number).toBeLessThanOrEqual(allocated.sum);
    const kept = objectsOf(outcome, "print").map(({ text }) => String(text));
    expect(kept[0]).toMatch(/^kept: \d+ pieces$/);
    const sizes = kept.slice(1).map((line) => /^ *(\d+) of (\d+) bytes$/.exec(line)!.slice(1).map(Number) as [number, number]);
    const largest = sizes.reduce((all, [n, size]) => all + n * size, 0);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(allocated.sum - (mapOf(outcome, "freed") as number));
  });
  test("in a plain Node program are a budget: status 0 within, 1 beyond", async () => {
    const budget = (n: number) =>
      promisify(execFile)(process.execPath, [join(clone, "examples/allocation-budget.mjs"), String(n), "ls", "-d", "/"]).then(
        ({ stdout }) => ({ status: 0, stdout }),
        ({ code, stdout }: { code: number; stdout: string }) => ({ status: code, stdout }),
      );
    expect(await budget(100_000)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\/\nls: \d+ allocations, .*\n\d+ allocations: within/) });
    expect(await budget(1)).toMatchObject({ status: 1, stdout: expect.stringContaining("beyond") });
  });
});

describe("assertions in tests of one's own", () => {
  test.each([0, 65534])("pass in a project that has sonde and vitest, as user %i", async (uid) => {
    using folder = temporaryFolder();
    for (const name of ["package.json", "asked.probe.ts", "asked.test.ts", "lookups.probe.ts", "lookups.test.ts"])
      folder.file(name, readFileSync(join(clone, "examples/assertions", name), "utf8"));
    mkdirSync(join(folder.path, "node_modules"));
    for (const name of ["sonde", "vitest"]) symlinkSync(name === "sonde" ? clone : join(clone, "node_modules/vitest"), join(folder.path, "node_modules", name));
    chmodSync(folder.path, 0o777);
    const env = { ...process.env, HOME: folder.path, XDG_CACHE_HOME: join(folder.path, "cache"), NO_COLOR: "1" };
    const { stdout } = await promisify(execFile)(process.execPath, [join(clone, "node_modules/vitest/vitest.mjs"), "run"], { cwd: folder.path, env, uid });
    expect(stdout).toMatch(/Tests\s+5 passed \(5\)/);
  });
});

describe("functions", () => {
  test("are counted by a wildcard; two counts of the same work agree", async () => {
    using folder = temporaryFolder();
    const command = quoted("sort", folder.file("numbers", numbers), "-o", "/dev/null");
    const a = mapOf(await traced(["run", example("busiest-functions"), "-c", command, "--", "--pattern=libc:str*"]), "calls");
    const b = mapOf(await traced(["run", tool("funccount"), "-c", command, "--", "--of=libc:str*"]), "calls");
    expect(a).toEqual(b);
    expect((a as { strcoll: number }).strcoll).toBeGreaterThan(3000);
  });
  test("end the run after as many calls as a parameter says", async () => {
    const outcome = await traced(["run", example("busiest-functions"), "-c", "ls -l /etc", "--", "--pattern=libc:strlen", "--limit=5"]);
    expect(mapOf(outcome, "calls")).toEqual({ strlen: 5 });
  });
  test("have their latency measured by funclatency: as many as there were calls", async () => {
    const outcome = await traced(["run", tool("funclatency"), "-c", "dd if=/dev/zero of=/dev/null bs=1k count=500 status=none", "--", "--of=libc:write"]);
    expect(mapOf(outcome, "latency")).toMatchObject({ write: { count: 500 } });
  });
  test("have percentiles printed while they run, until enough were seen", async () => {
    const command = "dd if=/dev/zero of=/dev/null bs=1 count=60000 status=none";
    const outcome = await traced(["run", example("percentiles"), "-c", command, "--", "--every=50", "--enough=1000"]);
    const lines = objectsOf(outcome, "print").map(({ text }) => String(text));
    expect(lines[0]).toMatch(/^dd: p50 \d+ ns, p99 \d+ ns of \d+$/);
    const calls = mapOf(outcome, "calls") as number;
    expect(calls).toBeGreaterThan(1000);
    expect(calls).toBeLessThan(60_000);
    expect(lines.at(-1)).toBe(`${calls} calls`);
  });
});

describe("what the kernel does for a call", () => {
  test("is told by where its thread is put aside: a sleep by its system call, for as long as it takes", async () => {
    const run = launch(["run", example("asleep-in-call"), "--for", "20s", "--format", "json", "--", "--of=libc:clock_nanosleep"]);
    await run.seen('"attached"');
    await promisify(execFile)("/bin/sleep", ["0.2"]);
    run.kill("SIGINT");
    const outcome = await run.ended;
    const took = mapOf(outcome, "tookNs") as Stats;
    expect(took.count).toBeGreaterThanOrEqual(1);
    expect(objectsOf(outcome, "map").find(({ name }) => name === "waitedNs")).toBeDefined();
    expect(outcome.stdout).toMatch(/"name":"\w*nanosleep\w*"/);
    expect(took.sum).toBeGreaterThan(190e6);
  });
});

describe("what programs ask of the system", () => {
  test("names to resolve: the slow ones are told, with a parameter for what is slow", async () => {
    const outcome = await traced(["run", example("slow-lookups"), "-c", "getent ahosts localhost", "--", "--slow=1"]);
    expect(objectsOf(outcome, "print")).toEqual([{ type: "print", text: expect.stringMatching(/^getent\[\d+\] resolving localhost: .*s, result 0$/) }]);
    expect(objectsOf(await traced(["run", example("slow-lookups"), "-c", "getent ahosts localhost", "--", "--slow=60_000_000_000"]), "print")).toEqual([]);
  });
  test("files: by the kind that a function of another module tells", async () => {
    using folder = temporaryFolder();
    const [one, script] = [folder.file("one.so", ""), folder.file("two.py", "")];
    const outcome = await traced([
      "run",
      example("opened-files"),
      "-c",
      quoted("cat", one, script, "/etc/hostname", "/proc/self/comm", folder.file("none")),
    ]).catch((error: Error) => error.message);
    // cat ends with status 1, for there is no such file.
    expect(outcome).toContain("status 1");
    const lines = String(outcome)
      .split("\n")
      .filter((line) => line.startsWith('{"type":"map"'));
    const [opened, failed] = lines.map((line) =>
      (JSON.parse(line) as { entries: { key: string[]; value: number }[] }).entries.map(({ key, value }) => [...key, value].join(" ")),
    );
    expect(opened).toEqual(expect.arrayContaining(["cat library 1", "cat script 1", "cat settings 1", "cat kernel 1"]));
    expect(failed).toContain(`cat ${folder.file("none")} 1`);
  });
  test.skipIf(where("python3") === undefined)("connections: the bytes of each, as the server saw them", async () => {
    let heard = 0;
    const server = createServer((request, response) => {
      request.socket.once("close", () => {
        heard = request.socket.bytesRead;
      });
      response.setHeader("connection", "close").end("x".repeat(5000));
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    const code = `import socket
s = socket.create_connection(("127.0.0.1", ${port}))
s.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
n = 0
while True:
    d = s.recv(1000)
    n += len(d)
    if not d: break
s.close()
print(n)`;
    try {
      const outcome = await traced(["run", example("connections"), "-c", quoted("python3", "-c", code)]);
      const [closed] = objectsOf(outcome, "event", "closed").map(({ data }) => data as { comm: string; connection: { [field: string]: number } });
      const received = Number(/^(\d+)$/m.exec(outcome.stdout)?.[1]);
      expect(received).toBeGreaterThan(5000);
      expect(closed).toMatchObject({ connection: { port, sent: 18, received, messages: 1, address: 0x0100007f } });
      expect(heard).toBe(18);
    } finally {
      server.close();
    }
  });
});
