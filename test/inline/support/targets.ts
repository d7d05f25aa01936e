/** fixtures/target.c, built in every way that a program can be linked. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unpacked } from "../../fixtures/debian-packages.ts";
import { Running } from "../../fixtures/process.ts";

const source = join(import.meta.dirname, "../fixtures/target.c");

export const LINKED = {
  pie: [],
  fixed: ["-no-pie"],
  static: ["-static"],
  "static-pie": ["-static-pie"],
  enforced: ["-fcf-protection=full"],
} as const;

export class Targets {
  readonly folder = mkdtempSync(join(tmpdir(), "sonde-inline-"));
  readonly #running: Running[] = [];

  build(kind: keyof typeof LINKED): string {
    const out = join(this.folder, kind);
    execFileSync("cc", ["-O1", "-pthread", ...LINKED[kind], "-o", out, source], { stdio: "pipe" });
    return out;
  }
  stripped(path: string): string {
    execFileSync("strip", ["-s", "-o", `${path}-stripped`, path], { stdio: "pipe" });
    return `${path}-stripped`;
  }
  /** With Debian's musl; throws where that can't be downloaded. */
  musl(): string {
    const root = join(unpacked("musl-dev"), "usr");
    const libraries = join(root, "lib/x86_64-linux-musl");
    const out = join(this.folder, "musl");
    const flags = [
      "-O1",
      "-static",
      "-no-pie",
      "-fno-pie",
      "-fno-stack-protector",
      "-nostdinc",
      "-isystem",
      join(root, "include/x86_64-linux-musl"),
      "-nostdlib",
    ];
    const files = ["crt1.o", "crti.o"].map((name) => join(libraries, name));
    execFileSync("cc", [...flags, "-o", out, ...files, source, join(libraries, "libc.a"), "-lgcc", join(libraries, "crtn.o")], { stdio: "pipe" });
    return out;
  }

  async start(path: string, threads = 1): Promise<Running> {
    const running = new Running(path, [String(threads)], {});
    this.#running.push(running);
    const first = await running.line();
    if (first !== "ready") throw new Error(`${path} said ${first} instead of ready`);
    return running;
  }
  async close(): Promise<void> {
    for (const running of this.#running) await running[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
