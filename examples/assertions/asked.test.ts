// Probes as assertions: what programs do, said in tests. `npm install && npm test`; without root it takes the engine breakpoint.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "sonde";
import { expect, test } from "vitest";

const script = new URL("./asked.probe.ts", import.meta.url);
type Asked = typeof import("./asked.probe.ts");

test("a command stays within its budget of allocations", async () => {
  await using session = await open<Asked>(script, { command: ["cat", "/dev/null"], signal: AbortSignal.timeout(20_000) });
  const { status, lost } = await session.done;
  expect([status, lost]).toEqual([0, 0n]);
  expect(session.maps.allocations.read()).toBeLessThan(1000n);
});

test("a line that comes in goes out in one write, without an allocation", async () => {
  const cat = spawn("cat", { stdio: ["pipe", "pipe", "inherit"] });
  const answer = async (line: string): Promise<string> => {
    cat.stdin.write(line);
    const [text] = await once(cat.stdout, "data");
    return String(text);
  };
  try {
    // It has read its first line: what it needs to start is behind it.
    expect(await answer("ready\n")).toBe("ready\n");
    await using session = await open<Asked>(script, { pid: cat.pid!, exact: true });
    expect(await answer("hello\n")).toBe("hello\n");
    const { writes, written, allocations } = session.maps;
    expect([writes.read(), written.read(1), allocations.read()]).toEqual([1n, 6n, 0n]);
  } finally {
    cat.kill();
    await once(cat, "exit");
  }
});

test("two programs at once are told apart, each by its own session", async () => {
  const commands = ["echo x", "echo x; echo x; echo x"];
  const sessions = await Promise.all(commands.map((text) => open<Asked>(script, { command: ["sh", "-c", text] })));
  try {
    await Promise.all(sessions.map((session) => session.done));
    expect(sessions.map(({ maps }) => maps.written.read(1))).toEqual([2n, 6n]);
  } finally {
    for (const session of sessions) await session[Symbol.asyncDispose]();
  }
});
