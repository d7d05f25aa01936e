/** Addresses of code as names: of processes, by what they map now or mapped when it was recorded, and of the kernel. */
import { basename } from "node:path";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { plainText } from "../../output/value.ts";
import type { Frame } from "../../schema/stack.ts";
import { KernelSymbols } from "../../symbols/kernel/kallsyms.ts";
import { FrameNames, frameOf, type ProcessCode } from "../../symbols/unwind/frames-text.ts";
import type { Module } from "../../symbols/unwind/module.ts";
import { ModuleFiles, ProcessModules } from "../../symbols/unwind/modules.ts";
import { type RecordedPlace, recordedCode } from "../../symbols/unwind/recorded-code.ts";
import { listProcesses } from "../../sys/procfs.ts";

/** Processes whose mappings are remembered. */
const MOST_PROCESSES = 4096;
/** A process's mappings, and what it says of code that it has compiled, are read again at most so often. */
const AGAIN_MS = 200;

interface Known {
  readonly modules: ProcessModules;
  /** When it was last looked at. */
  at: number;
}

export class CodeNames {
  readonly #files = new ModuleFiles();
  /** Undefined: it was gone, or may not be looked into. */
  readonly #processes = new Map<number, Known | undefined>();
  readonly #frames = new FrameNames();
  readonly #kernel = new KernelSymbols();
  /** Build-ids of files that nobody maps. */
  readonly #lacking = new Set<string>();

  /** A file that processes may have mapped which are gone when names are asked for. */
  open(path: string, display: string): void {
    this.#files.open(path, display);
  }
  /** What a process maps now is remembered, for it may end before anybody asks. */
  note(pid: number): void {
    if (this.#processes.has(pid)) this.#lookAgain(pid);
    else this.#modulesOf(pid);
  }
  /** What a process maps, to unwind its stacks; `again`: looked at now, unless that was just done. Undefined: it is gone, and nothing was recorded of it. */
  modulesOf(pid: number, again: boolean): ProcessModules | undefined {
    if (again) this.#lookAgain(pid);
    return this.#modulesOf(pid);
  }
  /** `places`: where the code was at the hit; what was in no file then, as the process has it now. */
  codeOf(pid: number, places: readonly RecordedPlace[] = []): ProcessCode {
    const recorded = recordedCode(places, (id) => this.#moduleOf(id));
    const live = <T>(look: (modules: ProcessModules) => T | undefined): T | undefined => {
      const modules = this.#modulesOf(pid);
      return modules && (look(modules) ?? (this.#lookAgain(pid) ? look(modules) : undefined));
    };
    return {
      at: (address) => recorded.at(address) ?? live((modules) => modules.at(address)),
      compiledAt: (address) => live((modules) => modules.compiledAt(address)),
    };
  }
  /** At least one. `called`: the address is behind a call. */
  framesAt(code: ProcessCode, address: bigint, called: boolean): Frame[] {
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) return [{ address, offset: 0, inlined: false }];
    return this.#frames.of(code, Number(address), called).map((frame) => frameOf(address, frame));
  }
  kernelFrame(address: bigint): Frame {
    const found = this.#kernel.at(address);
    if (found === undefined) return { address, offset: 0, module: "[kernel]", inlined: false };
    const { name, module } = found;
    return { address, name, offset: Number(address - found.address), module: module === undefined ? "[kernel]" : `[${module}]`, inlined: false };
  }
  /** `malloc+0x1c`, by symbols alone. `pid` undefined: it isn't known whose address it is, so it stays a number. */
  symbol(address: bigint, pid: number | undefined): string {
    const hex = `0x${address.toString(16)}`;
    if (pid === undefined || address > BigInt(Number.MAX_SAFE_INTEGER)) return hex;
    const at = Number(address);
    const code = this.codeOf(pid);
    const mapped = code.at(at);
    if (mapped === undefined) return hex;
    const { image, names, display } = mapped.module;
    const found = image === undefined ? code.compiledAt(at) : names.at(at - mapped.bias);
    if (found === undefined) return image === undefined ? hex : `${basename(display)}+0x${(at - mapped.bias).toString(16)}`;
    const offset = (image === undefined ? at : at - mapped.bias) - found.address;
    return plainText(offset === 0 ? found.name : `${found.name}+0x${offset.toString(16)}`);
  }
  /** No file is held any more. */
  release(): void {
    this.#processes.clear();
    this.#files[Symbol.dispose]();
  }

  #modulesOf(pid: number): ProcessModules | undefined {
    if (this.#processes.has(pid) || this.#processes.size >= MOST_PROCESSES) return this.#processes.get(pid)?.modules;
    const modules = unlessRefused(() => ProcessModules.record(pid, this.#files));
    this.#processes.set(pid, modules && { modules, at: Date.now() });
    return modules;
  }
  /** False: it was looked at just now, or is gone. */
  #lookAgain(pid: number): boolean {
    const known = this.#processes.get(pid);
    if (known === undefined || Date.now() - known.at < AGAIN_MS) return false;
    known.at = Date.now();
    return known.modules.update();
  }
  /** A file that was opened for another process, or that any process maps. */
  #moduleOf(buildId: string): Module | undefined {
    const found = this.#files.withBuildId(buildId);
    if (found !== undefined || this.#lacking.has(buildId)) return found;
    for (const pid of listProcesses()) {
      this.#modulesOf(pid);
      const module = this.#files.withBuildId(buildId);
      if (module !== undefined) return module;
    }
    this.#lacking.add(buildId);
    return undefined;
  }
}
