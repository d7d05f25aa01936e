/** Python, whose calls of C functions are as many as the program says. */
import { describe, expect, test } from "vitest";
import { mapOf, objectsOf, quoted, tool, traced, where } from "./support.ts";

/** The one of Debian, where there is one: it links libm, libz and so on dynamically. */
const python = where("/usr/bin/python3") ?? where("python3");

describe.skipIf(python === undefined)("python3", () => {
  const run = (code: string): string => quoted(python!, "-c", code);
  test("calls libc from one thread and from eight: every call is counted, by thread", async () => {
    const code = `
import os, threading
def work():
    for _ in range(500): os.getppid()
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; work()`;
    const outcome = await traced(["-e", 'const n = hash(u32, count()); uprobe("libc:getppid", (c) => n.at(c.tid).add());', "-c", run(code)]);
    expect(Object.values(mapOf(outcome, "n") as object)).toEqual(Array(9).fill(500));
  });
  test("calls sin(), which is an IFUNC: the implementation in use is what is counted", async () => {
    const outcome = await traced([
      "-e",
      'const n = count(); uprobe("libm:sin", () => n.add());',
      "-c",
      run("import math\nfor i in range(1, 1235): math.sin(i)"),
    ]);
    expect(mapOf(outcome, "n")).toBe(1234);
  });
  test("calls functions of its own interpreter, and forked children do too", async () => {
    const code = (n: number): string => `
import os
for i in range(${n}): repr(1.5)
if os.fork() == 0:
    for i in range(10): repr(1.5)
    os._exit(0)
os.wait()`;
    const counted = async (n: number, ...options: string[]): Promise<number> => {
      const probe = `const n = count(); uprobe("${python}:PyOS_double_to_string", () => n.add());`;
      return mapOf(await traced(["-e", probe, "-c", run(code(n)), ...options]), "n") as number;
    };
    const none = await counted(0);
    expect((await counted(1000)) - none).toBe(1000);
    expect((await counted(1000, "--children")) - none).toBe(1010);
  });
  test("looks up names: gethostlatency tells each, with its result", async () => {
    const code = `
import socket
socket.getaddrinfo("localhost", 80)
try: socket.getaddrinfo("no-such-host.invalid", 80)
except OSError: pass`;
    const outcome = await traced(["run", tool("gethostlatency"), "-c", run(code)]);
    const lookups = objectsOf(outcome, "event", "lookups").map(({ data }) => data as { host: string; result: number; ns: number; how: string });
    expect(lookups.map(({ host, how, result }) => [host, how, result === 0])).toEqual([
      ["localhost", "getaddrinfo", true],
      ["no-such-host.invalid", "getaddrinfo", false],
    ]);
    for (const { ns } of lookups) expect(ns).toBeGreaterThan(0);
  });
  test("makes threads: threadsnoop tells each, with the function that it starts with", async () => {
    const code =
      "import threading, time\nt = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(5)]\n[x.start() for x in t]; [x.join() for x in t]";
    const outcome = await traced(["run", tool("threadsnoop"), "-c", run(code)]);
    expect(Object.values(mapOf(outcome, "threads") as object)).toEqual([5]);
    const printed = objectsOf(outcome, "print").map(({ text }) => String(text));
    expect(printed).toHaveLength(5);
    // Debian's python3 has no names for its inner functions.
    for (const line of printed) expect(line).toMatch(/\] \S+$/);
  });
});
