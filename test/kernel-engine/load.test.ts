/** Loading: line information that the kernel accepts and shows, and a refusal shown at the TypeScript line at fault. */
import { afterEach, describe, expect, test } from "vitest";
import { mov } from "../../src/bpf/alu64.ts";
import { callLocal } from "../../src/bpf/call.ts";
import { exit } from "../../src/bpf/jump.ts";
import { ldx } from "../../src/bpf/memory.ts";
import { r0, r1, r2 } from "../../src/bpf/register.ts";
import type { Armed } from "../../src/engines/engine.ts";
import { features } from "../../src/engines/kernel/features.ts";
import { KernelEngine } from "../../src/engines/kernel/kernel-engine.ts";
import { loadSessionTypes } from "../../src/engines/kernel/session-types.ts";
import { tellingLines } from "../../src/engines/kernel/verifier-log.ts";
import { comm, ints, struct } from "../../src/schema/layout.ts";
import { atLeast, kernelVersion } from "../../src/sys/host.ts";
import { sites } from "./support/fixture.ts";
import { count, probeAt, program, session } from "./support/images.ts";
import { targetPath } from "./support/target.ts";

const path = targetPath();
const everyone = { pids: [], children: false, cgroup: undefined };
let armed: Armed | undefined;
afterEach(() => armed?.close());
const files = [
  { path: "/home/me/calls.probe.ts", text: 'import { count } from "sonde";\nconst calls = count();\nuprobe("x", (c) => {\n  calls.add(c.arg0);\n});\n' },
];

test("the kernel takes the types of maps, functions and lines", () => {
  const image = session(
    [
      program("calls", [...count(0), callLocal(count(0).length + 2), exit(), mov(r0, 0), exit()], {
        functions: [
          { index: 0, name: "calls" },
          { index: count(0).length + 2, name: "inner" },
        ],
        lines: [
          { index: 0, file: 0, line: 4, column: 3 },
          { index: 5, file: 0, line: 4, column: 9 },
        ],
      }),
    ],
    {
      files,
      extra: [
        {
          name: "by",
          type: "hash",
          keySize: 24,
          valueSize: 8,
          maxEntries: 10,
          mmap: false,
          noPrealloc: true,
          keySchema: struct(
            [
              ["0", comm],
              ["1", ints.u64],
            ],
            true,
          ),
          valueSchema: ints.i64,
        },
      ],
    },
  );
  const types = loadSessionTypes(image);
  expect(types.fd).toBeGreaterThan(0);
  types.close();
});

test("a program with types, lines and a local function loads and is armed", async () => {
  const inner = count(0).length + 2;
  const image = session(
    [
      program("calls", [...count(0), callLocal(inner), exit(), mov(r0, 0), exit()], {
        functions: [
          { index: 0, name: "calls" },
          { index: inner, name: "inner" },
        ],
        lines: [
          { index: 0, file: 0, line: 4, column: 3 },
          { index: 5, file: 0, line: 4, column: 9 },
        ],
      }),
    ],
    { files },
  );
  armed = await new KernelEngine().arm(image, [probeAt(sites(path, ["hit"]))], everyone);
  expect(armed.sites).toBe(1);
});

describe("a program that the verifier refuses", () => {
  const bad = session(
    [
      program("calls", [mov(r1, 0), ldx(8, r2, r1, 0), mov(r0, 0), exit()], {
        lines: [
          { index: 0, file: 0, line: 3, column: 1 },
          { index: 1, file: 0, line: 4, column: 3 },
        ],
      }),
    ],
    { files },
  );

  test("is a bug of ours, with the line at fault and the verifier's last words", async () => {
    const arming = new KernelEngine().arm(bad, [probeAt(sites(path, ["hit"]))], everyone);
    await expect(arming).rejects.toMatchObject({
      code: "SONDE_BUG",
      exit: 70,
      message: expect.stringContaining("R1 invalid mem access 'scalar'"),
      where: "/home/me/calls.probe.ts:4:3: calls.add(c.arg0);",
      why: expect.stringContaining("the end of its log"),
    });
  });

  test("says how many lines of a long log were left out", () => {
    const log = Array.from({ length: 30 }, (_, i) => `${i}: (b7) r0 = 0`).join("\n");
    expect(tellingLines(`${log}\nR0 !read_ok\nprocessed 31 insns (limit 1000000) max_states_per_insn 0\n`)).toMatchObject({
      left: 23,
      lines: expect.arrayContaining(["R0 !read_ok"]),
    });
  });
});

test.skipIf(!atLeast(kernelVersion(), 6, 13))("a kernel of at least 6.13 has every way to attach", () => {
  expect(features()).toMatchObject({ load: true, isa: 4, multi: true, session: true, processFilter: true, sleepable: true });
});
