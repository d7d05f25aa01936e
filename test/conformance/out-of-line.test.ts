/** Behaviours 06, 07 and 25: the displaced instruction, executed elsewhere by many threads, and where it lies in the file. */
import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { codeAtFileEnd } from "../fixtures/tiny-elf.ts";
import { intact } from "./support/bytes.ts";
import { folder, Program, probe } from "./support/session.ts";
import { behaviour } from "./support/suite.ts";

/** Σ over threads and i < n of f(i, 7). */
const sum = (threads: number, n: number, f: (i: bigint) => bigint): string => {
  let total = 0n;
  for (let i = 0n; i < n; i++) total += f(i);
  return String(BigInt.asIntN(64, total * BigInt(threads)));
};

behaviour(6, (engine) => {
  test("160,000 hits, and the instruction's results are right each time", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("stepped"), { pid: running.pid, exact: true });
    expect(await running.ask("stepped 8 20000")).toBe(sum(8, 20_000, (i) => i + 14n));
    expect((await session.close()).hits).toBe(160_000n);
    expect(intact(running.pid, program.path)).toBe(true);
  });

  test("an operand that is relative to the instruction is the same elsewhere", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("stepped_relative"), { exact: true });
    expect(await running.ask("relative 8 1000")).toBe(sum(8, 1000, (i) => i + 10n));
    expect(session.maps.hits?.read()).toBe(8000n);
  });
});

behaviour(7, (engine) => {
  test("64 threads start together; all come back, with all their hits and the right results", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("stepped"), { exact: true });
    expect(await running.ask("stepped 64 300")).toBe(sum(64, 300, (i) => i + 14n));
    expect(session.maps.hits?.read()).toBe(19_200n);
  });

  test("with a return probe on it too", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "calls", program.at("stepped"), { exact: true });
    expect(await running.ask("stepped 64 50")).toBe(sum(64, 50, (i) => i + 14n));
    const { enters, leaves, returns, wrong } = session.maps;
    expect([enters?.read(), leaves?.read(), returns?.read(), wrong?.read()]).toEqual([3200n, 3200n, 3200n, 0n]);
    expect(await session.close()).toMatchObject({ unmatched: 0n, depth: 0n, skipped: 0n });
  });
});

behaviour(25, (engine) => {
  test("an instruction whose bytes lie on two pages", async () => {
    await using program = new Program();
    const running = await program.start();
    await using session = await probe(engine, "hits", program.at("crosses_page"), { exact: true });
    expect(await running.ask("crossing 4 500")).toBe(sum(4, 500, (i) => i + 0x1122334455667788n));
    expect(session.maps.hits?.read()).toBe(2000n);
    await session.close();
    expect(intact(running.pid, program.path)).toBe(true);
  });

  test.each([
    ["a ret, in the middle of a page", [0xc3], undefined],
    ["a ret, the page's last byte too", [0xc3], 4096],
    ["a jump back of two bytes", [0xeb, -4 & 0xff], undefined],
    ["a jump back of two bytes, at the page's end", [0xeb, -4 & 0xff], 4096],
  ] as const)("the file's last instruction: %s", async (_, last, size) => {
    using place = folder();
    const path = join(place.path, "ends");
    // In front of the last instruction: a ret that it may jump to, a nop, and where it is called.
    const { bytes, address } = codeAtFileEnd({ calls: 1000, front: [0xeb, 0x02, 0xc3, 0x90], last: [...last], size });
    writeFileSync(path, bytes);
    chmodSync(path, 0o755);
    await using session = await probe(engine, "hits", `${path}:0x${address.toString(16)}`);
    execFileSync(path);
    expect(session.maps.hits?.read()).toBe(1000n);
  });

  test("an instruction that the file's end cuts off is refused", async () => {
    using place = folder();
    const path = join(place.path, "cut");
    const { bytes, address } = codeAtFileEnd({ calls: 1, front: [0xc3], last: [0xe8, 0, 0], size: undefined });
    writeFileSync(path, bytes);
    chmodSync(path, 0o755);
    await expect(probe(engine, "hits", `${path}:0x${address.toString(16)}`)).rejects.toMatchObject({ code: "SONDE_SITE_REFUSED" });
    execFileSync(path);
  });
});
