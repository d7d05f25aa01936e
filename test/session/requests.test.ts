/** What ends a session, what handlers ask of the host, and in which order everything happens. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open } from "../../src/session/open.ts";
import { openText, probed, scripts, until } from "./support.ts";

test("exit() in a handler ends the session with its status, and later hits aren't handled", async () => {
  await using it = await probed();
  const s = await openText('const n = count(); uprobe("BIN:work", (c) => { if (c.arg0 === 7) { exit(3); return; } n.add(); });', it.path);
  await it.running.ask("work 5 1 0");
  await it.running.ask("work 1 7 0");
  await it.running.ask("work 5 1 0");
  const summary = await s.done;
  expect(summary).toMatchObject({ status: 3, ended: "exit" });
  expect(s.maps.n.read()).toBe(5n);
  await s.close();
});

test("begin runs when the probes are in and before the first event, end when they are out", async () => {
  await using it = await probed();
  const log = join(scripts({}).folder, "log");
  const text = `
    import { begin, end, events, count, i64, uprobe } from "sonde";
    import { appendFileSync } from "node:fs";
    const seen = events({ n: i64 });
    export const n = count();
    const say = (word: string): void => appendFileSync(${JSON.stringify(log)}, word + "\\n");
    uprobe(${JSON.stringify(`${it.path}:work`)}, (c) => { n.add(); seen.emit({ n: c.arg0 }); });
    seen.on((e) => say("event " + e.n));
    begin(async () => { say("begin"); await new Promise((next) => setTimeout(next, 30)); say("begun"); });
    end(() => say("end " + n.read()));
    say("loaded");`;
  const { folder, remove } = scripts({ "order.ts": text });
  const s = await open(join(folder, "order.ts"));
  await it.running.ask("work 2 9 0");
  await s.close();
  expect(readFileSync(log, "utf8").trim().split("\n")).toEqual(["loaded", "begin", "begun", "event 9", "event 9", "end 2"]);
  remove();
});

test("a handler's show, clear and detach are carried out between the prints around them", async () => {
  await using it = await probed();
  await using s = await openText(
    'const n = count(); const byArg = hash(i64, count()); const p = uprobe("BIN:six", (c) => { print`six ${c.arg0}`; }); uprobe("BIN:work", (c) => { n.add(); byArg.at(c.arg0).add(); }); uprobe("BIN:negative", (c) => { print`before`; show(byArg, { top: 1 }); clear(n, byArg); print`after`; p.detach(); });',
    it.path,
  );
  const lines: string[] = [];
  void (async () => {
    for await (const line of s.lines) lines.push(line);
  })();
  await it.running.ask("work 3 5 0");
  await it.running.ask("work 1 6 0");
  await it.running.ask("six 1 2 3 4 5 6");
  await it.running.ask("negative 1");
  await until(() => lines.includes("after"), "the requests");
  expect(lines.map((line) => line.replace(/ █.*/, ""))).toEqual(["six 1", "before", "byArg", "  5  3", "  … 1 more", "after"]);
  expect([s.maps.n.read(), s.maps.byArg.entries()]).toEqual([0n, []]);
  await it.running.ask("six 2 2 3 4 5 6");
  await it.running.ask("work 2 5 0");
  await until(() => s.maps.n.read() === 2n, "two more hits");
  expect(lines.filter((line) => line.startsWith("six"))).toEqual(["six 1"]);
});

test("a command is counted from its exec on, its end ends the session, and its status is known", async () => {
  await using it = await probed();
  const s = await openText(
    'const n = count(); const pids = hash(u32, count()); const c = count(); uprobe("BIN:work", (c) => { n.add(); pids.at(c.pid).add(); });',
    it.path,
    { command: [it.path, "work", "123", "1", "2"], stdio: "ignore" },
  );
  const summary = await s.done;
  expect(summary).toMatchObject({ ended: "command", status: 0, hits: 123n });
  expect(s.maps.n.read()).toBe(123n);
  await it.running.ask("work 5 1 2");
  expect(s.maps.n.read()).toBe(123n);
  await s.close();
});

test("nothing of a command is counted before its exec, and everything behind it, in libc too", async () => {
  await using it = await probed();
  const run = async (): Promise<bigint> => {
    const s = await openText('const n = count(); uprobe("libc:malloc", () => n.add());', it.path, {
      command: [it.path, "malloc", "1000", "24"],
      stdio: "ignore",
    });
    await s.done;
    const n = s.maps.n.read() as bigint;
    await s.close();
    return n;
  };
  const once = await run();
  expect(once).toBeGreaterThanOrEqual(1000n);
  expect(await run()).toBe(once);
});

test("of a process that is named only its own calls count, and its end ends the session", async () => {
  await using it = await probed();
  await using other = await probed();
  const s = await openText('const n = count(); uprobe("BIN:work", () => n.add());', it.path, { pid: it.running.pid });
  await it.running.ask("work 4 0 0");
  await other.running.ask("work 9 0 0");
  expect(s.maps.n.read()).toBe(4n);
  await it.running.end();
  expect(await s.done).toMatchObject({ ended: "target", hits: 4n });
  await s.close();
});

test("an aborted signal ends the session; one that was aborted before never arms it", async () => {
  await using it = await probed();
  const abort = new AbortController();
  const s = await openText('const n = count(); uprobe("BIN:work", () => n.add());', it.path, { signal: abort.signal });
  await it.running.ask("work 4 0 0");
  abort.abort();
  expect(await s.done).toMatchObject({ ended: "aborted", hits: 4n });
  await it.running.ask("work 4 0 0");
  expect(s.maps.n.read()).toBe(4n);
  await s.close();
  await expect(openText('uprobe("BIN:work", () => {});', it.path, { signal: abort.signal })).rejects.toMatchObject({ code: "SONDE_ABORTED" });
});

test("two sessions of one program count apart", async () => {
  await using it = await probed();
  const text = 'const n = count(); uprobe("BIN:work", () => n.add());';
  await using one = await openText(text, it.path);
  await it.running.ask("work 2 0 0");
  await using two = await openText(text, it.path);
  await it.running.ask("work 3 0 0");
  expect([one.maps.n.read(), two.maps.n.read()]).toEqual([5n, 3n]);
  await one.close();
  await it.running.ask("work 1 0 0");
  expect([one.maps.n.read(), two.maps.n.read()]).toEqual([5n, 4n]);
});

test("probe.hits() and sites are known to the script, and a probe may be missing if it says so", async () => {
  await using it = await probed();
  const { folder, remove } = scripts({
    "probe.ts": `import { begin, end, print, uprobe, variable, i32, u64 } from "sonde";
      const p = uprobe(${JSON.stringify(`${it.path}:alias_*`)}, () => {});
      const missing = uprobe(${JSON.stringify(`${it.path}:not_there`)}, () => {}, { optional: true });
      const wild = uprobe(${JSON.stringify(`${it.path}:not_there_*`)}, () => {}, { optional: true });
      const none = { sites: missing.sites + wild.sites };
      export const sites = variable(i32, p.sites * 10 + none.sites);
      export const hits = variable(u64, 0);
      end(() => hits.set(p.hits()));`,
  });
  const s = await open(join(folder, "probe.ts"));
  await it.running.ask("alias 6");
  await s.close();
  expect([(s.maps.sites as never as { read(): number }).read(), (s.maps.hits as never as { read(): bigint }).read()]).toEqual([10, 6n]);
  remove();
});

test("one probe counts a call once, however many of its targets name the place", async () => {
  await using it = await probed();
  await using s = await openText(
    'const once = count(), twice = count(); const p = uprobe(["BIN:work", "BIN:wor*", "BIN:work"], () => once.add()); uprobe("BIN:work", () => twice.add()); uprobe("BIN:work", () => twice.add()); const sites = variable(i32, p.sites);',
    it.path,
  );
  await it.running.ask("work 5 0 0");
  expect([s.maps.once.read(), s.maps.twice.read(), s.maps.sites.read()]).toEqual([5n, 10n, 1]);
});

test("mistakes end before anything is armed, each with its code", async () => {
  await using it = await probed();
  const code = (text: string, options = {}) =>
    openText(text, it.path, options).then(
      () => "armed",
      (error: { code: string }) => error.code,
    );
  expect(await code('uprobe("BIN:work", (c) => c.arg9 > 1);')).toBe("SONDE_SCRIPT_ERRORS");
  expect(await code('uprobe("BIN:wrok", () => {});')).toBe("SONDE_FUNCTION_NOT_FOUND");
  expect(await code("const n = count();")).toBe("SONDE_NO_PROBES");
  expect(await code('uprobe("BIN:work", () => {}); throw new Error("no");')).toBe("SONDE_SCRIPT_THREW");
  expect(await code('uprobe("BIN:work", () => {});', { command: ["no-such-program-here"] })).toBe("SONDE_COMMAND_NOT_FOUND");
  expect(await code('uprobe("BIN:work", () => {});', { pid: 2 ** 22 + 1 })).toBe("SONDE_PROCESS_NOT_FOUND");
  expect(await code('uprobe("BIN:work", () => {});', { params: { slow: 1 } })).toBe("SONDE_PARAM_UNKNOWN");
  expect(await code('const f = 1.5; uprobe("BIN:work", (c) => { if (c.arg0 > f) exit(1); });')).toBe("SONDE_SCRIPT_ERRORS");
});

test("what a listener throws ends the session with the script's line", async () => {
  await using it = await probed();
  const { folder, remove } = scripts({
    "listener.ts": `import { events, i64, uprobe } from "sonde";\nconst e = events({ n: i64 });\nuprobe(${JSON.stringify(`${it.path}:work`)}, (c) => e.emit({ n: c.arg0 }));\ne.on((event) => {\n  if (event.n === 2n) throw new Error("two");\n});\n`,
  });
  const path = join(folder, "listener.ts");
  const s = await open(path);
  await it.running.ask("work 1 2 0");
  await expect(s.done).rejects.toMatchObject({ code: "SONDE_SCRIPT_THREW", message: "the script threw Error: two", where: `${path}:5` });
  await expect(s.close()).rejects.toMatchObject({ code: "SONDE_SCRIPT_THREW" });
  remove();
});

test("a changed script is compiled again, in the same process too", async () => {
  await using it = await probed();
  const { folder, remove } = scripts({ "change.ts": "" });
  const path = join(folder, "change.ts");
  for (const add of [1, 2]) {
    writeFileSync(path, `import { sum, uprobe } from "sonde";\nexport const n = sum();\nuprobe(${JSON.stringify(`${it.path}:work`)}, () => n.add(${add}));\n`);
    const s = await open(path);
    await it.running.ask("work 5 0 0");
    await s.close();
    expect((s.maps.n as never as { read(): bigint }).read()).toBe(BigInt(5 * add));
  }
  remove();
});

test("what begin prints, shows and throws is in its place", async () => {
  await using it = await probed();
  const s = await openText(
    'const n = hash(u32, u64); n.set(1, 5); uprobe("BIN:work", () => n.set(2, 1)); print`zero`; begin(() => { print`one`; show(n); setTimeout(() => exit(4), 20); });',
    it.path,
  );
  const lines: string[] = [];
  for await (const line of s.lines) lines.push(line.replace(/ █+$/, ""));
  expect(lines).toEqual(["zero", "one", "n", "  1  5"]);
  expect((await s.close()).status).toBe(4);
  await expect(openText('uprobe("BIN:work", () => {}); begin(() => { throw new Error("not begun"); });', it.path)).rejects.toMatchObject({
    code: "SONDE_SCRIPT_THREW",
    where: "-e:1",
  });
});
