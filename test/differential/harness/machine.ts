/** Jobs for programs/inline.c: code and memory at fixed addresses, runs with registers before and after. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Header, PROCESS_BYTES } from "../../../src/engines/inline/memory/layout.ts";
import { inlineRunner } from "../../fixtures/build.ts";

/** Where everything lies in the runner: within ±2 GiB, and away from what the loader takes. */
export const Place = { code: 0x1_0000_0000, landing: 0x1_1000_0000, own: 0x1_2000_0000, shared: 0x1_3000_0000, stack: 0x1_7000_0000 } as const;
const STACK_BYTES = 1 << 20;
/** In its middle: there is room on both sides. */
export const STACK_TOP = Place.stack + STACK_BYTES / 2;

export interface Run {
  readonly entry: number;
  /** By their numbers in the encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 … */
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly pid: number;
  readonly tid: number;
  readonly time: bigint;
  readonly cpu: number;
  readonly uid: number;
  readonly gid: number;
  readonly comm: string;
}

export interface Ran {
  readonly registers: readonly bigint[];
  readonly flags: number;
  /** The red zone and what is above rsp. */
  readonly stackUntouched: boolean;
  readonly vectorsUntouched: boolean;
}

export interface Job {
  readonly code: Uint8Array;
  /** The shared part as it is before. */
  readonly shared: Uint8Array;
  readonly pieces?: readonly { readonly address: bigint; readonly bytes: Uint8Array }[];
  readonly runs: readonly Run[];
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

function words(job: Job): Buffer {
  const parts: Buffer[] = [];
  const word = (n: number | bigint): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(n)));
    parts.push(bytes);
  };
  const mapping = (address: number | bigint, length: number, kind: number, bytes: Uint8Array): void => {
    for (const n of [address, roundUp(length, 4096), kind, bytes.length]) word(n);
    parts.push(Buffer.from(bytes), Buffer.alloc(roundUp(bytes.length, 8) - bytes.length));
  };
  const none = new Uint8Array(0);
  word(4 + (job.pieces?.length ?? 0));
  mapping(Place.code, job.code.length, 1, job.code);
  mapping(Place.own, PROCESS_BYTES, 0, none);
  mapping(Place.shared, job.shared.length, 2, none);
  mapping(Place.stack, STACK_BYTES, 0, none);
  for (const { address, bytes } of job.pieces ?? []) mapping(address, bytes.length, 0, bytes);
  for (const n of [Place.landing, Place.own, Place.shared + Header.scales, job.runs.length]) word(n);
  for (const run of job.runs) {
    word(run.entry);
    for (const register of run.registers) word(register);
    for (const n of [run.flags, run.pid, run.tid, run.time, run.cpu, run.uid, run.gid]) word(n);
    const comm = Buffer.alloc(16);
    comm.write(run.comm.slice(0, 15));
    parts.push(comm);
  }
  return Buffer.concat(parts);
}

export interface JobPaths {
  readonly job: string;
  readonly shared: string;
  readonly folder: string;
  remove(): void;
}

/** The job and the shared part as files, until `remove`. */
export function jobPaths(job: Job): JobPaths {
  const folder = mkdtempSync(join(tmpdir(), "sonde-inline-"));
  // The runner may change its user.
  chmodSync(folder, 0o777);
  const paths = { job: join(folder, "job"), shared: join(folder, "shared"), folder };
  writeFileSync(paths.job, words(job));
  writeFileSync(paths.shared, job.shared);
  return { ...paths, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function inFolder<T>(job: Job, use: (paths: JobPaths) => T): T {
  const paths = jobPaths(job);
  try {
    return use(paths);
  } finally {
    paths.remove();
  }
}

/** Runs all of them; what each left, and the shared part. */
export function runMachine(job: Job): { readonly ran: readonly Ran[]; readonly shared: Uint8Array } {
  return inFolder(job, ({ job: path, shared, folder }) => {
    const results = join(folder, "results");
    execFileSync(inlineRunner(), [path, shared, "run", results], { stdio: "pipe" });
    const view = new DataView(new Uint8Array(readFileSync(results)).buffer);
    const size = 19 * 8;
    const ran = job.runs.map(
      (_, i): Ran => ({
        registers: Array.from({ length: 16 }, (_, n) => view.getBigUint64(i * size + 8 * n, true)),
        flags: Number(view.getBigUint64(i * size + 128, true)),
        stackUntouched: view.getBigUint64(i * size + 136, true) === 1n,
        vectorsUntouched: view.getBigUint64(i * size + 144, true) === 1n,
      }),
    );
    return { ran, shared: new Uint8Array(readFileSync(shared)) };
  });
}

/** ns for each call of a function, by so many threads; and the shared part afterwards. */
export function loopMachine(job: Job, threads: number, calls: number, address: number): { readonly ns: number; readonly shared: Uint8Array } {
  return inFolder(job, ({ job: path, shared }) => {
    const ns = Number(execFileSync(inlineRunner(), [path, shared, "loop", String(threads), String(calls), String(address)], { encoding: "utf8" }));
    return { ns, shared: new Uint8Array(readFileSync(shared)) };
  });
}
