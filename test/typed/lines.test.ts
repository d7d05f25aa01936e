/** Source lines and inlined functions as targets, on each engine; and the same where debug information is elsewhere. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { open } from "../../src/index.ts";
import { Running } from "../fixtures/process.ts";

let folder = "";
const programs = ["O0", "O2"] as const;
const built = (level: string): string => join(folder, `lines-${level}`);

function build(level: string, out = built(level)): string {
  execFileSync("cc", ["-g", `-${level}`, "-fcf-protection=none", "-Wl,--build-id", "-o", out, join(import.meta.dirname, "lines.c")]);
  return out;
}
/** Strips a program; its debug information and symbols go into another file. */
function strip(path: string, debug: string): string {
  execFileSync("objcopy", ["--only-keep-debug", path, debug]);
  execFileSync("strip", ["--strip-all", path]);
  return /Build ID: ([0-9a-f]+)/.exec(execFileSync("readelf", ["-n", path], { encoding: "utf8" }))![1]!;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sonde-lines-"));
  for (const level of programs) build(level);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = { ...process.env };
afterEach(() => {
  for (const name of ["SONDE_DEBUG_PATH", "DEBUGINFOD_URLS", "DEBUGINFOD_CACHE_PATH"]) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});

interface Readable {
  entries(): [key: never, value: unknown][];
}

async function seen(program: string, engine: "kernel" | "breakpoint") {
  await using running = new Running(program, [], {});
  await running.line();
  await using session = await open(join(import.meta.dirname, "lines.probe.ts"), { engine, params: { program } });
  // bill() of three orders, only_here(4), and a fourth price: of the third order by the length of the line.
  expect(await running.ask("go")).toBe("266");
  const { parts, items, factors, doubled } = session.maps as unknown as { readonly [name: string]: Readable };
  const sorted = (map: Readable | undefined) =>
    map!
      .entries()
      .map((one) => JSON.stringify(one, (_, value) => (typeof value === "bigint" ? Number(value) : value)))
      .sort();
  return { parts: sorted(parts), items: sorted(items), factors: sorted(factors), doubled: sorted(doubled) };
}

const EXPECTED = {
  parts: ['[{"part":17,"id":1,"bills":41},1]', '[{"part":47,"id":2,"bills":41},1]', '[{"part":97,"id":3,"bills":41},1]'],
  items: ['["ink",1]', '["pad",1]', '["pen",1]'],
  factors: [
    '[{"function":"priced","factor":1,"total":10},1]',
    '[{"function":"priced","factor":2,"total":20},1]',
    '[{"function":"priced","factor":3,"total":30},2]',
  ],
  doubled: ["[4,1]"],
};

describe.each(["kernel", "breakpoint"] as const)("on the engine %s", (engine) => {
  test.each(programs)("variables at a line, arguments of what is inlined, by values: -%s", async (level) => {
    expect(await seen(built(level), engine)).toEqual(EXPECTED);
  });

  test("of a stripped program whose debug information is filed by its build-id", async () => {
    const path = build("O2", join(folder, `filed-${engine}`));
    const id = strip(path, join(folder, "filed.debug"));
    mkdirSync(join(folder, "debug/.build-id", id.slice(0, 2)), { recursive: true });
    copyFileSync(join(folder, "filed.debug"), join(folder, "debug/.build-id", id.slice(0, 2), `${id.slice(2)}.debug`));
    process.env.SONDE_DEBUG_PATH = join(folder, "debug");
    expect(await seen(path, engine)).toEqual(EXPECTED);
  });

  test("of one whose debug information a server has", async () => {
    const path = build("O2", join(folder, `served-${engine}`));
    const id = strip(path, join(folder, "served.debug"));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      if (request.url === `/buildid/${id}/debuginfo`) response.end(readFileSync(join(folder, "served.debug")));
      else response.writeHead(404).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    process.env.DEBUGINFOD_URLS = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env.DEBUGINFOD_CACHE_PATH = join(folder, `cache-${engine}`);
    try {
      expect(await seen(path, engine)).toEqual(EXPECTED);
      expect(asked.filter((url) => url.includes(id))).toHaveLength(1);
    } finally {
      server.close();
    }
  });
});

describe("what is no call", () => {
  test.each([
    ["a line", "lines.c:24", "SONDE_RETURN_OFFSET"],
    ["an instruction", "bill+0x1", "SONDE_RETURN_OFFSET"],
    ["a function that is inlined everywhere", "priced", "SONDE_RETURN_INLINED"],
  ])("is refused with handlers of entry and return, and held by intercept(): %s", async (_, place, code) => {
    const script = join(folder, `pair-${code}-${place.length}.probe.ts`);
    writeFileSync(
      script,
      `import { uprobe } from "sonde";\nuprobe(${JSON.stringify(`${built("O0")}:${place}`)}, { enter: (c) => c.time, leave: () => {} });\n`,
    );
    await expect(open(script)).rejects.toMatchObject({ code });

    const held = join(folder, `held-${code}-${place.length}.probe.ts`);
    writeFileSync(held, `import { intercept } from "sonde";\nintercept(${JSON.stringify(`${built("O0")}:${place}`)}, { enter: (c) => c.skip(5n) });\n`);
    await expect(open(held, { unsafe: true })).rejects.toMatchObject({ code });
  });
});
