/** Each engine under real programs with threads, signals, forks and machines of their own: they say what they say without a probe. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { enginesUnderTest } from "../conformance/claims.ts";
import { eventually, type Folder, mapOf, quoted, temporaryFolder, textOf, traced, tracing, where } from "./support.ts";

const programs = join(import.meta.dirname, "../fixtures/programs");

/** Entry and return of each target counted; or entries alone, where returns mustn't be probed. */
const both = (...targets: string[]): string =>
  `const hits = count(), returns = count(); uprobe(${JSON.stringify(targets)}, { enter: () => hits.add(), leave: () => returns.add() });`;
const entries = (...targets: string[]): string => `const hits = count(); uprobe(${JSON.stringify(targets)}, () => hits.add());`;

interface Case {
  readonly name: string;
  /** Commands that must be there, by `npm test` or otherwise. */
  readonly needs: readonly string[];
  /** A shell command whose output is what is compared, and the probes; `place` is a folder of its own. */
  make(place: Folder): { readonly command: string; readonly script: string };
}

const python = where("/usr/bin/python3") ?? where("python3");
const libcrypto = (): string => /\S*libcrypto\.so\S*(?= \()/.exec(textOf("ldd", where("openssl") as string))?.[0] ?? "libcrypto";

const cases: readonly Case[] = [
  {
    name: "bash: subshells, pipes, traps and jobs",
    needs: ["/bin/bash"],
    make: (place) => {
      const commands = `for i in {1..200}; do x=$((x + i)); done; echo $x; (echo sub; exit 3); echo $?; printf '%s\\n' c a b | sort
        trap 'echo term' TERM; kill -TERM $$; sleep 0.2 & kill -STOP $!; kill -CONT $!; wait; echo $?; f() { [ $1 -gt 0 ] && f $(($1 - 1)); echo $1; }; f 5`;
      return { command: `/bin/bash ${place.file("work.sh", commands)}`, script: both("/bin/bash:execute_command", "libc:malloc", "libc:read", "libc:write") };
    },
  },
  {
    name: "python3: threads, processes, generators, exceptions",
    needs: ["python3"],
    make: (place) => {
      const code = `
import hashlib, os, signal, subprocess, threading, zlib
got = []
signal.signal(signal.SIGALRM, lambda *a: got.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
def work(n):
    for i in range(200):
        os.getppid()
        try: {}[n]
        except KeyError: pass
    sums[n] = zlib.crc32(hashlib.sha256(str(n).encode() * 1000).digest())
sums = [0] * 8
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
if os.fork() == 0: work(3); os._exit(7)
print(os.wait()[1] >> 8, sums)
while len(got) < 3: signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
print(subprocess.run(["/bin/echo", "child"], capture_output=True).stdout)`;
      return { command: `${python} ${place.file("work.py", code)}`, script: both("libc:getppid", "libc:sem_wait", "libc:write", "libz:crc32") };
    },
  },
  {
    name: "openssl: a file enciphered, deciphered and summed",
    needs: ["openssl"],
    make: (place) => {
      place.file("plain", "text to encipher\n".repeat(5000));
      const command = `cd ${place.path} && openssl enc -aes-256-cbc -K ${"0".repeat(64)} -iv ${"0".repeat(32)} -in plain -out secret && openssl enc -d -aes-256-cbc -K ${"0".repeat(64)} -iv ${"0".repeat(32)} -in secret | cmp - plain && openssl dgst -sha256 secret`;
      return { command, script: both(`${libcrypto()}:EVP_*Update`, `${libcrypto()}:BIO_read`, `${libcrypto()}:BIO_write`) };
    },
  },
  {
    name: "node: workers, zlib, timers, a child",
    needs: ["node"],
    make: (place) => {
      const code = `
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const zlib = require("zlib"), { execFileSync } = require("child_process");
if (!isMainThread) parentPort.postMessage(zlib.inflateSync(zlib.deflateSync("x".repeat(workerData * 10000))).length);
else Promise.all([1, 2, 3, 4].map((n) => new Promise((done) => new Worker(__filename, { workerData: n }).on("message", done)))).then((all) => {
  console.log(all, execFileSync("/bin/echo", ["child"], { encoding: "utf8" }));
  let n = 0; const t = setInterval(() => { if (++n === 20) { clearInterval(t); console.log("ticks", n); } }, 1);
});`;
      const node = process.execPath;
      return {
        command: `${node} ${place.file("work.cjs", code)}`,
        script: entries(`${node}:uv__run_timers`, `${node}:uv_async_send`, `${node}:uv_run`, `${node}:uv_spawn`),
      };
    },
  },
  {
    name: "a Go program: goroutines, stacks that move, panics",
    needs: ["go"],
    make: (place) => {
      copyFileSync(join(programs, "work.go"), place.file("main.go"));
      const cache = place.file("cache");
      execFileSync("go", ["build", "-o", place.file("goes"), "main.go"], { cwd: place.path, env: { ...process.env, GO111MODULE: "off", GOCACHE: cache } });
      return { command: place.file("goes"), script: entries(`${place.file("goes")}:main.deep`, `${place.file("goes")}:main.risky`) };
    },
  },
  {
    name: "a Java machine: threads, garbage, null checks by faults",
    needs: ["java", "javac"],
    make: (place) => {
      mkdirSync(place.file("classes"));
      execFileSync("javac", ["-d", place.file("classes"), join(programs, "Work.java")]);
      const machine = join(dirname(dirname(where("java") as string)), "lib/server/libjvm.so");
      return { command: `java -cp ${place.file("classes")} Work`, script: entries(`${machine}:JVM_*`, "libc:pthread_cond_signal", "libc:pthread_cond_wait") };
    },
  },
];

const missing = (needs: readonly string[]): boolean => needs.some((name) => where(name) === undefined);

describe.each(enginesUnderTest)("%s", (engine) => {
  describe.each(cases)("$name", ({ needs, make }) => {
    test.skipIf(missing(needs))("says what it says alone", { timeout: 120_000 }, async () => {
      using place = temporaryFolder();
      const { command, script } = make(place);
      const alone = execFileSync("/bin/sh", ["-c", command], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      expect(alone).not.toBe("");
      const output = place.file("output");
      const outcome = await traced(["-e", script, "--engine", engine, "--children", "-c", quoted("/bin/sh", "-c", `( ${command} ) > ${output} 2> /dev/null`)]);
      expect(readFileSync(output, "utf8")).toBe(alone);
      expect(mapOf(outcome, "hits")).toBeGreaterThan(10);
    });
  });

  /** A server that is probed while clients of its own make load. */
  async function serving(server: ChildProcess, ready: () => boolean, script: string, load: () => Promise<void>, ...options: string[]): Promise<unknown> {
    try {
      await eventually(ready, "the server");
      await using run = await tracing(["-e", script, "--engine", engine, "-p", String(server.pid), ...options]);
      await load();
      return mapOf(await run.end(), "hits");
    } finally {
      server.kill("SIGTERM");
      await new Promise((resolve) => (server.exitCode === null ? server.on("exit", resolve) : resolve(undefined)));
    }
  }
  const answers = (command: string, ...args: string[]): boolean => {
    try {
      execFileSync(command, args, { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  /** Asynchronously, so that what is probed can be read meanwhile. */
  const output = (command: string, ...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      child.on("close", (status) => (status === 0 ? resolve(text) : reject(new Error(`${command}: status ${status}: ${text}`))));
    });
  const port = 21_000 + (process.pid % 20_000);

  test.skipIf(missing(["redis-server", "redis-benchmark", "redis-cli"]))(
    "redis under its own benchmark keeps what it was told",
    { timeout: 120_000 },
    async () => {
      using place = temporaryFolder();
      const client = ["-p", String(port)];
      const server = spawn("redis-server", ["--port", String(port), "--save", "", "--dir", place.path, "--bind", "127.0.0.1"], {
        stdio: "ignore",
      });
      const hits = await serving(
        server,
        () => answers("redis-cli", ...client, "ping"),
        both("libc:read", "libc:write", "libc:epoll_wait"),
        async () => {
          for (let i = 0; i < 20; i++) await output("redis-cli", ...client, "set", `key:${i}`, `value ${i}`);
          const results = await output("redis-benchmark", ...client, "-n", "1000", "-c", "8", "-t", "incr,lpush", "--csv");
          expect(results).toMatch(/INCR/);
          expect(await output("redis-cli", ...client, "get", "key:7")).toBe("value 7\n");
          expect(await output("redis-cli", ...client, "get", "counter:__rand_int__")).toBe("1000\n");
          expect(await output("redis-cli", ...client, "llen", "mylist")).toBe("1000\n");
        },
      );
      expect(hits).toBeGreaterThan(1000);
    },
  );

  test.skipIf(missing(["/usr/sbin/nginx", "ab"]))("nginx under ab answers every request", { timeout: 120_000 }, async () => {
    using place = temporaryFolder();
    const page = "a page\n".repeat(100);
    place.file("page.html", page);
    const configuration = `daemon off; master_process on; worker_processes 2; user root; pid ${place.file("pid")}; error_log ${place.file("errors")};
      events {} http { access_log off; server { listen 127.0.0.1:${port}; root ${place.path}; } }`;
    const server = spawn("/usr/sbin/nginx", ["-c", place.file("nginx.conf", configuration), "-e", place.file("errors")], { stdio: "ignore" });
    const url = `http://127.0.0.1:${port}/page.html`;
    const hits = await serving(
      server,
      () => answers("ab", "-n", "1", url),
      both("libc:writev", "libc:epoll_wait", "libc:open64"),
      async () => {
        const report = await output("ab", "-q", "-n", "500", "-c", "8", url);
        expect(report).toMatch(/Complete requests: +500\n/);
        expect(report).toMatch(/Failed requests: +0\n/);
        expect(report).toMatch(new RegExp(`HTML transferred: +${500 * page.length} bytes`));
      },
      "--children",
    );
    expect(hits).toBeGreaterThan(500);
  });
});
