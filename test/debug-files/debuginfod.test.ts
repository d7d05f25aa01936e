/** Debug information from debuginfod servers, on loopback: what is got, checked, kept, shared with elfutils; and what servers do wrong. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import type { DownloadOptions } from "../../src/symbols/debug-files/debuginfod/download.ts";
import { missingError } from "../../src/symbols/debug-files/missing.ts";
import { openDebugInfo, openOrFetchDebugInfo } from "../../src/symbols/debug-files/open.ts";
import { provide } from "../fixtures/packages.ts";
import { described, Folder, idOf, imageOf, TWICE } from "./build.ts";

beforeAll(() => provide("dwz", "debuginfod-find"), 300_000);

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** Answers by build-id; what it has none for is 404. */
class Server implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  readonly answers = new Map<string, Answer>();
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url!);
    this.headers.push(request.headers);
    const [, id = ""] = /^\/buildid\/([0-9a-f]+)\/debuginfo$/.exec(request.url!) ?? [];
    const answer = this.answers.get(id) ?? this.answers.get(request.url!);
    if (answer !== undefined) answer(response, request);
    else response.writeHead(404).end();
  });

  static async start(): Promise<Server> {
    const server = new Server();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  has(id: string, file: string): void {
    this.answers.set(id, (response) => response.end(readFileSync(file)));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A stripped program, and its debug information where nothing looks for it. */
function stripped(folder: Folder): { readonly path: string; readonly id: string; readonly file: string } {
  const path = folder.program("a");
  return { path, id: folder.strip(path, folder.at("away/a.debug")), file: folder.at("away/a.debug") };
}
const environmentOf = (folder: Folder, urls: string, more: { readonly [name: string]: string } = {}) => ({
  HOME: folder.path,
  SONDE_DEBUG_PATH: folder.at("debug"),
  DEBUGINFOD_CACHE_PATH: folder.at("cache"),
  DEBUGINFOD_URLS: urls,
  ...more,
});
const fetched = (path: string, environment: { readonly [name: string]: string }, options: DownloadOptions = {}) =>
  openOrFetchDebugInfo(path, imageOf(path), { environment, ...options });
/** Why it wasn't got. */
async function failuresOf(path: string, environment: { readonly [name: string]: string }): Promise<readonly string[]> {
  const found = await fetched(path, environment);
  if (!("missing" in found)) throw new Error("it was got");
  return found.failures;
}
const leftIn = (folder: Folder, id: string): string[] => (existsSync(folder.at("cache", id)) ? readdirSync(folder.at("cache", id)) : []);

describe("a server's debug information", () => {
  test("is got, kept as elfutils keeps it, and found from then on without a network", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.has(id, file);
    const found = await fetched(path, environmentOf(folder, server.url));
    if ("missing" in found) throw missingError(found.missing, found.failures);
    expect([found.from, found.files, described(found.debug)]).toEqual(["debuginfod", [folder.at("cache", id, "debuginfo")], TWICE]);
    expect(statSync(folder.at("cache", id, "debuginfo")).mode & 0o777).toBe(0o400);
    expect(leftIn(folder, id)).toEqual(["debuginfo"]);
    const again = openDebugInfo(path, imageOf(path), { environment: environmentOf(folder, "") });
    expect("missing" in again).toBe(false);
    expect(server.asked).toEqual([`/buildid/${id}/debuginfo`]);
    expect(server.headers[0]!["user-agent"]).toMatch(/^sonde,Linux\/x86_64/);
  });
  test("is asked of no network where DEBUGINFOD_URLS isn't set, nor by looking on disk", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.has(id, file);
    expect("missing" in (await fetched(path, environmentOf(folder, "")))).toBe(true);
    expect("missing" in openDebugInfo(path, imageOf(path), { environment: environmentOf(folder, server.url) })).toBe(true);
    expect(server.asked).toEqual([]);
    expect(existsSync(folder.at("cache", id))).toBe(false);
  });
  test("comes by redirection, compressed on its way, from the one of several servers that has it", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    await using empty = await Server.start();
    const { path, id, file } = stripped(folder);
    server.answers.set(id, (response) => response.writeHead(302, { location: "/elsewhere" }).end());
    server.answers.set("/elsewhere", (response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(readFileSync(file))));
    const found = await fetched(path, environmentOf(folder, ` ${empty.url}/  http://127.0.0.1:1 ${server.url}`));
    expect("missing" in found ? found.failures : described(found.debug)).toBe(TWICE);
    expect(empty.asked).toHaveLength(1);
  });
  test("says how far it is, is asked for with headers of a file, and keeps its time", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.answers.set(id, (response) =>
      response.writeHead(200, { "last-modified": "Tue, 01 Aug 2023 00:00:00 GMT", "content-length": statSync(file).size }).end(readFileSync(file)),
    );
    writeFileSync(folder.at("headers"), "X-Token: 1234\n\nnot a header\n");
    const steps: (readonly [number, number | undefined, string])[] = [];
    await fetched(path, environmentOf(folder, server.url, { DEBUGINFOD_HEADERS_FILE: folder.at("headers") }), { progress: (...step) => void steps.push(step) });
    const { size } = statSync(file);
    expect(steps.at(-1)).toEqual([size, size, server.url]);
    expect(server.headers[0]!["x-token"]).toBe("1234");
    expect(statSync(folder.at("cache", id, "debuginfo")).mtime.toISOString()).toBe("2023-08-01T00:00:00.000Z");
  });
  test("may need a supplementary file, which is asked for by its own build-id", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const path = folder.program("a");
    folder.program("b", "-O2");
    folder.run("dwz", "-m", "common.debug", "-M", "/nowhere/common.debug", "a", "b");
    const common = idOf(folder.at("common.debug"))!;
    const id = folder.strip(path, folder.at("away/a.debug"));
    server.has(id, folder.at("away/a.debug"));
    const incomplete = await fetched(path, environmentOf(folder, server.url));
    if ("missing" in incomplete) throw missingError(incomplete.missing);
    expect([incomplete.from, incomplete.incomplete?.buildId, incomplete.failures]).toEqual(["debuginfod", common, []]);
    rmSync(folder.at("cache", common), { recursive: true });
    server.has(common, folder.at("common.debug"));
    const found = await fetched(path, environmentOf(folder, server.url));
    expect("missing" in found ? found.failures : [found.incomplete, described(found.debug)]).toEqual([undefined, TWICE]);
    expect(server.asked).toEqual([id, common, common].map((each) => `/buildid/${each}/debuginfo`));
  });
});

describe("what no server has", () => {
  test("isn't asked for again for ten minutes", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    const environment = environmentOf(folder, server.url);
    expect(await failuresOf(path, environment)).toEqual([]);
    expect(await failuresOf(path, environment)).toEqual([]);
    expect(server.asked).toHaveLength(1);
    expect(statSync(folder.at("cache", id, "debuginfo")).size).toBe(0);
    server.has(id, file);
    const before = Date.now() / 1000 - 601;
    utimesSync(folder.at("cache", id, "debuginfo"), before, before);
    expect("missing" in (await fetched(path, environment))).toBe(false);
  });
  test("is said to be missing", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path } = stripped(folder);
    const found = await fetched(path, environmentOf(folder, server.url));
    if (!("missing" in found)) throw new Error("it was found");
    expect(missingError(found.missing, found.failures).why).toMatch("none of the servers of DEBUGINFOD_URLS has it");
  });
});

describe("a server that", () => {
  const cases: readonly (readonly [string, (file: string, folder: Folder) => Answer, RegExp, { readonly [name: string]: string }, number])[] = [
    ["fails", () => (response) => response.writeHead(503).end(), /HTTP status 503$/, {}, 1],
    [
      "gives another program's",
      (_, folder) => (response) => response.end(readFileSync(folder.program("other", "-O2"))),
      /it gave something else: it is of another build/,
      {},
      1,
    ],
    ["gives a page", () => (response) => response.end("<html>"), /it gave something else: it is not an ELF file/, {}, 1],
    ["gives nothing", () => (response) => response.end(), /it gave something else: /, {}, 1],
    ["redirects for ever", () => (response, request) => response.writeHead(302, { location: request.url! }).end(), /redirect/, {}, 21],
    [
      "breaks off, each time",
      (file) => (response) => {
        response.writeHead(200, { "content-length": statSync(file).size });
        response.write(readFileSync(file).subarray(0, 5000), () => response.destroy());
      },
      /it broke off after \d+ bytes/,
      {},
      3,
    ],
    [
      "says another size",
      (file) => (response) => response.writeHead(200, { "x-debuginfod-size": "77" }).end(readFileSync(file)),
      /it gave \d+ of 77 bytes/,
      { DEBUGINFOD_RETRY_LIMIT: "0" },
      1,
    ],
    ["gives more than is allowed", (file) => (response) => response.end(readFileSync(file)), /it is larger than 5000 bytes/, { DEBUGINFOD_MAXSIZE: "5000" }, 1],
    [
      "says that it is too large",
      () => (response) => response.writeHead(406).end(),
      /larger than DEBUGINFOD_MAXSIZE, 5000 bytes/,
      { DEBUGINFOD_MAXSIZE: "5000" },
      1,
    ],
    ["never answers", () => () => {}, /less than 100 KiB in 1 s/, { DEBUGINFOD_TIMEOUT: "1" }, 1],
    [
      "stops in the midst",
      (file) => (response) => {
        response.writeHead(200);
        response.write(readFileSync(file).subarray(0, 5000));
      },
      /less than 100 KiB in 1 s/,
      { DEBUGINFOD_TIMEOUT: "1" },
      1,
    ],
    [
      "takes longer than DEBUGINFOD_MAXTIME",
      (file) => (response) => {
        response.writeHead(200);
        response.write(readFileSync(file).subarray(0, 5000));
      },
      /it took longer than DEBUGINFOD_MAXTIME, 1 s/,
      { DEBUGINFOD_MAXTIME: "1" },
      1,
    ],
  ];
  test.each(cases)("%s leaves nothing behind, and the reason is told", async (_, answer, reason, more, times) => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.answers.set(id, answer(file, folder));
    const failures = await failuresOf(path, environmentOf(folder, server.url, more));
    expect(failures.join("; ")).toMatch(reason);
    expect(leftIn(folder, id)).toEqual([]);
    expect(server.asked).toHaveLength(times);
  });
  test("gives something else is passed over for one that has it", async () => {
    using folder = new Folder();
    await using wrong = await Server.start();
    await using right = await Server.start();
    const { path, id, file } = stripped(folder);
    wrong.answers.set(id, (response) => response.end("<html>"));
    right.answers.set(id, (response) => void setTimeout(() => response.end(readFileSync(file)), 300));
    const found = await fetched(path, environmentOf(folder, `${wrong.url} ${right.url}`));
    expect("missing" in found ? found.failures : described(found.debug)).toBe(TWICE);
  });
  test("broke off once is asked again", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.answers.set(id, (response) => {
      server.has(id, file);
      response.writeHead(200, { "content-length": 9_000 });
      response.write("some", () => response.destroy());
    });
    const found = await fetched(path, environmentOf(folder, server.url));
    expect("missing" in found ? found.failures : described(found.debug)).toBe(TWICE);
  });
  test("isn't there, or must sign what it gives, is named", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path } = stripped(folder);
    expect(await failuresOf(path, environmentOf(folder, "http://127.0.0.1:1"))).toEqual([expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: /)]);
    const found = await fetched(path, environmentOf(folder, `ima:enforcing ${server.url}`));
    if (!("missing" in found)) throw new Error("it was found");
    expect(missingError(found.missing).why).toMatch("can't verify their signatures");
    expect(server.asked).toEqual([]);
  });
});

test("a download is stopped at once, and leaves nothing behind", async () => {
  using folder = new Folder();
  await using server = await Server.start();
  const { path, id, file } = stripped(folder);
  const controller = new AbortController();
  server.answers.set(id, (response) => {
    response.writeHead(200);
    response.write(readFileSync(file).subarray(0, 5000));
  });
  const stopped = fetched(path, environmentOf(folder, server.url), { signal: controller.signal, progress: () => controller.abort(new Error("^C")) });
  await expect(stopped).rejects.toThrow("^C");
  expect(leftIn(folder, id)).toEqual([]);
});
test("a cache that can't be written is named", async () => {
  using folder = new Folder();
  await using server = await Server.start();
  const { path, id, file } = stripped(folder);
  server.has(id, file);
  writeFileSync(folder.at("cache"), "a file");
  expect(await failuresOf(path, environmentOf(folder, server.url))).toEqual([expect.stringMatching(/cache: E(NOTDIR|EXIST)/)]);
});
test("what nobody has read for a week goes, and nothing else", async () => {
  using folder = new Folder();
  await using server = await Server.start();
  const { path, id, file } = stripped(folder);
  server.has(id, file);
  const old = Date.now() / 1000 - 8 * 86_400;
  const put = (name: string, time: number): string => {
    const made = folder.at("cache", name);
    writeFileSync(made, "x");
    utimesSync(made, time, time);
    return made;
  };
  const gone = [put("abcd/debuginfo", old), put("abcd/debuginfo.x1Y2z3", old), put("beef/hdr-debuginfo", old)];
  const kept = [put("beef/debuginfo", Date.now() / 1000), put("beef/notes", old), put("mine/debuginfo", old)];
  writeFileSync(folder.at("cache/cache_clean_interval_s"), "86400");
  utimesSync(folder.at("cache/cache_clean_interval_s"), old, old);
  await fetched(path, environmentOf(folder, server.url));
  expect([...gone, ...kept].map((each) => existsSync(each))).toEqual([false, false, false, true, true, true]);
  expect(readFileSync(folder.at("cache/max_unused_age_s"), "utf8")).toBe("604800");
});

describe("together with elfutils", () => {
  const run = promisify(execFile);
  const find = async (id: string, environment: { readonly [name: string]: string }) =>
    (await run("debuginfod-find", ["debuginfo", id], { env: { ...process.env, ...environment } })).stdout.trim();

  test("what we got is found by its client, and what it got by us", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id, file } = stripped(folder);
    server.has(id, file);
    const environment = environmentOf(folder, server.url);
    await fetched(path, environment);
    expect(await find(id, environment)).toBe(folder.at("cache", id, "debuginfo"));
    expect(server.asked).toHaveLength(1);
    rmSync(folder.at("cache"), { recursive: true });
    await find(id, environment);
    expect(server.asked).toHaveLength(2);
    expect("missing" in openDebugInfo(path, imageOf(path), { environment: environmentOf(folder, "") })).toBe(false);
  });
  test("what no server had is known to both", async () => {
    using folder = new Folder();
    await using server = await Server.start();
    const { path, id } = stripped(folder);
    const environment = environmentOf(folder, server.url);
    await failuresOf(path, environment);
    await expect(find(id, environment)).rejects.toThrow();
    rmSync(folder.at("cache"), { recursive: true });
    expect(server.asked).toHaveLength(1);
    await expect(find(id, environment)).rejects.toThrow();
    await failuresOf(path, environment);
    expect(server.asked).toHaveLength(2);
  });
  test("its server gives what we ask for", { timeout: 120_000 }, async () => {
    using folder = new Folder();
    const { path, id } = stripped(folder);
    const free = await Server.start();
    const { port } = new URL(free.url);
    await free[Symbol.asyncDispose]();
    mkdirSync(folder.at("home"));
    const child = spawn("debuginfod", ["-p", port, "-d", ":memory:", "-F", "-c", "1", folder.at("away")], {
      stdio: "ignore",
      env: { ...process.env, HOME: folder.at("home"), DEBUGINFOD_URLS: "" },
    });
    try {
      const url = `http://127.0.0.1:${port}`;
      const isReady = () =>
        fetch(`${url}/buildid/${id}/debuginfo`).then(
          ({ ok }) => ok,
          () => false,
        );
      for (let tries = 0; tries < 100 && !(await isReady()); tries++) await new Promise((resolve) => setTimeout(resolve, 300));
      const found = await fetched(path, environmentOf(folder, url));
      expect("missing" in found ? found.failures : described(found.debug)).toBe(TWICE);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
});
