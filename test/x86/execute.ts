/** Runs cases in a program of their own, each instruction as it stands and as it was relocated, and compares what both leave behind. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { type Case, serialize } from "./cases.ts";

export interface Outcome {
  readonly tests: number;
  readonly runs: number;
  /** Runs that ended behind the code or at a target of it, and those that a fault ended. */
  readonly finished: number;
  readonly faulted: number;
  /** Of them, those whose fault was seen in the copy. */
  readonly inSlot: number;
  readonly mismatches: number;
  readonly reports: readonly { readonly test: number; readonly state: number; readonly what: string; readonly original: string; readonly slot: string }[];
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** What runs the file's cases; a difference fails the test. */
export function useRunner(): (cases: readonly Case[]) => Outcome {
  let folder: string;
  let runner: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "sonde-cases-"));
    runner = join(folder, "runner");
    execFileSync("cc", ["-O2", "-fno-stack-protector", "-o", runner, join(import.meta.dirname, "runner.c")], { stdio: "pipe" });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (cases) => {
    const file = join(folder, "cases");
    writeFileSync(file, serialize(cases));
    const run = spawnSync(runner, [file], { encoding: "utf8" });
    expect([run.stderr, run.signal]).toEqual(["", null]);
    const outcome = JSON.parse(run.stdout) as Outcome;
    const shown = outcome.reports.map((report) => {
      const one = cases[report.test] as Case;
      return `${one.name} (${hex(one.original)} → ${hex(one.result.code)}), state ${report.state}: ${report.what} is ${report.slot}, not ${report.original}`;
    });
    expect(shown).toEqual([]);
    expect(outcome.mismatches).toBe(0);
    expect(outcome.runs).toBe(cases.reduce((sum, one) => sum + one.states, 0));
    return outcome;
  };
}
