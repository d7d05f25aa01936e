/** C programs compiled for a test, their symbols as sites, and talking to them while they run. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import type { Site } from "../../../src/symbols/site.ts";

const folder = mkdtempSync(join(tmpdir(), "sonde-kernel-engine-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Compiles C; gives the path of the program. */
export function compile(name: string, source: string, flags: readonly string[] = []): string {
  const input = join(folder, `${name}.c`);
  const output = join(folder, name);
  writeFileSync(input, source);
  execFileSync("gcc", ["-O1", "-g0", "-fno-inline", "-fcf-protection=none", "-pthread", "-o", output, input, ...flags], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return output;
}

/** Functions of an ELF file as sites, in the order asked for. */
export function sites(path: string, names: readonly string[]): Site[] {
  const table = execFileSync("readelf", ["-sW", path], { encoding: "utf8", maxBuffer: 1 << 28 });
  const segments = [
    ...execFileSync("readelf", ["-lW", path], { encoding: "utf8" }).matchAll(/LOAD\s+0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+)/g),
  ].map(([, offset, address, size]) => ({ offset: parseInt(offset!, 16), address: parseInt(address!, 16), size: parseInt(size!, 16) }));
  const wanted = new Set(names);
  const found = new Map<string, { address: number; size: number }>();
  for (const [, address, size, name] of table.matchAll(/\d+: ([0-9a-f]+)\s+(\d+)\s+(?:FUNC|NOTYPE)\s+\S+\s+\S+\s+\d+ ([^\s@]+)/g)) {
    if (wanted.has(name!)) found.set(name!, { address: parseInt(address!, 16), size: Number(size) });
  }
  const { dev, ino } = statSync(path, { bigint: true });
  return names.map((name) => {
    const symbol = found.get(name);
    const segment = segments.find((s) => symbol !== undefined && symbol.address >= s.address && symbol.address < s.address + s.size);
    if (symbol === undefined || segment === undefined) throw new Error(`${path} has no function ${name}`);
    const offset = symbol.address - segment.address + segment.offset;
    return {
      path,
      display: path,
      file: { device: dev, inode: ino },
      offset,
      functionOffset: offset,
      address: BigInt(symbol.address),
      size: symbol.size,
      name,
      aliases: [],
      delta: 0,
      instruction: { text: "push rbx", bytes: Uint8Array.of(0x53) },
      cost: "emulated",
      stackDelta: 0,
    } satisfies Site;
  });
}

/** A fixture that reads a command a line and answers each with a line. */
export class Running {
  readonly process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(path: string, args: readonly string[] = []) {
    this.process = spawn(path, args, { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#lines.push(line);
      else next(line);
    });
  }
  get pid(): number {
    return this.process.pid!;
  }
  line(): Promise<string> {
    const ready = this.#lines.shift();
    return ready !== undefined ? Promise.resolve(ready) : new Promise((resolve) => this.#waiting.push(resolve));
  }
  ask(command: string): Promise<string> {
    this.process.stdin!.write(`${command}\n`);
    return this.line();
  }
  end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.process.once("exit", () => resolve());
      this.process.kill("SIGKILL");
    });
  }
}
