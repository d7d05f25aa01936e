/** `intercept()` from the script to an engine that hands it calls: here one that plays the thread, for no process needs to be stopped. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { breakpoint } from "../../../test/differential/harness/targets.ts";
import type { SessionImage } from "../../compiler/image.ts";
import type { Armed, ArmProbe, Engine, HostHit, HostVerdict } from "../../engines/engine.ts";
import { SondeError } from "../../errors/error.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { armScript } from "../arm.ts";
import { lowerForEngine } from "../engine-for-script.ts";
import { namedStates } from "../names.ts";
import type { RegisteredProbe } from "../probe.ts";
import { Scope } from "../scope.ts";
import { compiled } from "../script/compile.ts";
import { loadScript } from "../script/load.ts";
import { scriptFile } from "../script/source.ts";
import { RunningSession } from "../session.ts";
import { lossLines } from "../summary.ts";
import { makeVocabulary } from "../vocabulary/vocabulary.ts";

let folder: string;
let sites = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-intercept-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  writeFileSync(join(folder, "code"), new Uint8Array(4096).fill(0x90));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A function in a file of nops. */
function siteOf(name: string): FunctionSite {
  const path = join(folder, "code");
  const { dev, ino } = statSync(path, { bigint: true });
  const offset = 64 * sites++;
  return { path, display: path, file: { device: dev, inode: ino }, functionOffset: offset, address: BigInt(offset), size: 64, name, aliases: [], delta: 0 };
}

const RAX = 10;
const RDI = 14;
const FS_BASE = 21;

/** What a thread has: registers, and memory in pieces beside this process's own (for the C library's code). */
class Thread {
  readonly regs = new BigUint64Array(27);
  readonly pieces = new Map<bigint, Uint8Array>();
  readonly tid: number;
  constructor(tid = 7) {
    this.tid = tid;
  }
  place(address: bigint, bytes: Uint8Array | string): bigint {
    this.pieces.set(address, typeof bytes === "string" ? new Uint8Array(Buffer.from(bytes)) : bytes);
    return address;
  }
  read(address: bigint, length: number): Uint8Array {
    for (const [at, bytes] of this.pieces)
      if (address >= at && address < at + BigInt(bytes.length)) return bytes.slice(Number(address - at), Number(address - at) + length);
    const own = new Uint8Array(length);
    const descriptor = openSync("/proc/self/mem", "r");
    try {
      const got = readSync(descriptor, own, 0, length, Number(address));
      if (got > 0) return own.subarray(0, got);
    } catch {
      // Not mapped.
    } finally {
      closeSync(descriptor);
    }
    throw new SondeError("SONDE_SYS_EFAULT", "nothing is there", { why: "it isn't mapped" });
  }
  write(address: bigint, data: Uint8Array): void {
    const piece = [...this.pieces].find(([at, bytes]) => address >= at && address + BigInt(data.length) <= at + BigInt(bytes.length));
    if (piece === undefined) throw new SondeError("SONDE_SYS_EFAULT", "nothing is there", { why: "it isn't mapped" });
    piece[1].set(data, Number(address - piece[0]));
  }
}

/** Arms nothing; calls are made by hand. */
class PlayedEngine implements Engine {
  readonly name: "breakpoint" | "kernel";
  armed: readonly ArmProbe[] = [];
  readonly detached: number[] = [];
  #calls = 0;
  constructor(name: "breakpoint" | "kernel" = "breakpoint") {
    this.name = name;
  }
  available = () => ({ ok: true });
  target = () => breakpoint;
  async arm(image: SessionImage, probes: readonly ArmProbe[]): Promise<Armed> {
    this.armed = probes;
    return {
      engine: this.name,
      method: "played",
      sites: probes.reduce((sum, probe) => sum + probe.sites.length, 0),
      notes: [],
      cpuRegion: new ArrayBuffer(image.maps[image.cpuRegion.map]!.valueSize),
      sharedRegion: new ArrayBuffer(image.maps[image.sharedRegion.map]!.valueSize),
      map: () => {
        throw new Error("no map is read");
      },
      consume: () => 0,
      wait: (ms) => new Promise((next) => setTimeout(next, ms)),
      losses: () => ({ skipped: 0n, depth: 0n }),
      detach: (probe) => this.detached.push(probe),
      disarm() {},
      close() {},
    };
  }
  async hit(thread: Thread, phase: "enter" | "leave", call: number, probe = 0, cookie = this.armed[probe]!.cookies[0]!): Promise<HostVerdict> {
    const hit: HostHit = {
      phase,
      call,
      cookie,
      pid: process.pid,
      tid: thread.tid,
      comm: "played",
      regs: thread.regs,
      readMemory: (address, length) => thread.read(address, length),
      writeMemory: (address, bytes) => thread.write(address, bytes),
    };
    return await this.armed[probe]!.intercept!.handle(hit);
  }
  /** A whole call of a function that gives `result`. */
  async call(thread: Thread, body: (thread: Thread) => bigint, probe = 0): Promise<bigint> {
    const id = ++this.#calls;
    if ((await this.hit(thread, "enter", id, probe)) === "skip") {
      // To an engine that watches the return address the function has returned all the same.
      await this.hit(thread, "leave", id, probe);
      return BigInt.asIntN(64, thread.regs[RAX]!);
    }
    thread.regs[RAX] = BigInt.asUintN(64, body(thread));
    await this.hit(thread, "leave", id, probe);
    return BigInt.asIntN(64, thread.regs[RAX]!);
  }
}

let scripts = 0;

async function run(text: string, { unsafe = true, engine = new PlayedEngine() } = {}) {
  const path = join(folder, `script-${++scripts}.probe.ts`);
  writeFileSync(path, text);
  const source = scriptFile(path);
  const { unit } = await compiled(source);
  const prints: string[] = [];
  const faults: string[] = [];
  const scope = new Scope({
    params: {},
    pids: [],
    unsafe,
    modeOf: () => "entry",
    resolve: (name) => ({ sites: [siteOf(name.split(":")[1]!)], notes: [] }),
    actions: { print: (line) => prints.push(line), show() {}, exit() {}, symbol: String },
  });
  const loaded = await loadScript(unit, source, scope, makeVocabulary(scope));
  scope.seal();
  const named = namedStates(unit, scope);
  const filter = { pids: [], children: false, cgroup: undefined };
  const { lowered, notes } = await lowerForEngine({ unit, scope, named, filter, unsafe }, { engine, notes: [] }, engine.name);
  const fault = (error: unknown, what: string): void => void faults.push(`${what}: ${loaded.fault(error).message}`);
  const script = await armScript({ scope, lowered, engine, filter, exact: false, fault });
  const output = { everyEvent: false, print: (line: string) => prints.push(line), event() {}, show() {}, fault() {} };
  const session = new RunningSession({
    scope,
    script,
    named,
    output,
    loaded,
    command: undefined,
    targets: [],
    children: false,
    engineNotes: notes,
    warnings: [],
  });
  return { engine, session, scope, prints, faults };
}

const imports = 'import { count, intercept, print, uprobe } from "sonde";\n';

test("enter sees the arguments and changes them, leave sees what enter gave and changes the result", async () => {
  const { engine, session, prints } = await run(
    `${imports}let calls = 0;
intercept("app:send", {
  enter(c) { calls++; print\`\${c.func} \${c.comm} \${c.arg0} \${c.regs.rdi}\`; c.arg0 = c.arg0 - 1n; c.arg5 = -5n; return { first: c.arg0 }; },
  leave(c, at) { print\`\${calls} \${at.first} \${c.ret}\`; c.ret = -2n; },
});\n`,
  );
  const thread = new Thread();
  thread.regs[RDI] = 42n;
  let seen: bigint[] = [];
  const result = await engine.call(thread, ({ regs }) => {
    seen = [regs[RDI]!, regs[8]!];
    return -1n;
  });
  expect(seen).toEqual([41n, 2n ** 64n - 5n]);
  expect(result).toBe(-2n);
  expect(prints).toEqual(["send played 42 42", "1 41 -1"]);
  expect(session.hits()).toBe(1n);
  await session.close();
});

test("a handler may be async; other calls go on meanwhile, and each gets its own value back", async () => {
  const { engine, prints, session } = await run(
    `${imports}intercept("app:send", {
  async enter(c) { await new Promise((next) => setTimeout(next, Number(c.arg0))); return c.tid; },
  async leave(c, at) { await null; print\`\${c.tid} \${at}\`; },
});\n`,
  );
  const threads = [30n, 1n].map((ms, i) => {
    const thread = new Thread(i + 1);
    thread.regs[RDI] = ms;
    return thread;
  });
  await Promise.all(threads.map((thread) => engine.call(thread, () => 0n)));
  expect(prints).toEqual(["2 2", "1 1"]);
  await session.close();
});

test("skip gives the result at once, with errno set in the thread; leave isn't run for that call", async () => {
  const { engine, prints, session } = await run(
    `${imports}intercept("app:open", {
  enter(c) { if (c.memory.text(c.arg0).endsWith(".conf")) c.skip(-1, { errno: "EACCES" }); },
  leave(c) { print\`\${c.ret} \${c.errno}\`; },
});\n`,
  );
  const thread = new Thread();
  // Where errno is in a thread of this very process, whose C library is read.
  const block = thread.place(0x5000_0000_0000n, new Uint8Array(8192));
  thread.regs[FS_BASE] = block + 4096n;
  thread.regs[RDI] = thread.place(0x6000_0000_0000n, "/etc/a.conf\0rest");
  expect(await engine.call(thread, () => 3n)).toBe(-1n);
  expect(prints).toEqual([]);
  const bytes = thread.pieces.get(block)!;
  const at = bytes.findIndex((byte) => byte !== 0);
  expect([...bytes.subarray(at, at + 4)]).toEqual([13, 0, 0, 0]);
  expect(bytes.filter((byte) => byte !== 0)).toHaveLength(1);
  // And it is found there by a call that isn't skipped.
  thread.regs[RDI] = thread.place(0x6000_0000_1000n, "/etc/passwd\0");
  expect(await engine.call(thread, () => -1n)).toBe(-1n);
  expect(await engine.call(thread, () => 5n)).toBe(5n);
  expect(prints).toEqual(["-1 EACCES", "5 <unreadable>"]);
  expect(await session.close()).toMatchObject({ unmatched: 0n, hits: 3n });
});

test("assigning errno makes a call fail", async () => {
  const { engine, session } = await run(
    `${imports}intercept("app:open", { enter() {}, leave(c) { c.errno = "ENOENT"; if (c.errno !== "ENOENT") throw new Error(c.errno); } });\n`,
  );
  const thread = new Thread();
  const block = thread.place(0x5000_0000_0000n, new Uint8Array(8192));
  thread.regs[FS_BASE] = block + 4096n;
  expect(await engine.call(thread, () => 3n)).toBe(-1n);
  expect([...thread.pieces.get(block)!].filter((byte) => byte !== 0)).toEqual([2]);
  await session.close();
});

test("memory is read and written; where there is none an error names the place", async () => {
  const { engine, prints, faults, session } = await run(
    `${imports}intercept("app:send", { enter(c) {
  c.memory.write(c.arg0, "hello");
  c.memory.write(c.arg0 + 5n, Uint8Array.of(0));
  print\`\${c.memory.text(c.arg0)} \${c.memory.text(c.arg0, 2)} \${c.memory.read(c.arg0 + 1n, 2)}\`;
  c.memory.read(16n, 4);
} });\n`,
  );
  const thread = new Thread();
  thread.regs[RDI] = thread.place(0x6000_0000_0000n, new Uint8Array(16));
  await engine.hit(thread, "enter", 1);
  expect(prints).toEqual(["hello he el"]);
  expect(faults).toEqual([`intercept("app:send"): enter: 4 bytes at 0x10 of process ${process.pid} can't be read`]);
  await session.close();
});

test("what a handler throws is shown once, and the call goes on as it came; the end says how often", async () => {
  const { engine, faults, session } = await run(
    `${imports}intercept("app:send", {
  enter(c) { c.arg0 = 1n; c.skip(5); throw new Error("no"); },
  async leave(c) { c.ret = 9n; await null; throw new TypeError("never"); },
});
intercept("app:recv", { async leave() { throw new Error("late"); } });\n`,
  );
  const thread = new Thread();
  for (let i = 0; i < 3; i++) {
    thread.regs[RDI] = 42n;
    const verdict = await engine.hit(thread, "enter", i);
    expect([verdict, thread.regs[RDI]]).toEqual(["continue", 42n]);
  }
  thread.regs[RAX] = 3n;
  for (let i = 0; i < 3; i++) await engine.hit(thread, "leave", i);
  await engine.hit(thread, "leave", 1, 1);
  expect(thread.regs[RAX]).toBe(3n);
  expect(faults).toEqual(['intercept("app:send"): enter: the script threw Error: no', 'intercept("app:recv"): leave: the script threw Error: late']);
  const summary = await session.close();
  expect(summary).toMatchObject({ threw: 4, hits: 4n, unmatched: 0n });
  expect(lossLines(summary)).toContain("functions given to intercept() threw 4 times: those calls went on unchanged");
});

test("a return whose entry wasn't seen is counted, and isn't handed over", async () => {
  const { engine, prints, session } = await run(`${imports}intercept("app:send", { enter: () => 1, leave: (c, at) => print\`\${at}\` });\n`);
  await engine.hit(new Thread(), "leave", 99);
  expect(prints).toEqual([]);
  expect(await session.close()).toMatchObject({ unmatched: 1n });
});

test("what was handed out can't be used when the call has gone on", async () => {
  const { engine, scope, session } = await run(
    `${imports}export const kept: { arg0: bigint }[] = [];\nintercept("app:send", { enter(c) { kept.push(c); } });\n`,
  );
  await engine.hit(new Thread(), "enter", 1);
  const kept = scope.binding(0, "kept") as { arg0: bigint }[];
  expect(() => kept[0]!.arg0).toThrow(expect.objectContaining({ code: "SONDE_CALL_GONE" }));
  await session.close();
});

test("it stands beside compiled handlers, which may take it out", async () => {
  const { engine, scope, session } = await run(
    `${imports}const n = count();\nconst probe = intercept("app:send", { enter() {} });\nuprobe("app:recv", () => { n.add(); probe.detach(); });\n`,
  );
  expect(engine.armed.map(({ probe, programs, intercept }) => [probe, programs, intercept?.enter, intercept?.leave])).toEqual([
    [0, [0], undefined, undefined],
    [1, [], true, false],
  ]);
  await engine.hit(new Thread(), "enter", 1, 1);
  const probe = scope.binding(0, "probe") as RegisteredProbe;
  expect([probe.sites, probe.hits()]).toEqual([1, 1n]);
  probe.detach();
  expect(engine.detached).toEqual([1]);
  await session.close();
});

test("without --unsafe it is refused when the script is loaded", async () => {
  await expect(run(`${imports}intercept("app:send", { enter() {} });\n`, { unsafe: false })).rejects.toMatchObject({
    code: "SONDE_UNSAFE",
    message: 'intercept("app:send") can change the target, and this run doesn\'t permit that',
    mend: expect.stringContaining("--unsafe"),
  });
});

test("an engine that runs no host code is refused, with the one that does", async () => {
  await expect(run(`${imports}intercept("app:send", { enter() {} });\n`, { engine: new PlayedEngine("kernel") })).rejects.toMatchObject({
    code: "SONDE_ENGINE_LACKS",
    message: 'intercept("app:send"): the engine kernel runs no host code at a hit',
    mend: expect.stringContaining("--engine breakpoint"),
  });
});

test.each([
  ["intercept('app:send', () => {})", "the handlers are an object with enter, leave or both"],
  ["intercept('app:send', {})", "there is neither enter nor leave"],
  ["intercept('app:send', { before() {} })", "there is no handler before"],
  ["intercept('app:send', { enter: 5 })", "enter is no function"],
])("%s is refused", async (call, message) => {
  await expect(run(`import * as sonde from "sonde";\nconst { intercept } = sonde as any;\n${call};\n`)).rejects.toMatchObject({
    code: "SONDE_HANDLER",
    message: `intercept("app:send"): ${message}`,
  });
});

test.each([
  ["c.arg0 = 1.5 as never", "c.arg0: 1.5 is no value for a register"],
  ["c.regs.rax = 'x' as never", 'c.regs.rax: "x" is no value for a register'],
  ["c.skip(-1, { errno: 'EWHAT' })", "c.skip(): there is no error EWHAT"],
])("a wrong value says so: %s", async (statement, message) => {
  const { engine, faults, session } = await run(`${imports}intercept("app:send", { enter(c) { ${statement}; } });\n`);
  await engine.hit(new Thread(), "enter", 1);
  expect(faults).toEqual([`intercept("app:send"): enter: ${message}`]);
  await session.close();
});

test("all registers are there by their names, signed, and may be assigned", async () => {
  const { engine, prints, session } = await run(
    `${imports}intercept("app:send", { enter(c) {
  print\`\${Object.keys(c.regs).length} \${c.regs.r15} \${c.regs.rip} \${c.regs.rflags} \${c.regs.rsp} \${c.regs.r9}\`;
  c.regs.rbx = 5n;
} });\n`,
  );
  const thread = new Thread();
  for (const i of thread.regs.keys()) thread.regs[i] = BigInt.asUintN(64, -BigInt(i) - 1n);
  await engine.hit(thread, "enter", 1);
  expect(prints).toEqual(["18 -1 -17 -19 -20 -9"]);
  expect(thread.regs[5]).toBe(5n);
  await session.close();
});
