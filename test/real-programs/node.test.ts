/** Node itself: 100 MB, 78,000 functions, C++ names, OpenSSL built in. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { mapOf, objectsOf, quoted, temporaryFolder, textOf, tool, traced, tracing, where } from "./support.ts";

const node = process.execPath;
const run = (code: string): string => quoted(node, "--expose-gc", "-e", code);

/** A Node that runs each line that it is told. */
function asked(): { readonly child: ChildProcess; ask(code: string): Promise<string> } {
  const child = spawn(node, ["-e", 'require("readline").createInterface({ input: process.stdin }).on("line", (l) => console.log(String(eval(l))))'], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    async ask(code) {
      child.stdin!.write(`${code}\n`);
      return (await lines.next()).value;
    },
  };
}

describe("node", () => {
  test("has a C++ function of its own probed by its mangled name, by a wildcard, and libuv's below it", async () => {
    const mangled = "_ZN4node2osL11GetHostnameERKN2v820FunctionCallbackInfoINS1_5ValueEEE";
    const script = `const n = hash(func, count());
      uprobe(["${node}:${mangled}", "${node}:uv_os_gethostname"], (c) => n.at(c.func).add());
      const wild = count(); uprobe("${node}:_ZN4node2os*GetHostname*", () => wild.add());`;
    const outcome = await traced(["-e", script, "-c", run("for (let i = 0; i < 321; i++) os.hostname()")]);
    const name = "node::os::GetHostname(v8::FunctionCallbackInfo<v8::Value> const&)";
    expect(mapOf(outcome, "n")).toEqual({ [name]: 321, uv_os_gethostname: 321 });
    expect(mapOf(outcome, "wild")).toBe(321);
  });
  test("that runs already is probed by -p, and another isn't", async () => {
    const [one, two] = [asked(), asked()];
    try {
      await Promise.all([one.ask("1"), two.ask("1")]);
      const script = `const n = hash(u32, count()); uprobe("${node}:uv_os_gethostname", (c) => n.at(c.pid).add());`;
      await using tracer = await tracing(["-e", script, "-p", String(one.child.pid)]);
      expect(await one.ask("for (let i = 0; i < 77; i++) os.hostname(); 2")).toBe("2");
      expect(await two.ask("for (let i = 0; i < 55; i++) os.hostname(); 2")).toBe("2");
      expect(mapOf(await tracer.end(), "n")).toEqual({ [String(one.child.pid)]: 77 });
    } finally {
      for (const { child } of [one, two]) child.kill("SIGKILL");
    }
  });
  test("collects garbage as often as it is told", async () => {
    const code = (n: number): string => `for (let i = 0; i < ${n}; i++) gc()`;
    const script = `const took = stats();
      uprobe("${node}:_ZN2v88internal20MarkCompactCollector14CollectGarbageEv", { enter: (c) => c.time, leave: (c, from) => took.add(c.time - from) });`;
    const counted = async (n: number) => (mapOf(await traced(["-e", script, "-c", run(code(n))]), "took") as { count: number }).count;
    const none = await counted(0);
    expect((await counted(25)) - none).toBe(25);
  });
  const openssl = where("openssl");
  test.skipIf(openssl === undefined)("speaks TLS with the OpenSSL that is built in: sslsnoop sees it through --library", async () => {
    using folder = temporaryFolder();
    const [key, cert] = [folder.file("key.pem"), folder.file("cert.pem")];
    textOf("sh", "-c", `${openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${cert} 2>/dev/null`);
    const code = `
const tls = require("tls"), fs = require("fs");
const server = tls.createServer({ key: fs.readFileSync("${key}"), cert: fs.readFileSync("${cert}") }, (s) => s.on("data", (d) => s.end("answer to " + d)));
server.listen(0, "127.0.0.1", () => {
  const c = tls.connect({ port: server.address().port, host: "127.0.0.1", rejectUnauthorized: false }, () => c.write("question"));
  c.on("data", (d) => console.error(String(d))).on("close", () => server.close());
});`;
    const outcome = await traced(["run", tool("sslsnoop"), "-c", run(code), "--", `--library=${node}`]);
    const pieces = objectsOf(outcome, "event", "pieces").map(({ data }) => data as { how: string; data: string });
    const texts = (how: string) => pieces.filter((piece) => piece.how === how).map(({ data }) => Buffer.from(data, "hex").toString());
    expect(texts("SSL_write")).toEqual(["question", "answer to question"]);
    expect(texts("SSL_read")).toEqual(["question", "answer to question"]);
  });
});
