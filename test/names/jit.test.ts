/** Code that node compiles while it runs has names where node writes them down. */
import { chownSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { PerfMapFile } from "../../src/symbols/perf-map.ts";
import { objectsOf, quoted, temporaryFolder, traced } from "../real-programs/support.ts";

const node = process.execPath;
const before = new Set(readdirSync("/tmp"));
afterAll(() => {
  for (const name of readdirSync("/tmp")) if (/^perf-\d+\.map$/.test(name) && !before.has(name)) rmSync(`/tmp/${name}`);
});

/** Up the frames of whoever calls node::os::GetHostname. */
const SCRIPT = `uprobe("${node}:node::os::GetHostname", (c) => {
  let frame = u64(c.regs.rbp);
  for (let i = 0; i < 10; i++) {
    const at = read(frame + 8, u64), next = read(frame, u64);
    if (at === undefined || next === undefined) return;
    print\`\${sym(at)}\`;
    frame = next;
  }
});`;

describe("sym() of an address in compiled code", () => {
  test("is the function's name with --perf-basic-prof, C++ and JavaScript in one stack", { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const program = folder.file("asks.js");
    writeFileSync(
      program,
      "const os = require('os');\nfunction innermost() { return os.hostname(); }\nfunction itsCaller() { return innermost(); }\nfor (let i = 0; i < 3; i++) itsCaller();\nsetTimeout(() => {}, 500);\n",
    );
    const outcome = await traced([
      "-e",
      SCRIPT,
      "-c",
      quoted(node, "--perf-basic-prof", "--always-sparkplug", "--no-logfile-per-isolate", `--logfile=${folder.file("v8.log")}`, program),
    ]);
    const names = objectsOf(outcome, "print").map(({ text }) => String(text));
    expect(names.some((name) => name.includes("innermost"))).toBe(true);
    expect(names.some((name) => name.includes("itsCaller"))).toBe(true);
    expect(names.some((name) => /^v8::internal::Builtin_HandleApiCall\(.*\)\+0x[0-9a-f]+$/.test(name))).toBe(true);
  });

  test("isn't taken from a map that somebody else has written", () => {
    const path = `/tmp/perf-${process.pid}.map`;
    writeFileSync(path, "1000 10 theirs\n");
    const nameOf = (): string | undefined => {
      const map = new PerfMapFile(process.pid);
      map.update();
      return map.at(0x1000)?.name;
    };
    expect(nameOf()).toBe("theirs");
    chownSync(path, 65534, 65534);
    expect(nameOf()).toBeUndefined();
  });
});
