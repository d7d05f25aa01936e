/** Captured stacks by their numbers: the session's table of them, and the names of their frames. */
import type { SessionImage } from "../../compiler/image.ts";
import type { Armed, MapAccess } from "../../engines/engine.ts";
import { unlessRefused } from "../../errors/unless-refused.ts";
import { FILE_BYTES, FILES_AT, type Frame, KERNEL, MOST_FRAMES, MOST_IN_FILES, STACK_HEAD, Stack, type StackReader } from "../../schema/stack.ts";
import { KernelSymbols } from "../../symbols/kernel/kallsyms.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { FrameNames, frameOf, type ProcessCode } from "../../symbols/unwind/frames-text.ts";
import type { Module } from "../../symbols/unwind/module.ts";
import { ModuleFiles, ProcessModules } from "../../symbols/unwind/modules.ts";
import { type RecordedPlace, recordedCode } from "../../symbols/unwind/recorded-code.ts";
import { listProcesses } from "../../sys/procfs.ts";

/** Processes whose mappings are remembered. */
const MOST_PROCESSES = 4096;
/** A process's mappings are read again at most so often. */
const AGAIN_MS = 200;
/** Stacks that were made into objects, which are the same object each time. */
const MOST_STACKS = 1 << 16;

export class StackTable {
  #map: Pick<MapAccess, "lookup" | "entries"> | undefined;
  readonly #stacks = new Map<bigint, Stack>();
  readonly #files = new ModuleFiles();
  readonly #processes = new Map<number, ProcessModules | undefined>();
  /** When a process's mappings were last looked at. */
  readonly #noted = new Map<number, number>();
  readonly #names = new FrameNames();
  readonly #kernel = new KernelSymbols();
  /** Build-ids of files that nobody maps. */
  readonly #lacking = new Set<string>();

  readonly read: StackReader = (id) => {
    let stack = this.#stacks.get(id);
    if (stack === undefined) {
      if (this.#stacks.size >= MOST_STACKS) this.#stacks.clear();
      stack = new Stack(id, () => this.#frames(id));
      this.#stacks.set(id, stack);
    }
    return stack;
  };

  /** `probed`: files that processes may have mapped which are gone when names are asked for. */
  attach(armed: Armed, { stacks }: Pick<SessionImage, "stacks">, probed: Iterable<FunctionSite>): void {
    if (stacks === undefined) return;
    this.#map = armed.map(stacks);
    for (const { path, display, event } of probed) if (event === undefined) this.#files.open(path, display);
  }
  /** A stack of the process was captured: what it maps now is recorded, for it may end before anybody asks. */
  note(pid: number): void {
    const known = this.#processes.get(pid);
    if (known === undefined) {
      this.#record(pid);
      return;
    }
    // A busy program may have thousands of stacks, and maps something new now and then.
    if (Date.now() - (this.#noted.get(pid) ?? 0) < AGAIN_MS) return;
    this.#noted.set(pid, Date.now());
    known.update();
  }
  /** The engine's memory goes: what was captured gets its names now, if it may be asked for still, and no file is held any more. */
  detach(keep: boolean): void {
    for (const [key] of (keep && this.#map?.entries()) || []) void this.read(new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0, true)).frames;
    this.#map = undefined;
    this.#processes.clear();
    this.#files[Symbol.dispose]();
  }

  #record(pid: number): ProcessModules | undefined {
    if (this.#processes.size >= MOST_PROCESSES) return undefined;
    const modules = unlessRefused(() => ProcessModules.record(pid, this.#files));
    this.#processes.set(pid, modules);
    return modules;
  }

  #frames(id: bigint): readonly Frame[] {
    const key = new DataView(new ArrayBuffer(8));
    key.setBigUint64(0, id, true);
    const entry = this.#map?.lookup(new Uint8Array(key.buffer));
    if (entry === undefined) return [];
    const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
    const pid = view.getUint32(0, true);
    const addresses = addressesOf(view);
    if (pid === KERNEL) return addresses.map((address) => this.#kernelFrame(address));
    const code = this.#codeOf(pid, view);
    return addresses.flatMap((address, i) => this.#userFrames(code, address, i > 0));
  }

  /** As it was at the hit; what was in no file, as the process has it now. */
  #codeOf(pid: number, view: DataView): ProcessCode {
    const recorded = recordedCode(placesOf(view), (id) => this.#moduleOf(id));
    const live = (): ProcessModules | undefined => this.#processes.get(pid) ?? this.#record(pid);
    return {
      at: (address) => recorded.at(address) ?? live()?.at(address) ?? (live()?.update() === true ? live()?.at(address) : undefined),
      compiledAt: (address) => live()?.compiledAt(address),
    };
  }

  /** A file that was opened for another process, or that any process maps. */
  #moduleOf(buildId: string): Module | undefined {
    const found = this.#files.withBuildId(buildId);
    if (found !== undefined || this.#lacking.has(buildId)) return found;
    for (const pid of listProcesses()) {
      if (!this.#processes.has(pid)) this.#record(pid);
      const module = this.#files.withBuildId(buildId);
      if (module !== undefined) return module;
    }
    this.#lacking.add(buildId);
    return undefined;
  }

  #kernelFrame(address: bigint): Frame {
    const found = this.#kernel.at(address);
    if (found === undefined) return { address, offset: 0, module: "[kernel]", inlined: false };
    const { name, module } = found;
    return { address, name, offset: Number(address - found.address), module: module === undefined ? "[kernel]" : `[${module}]`, inlined: false };
  }

  #userFrames(code: ProcessCode, address: bigint, called: boolean): Frame[] {
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) return [{ address, offset: 0, inlined: false }];
    return this.#names.of(code, Number(address), called).map((frame) => frameOf(address, frame));
  }
}

/** Innermost first; the caller of a function at its entry, where frame pointers don't lead to it yet, behind that. */
function addressesOf(view: DataView): bigint[] {
  const bytes = Math.min(view.getInt16(4, true), 8 * MOST_FRAMES);
  const addresses = Array.from({ length: Math.max(0, bytes >> 3) }, (_, i) => view.getBigUint64(STACK_HEAD + 8 * i, true));
  const caller = view.getBigUint64(8, true);
  if (caller !== 0n && addresses.length > 0 && addresses[1] !== caller) addresses.splice(1, 0, caller);
  return addresses.slice(0, view.getUint16(6, true));
}

const IN_FILE = 1;

/** In which files the addresses are, as far as the kernel said so. */
function placesOf(view: DataView): RecordedPlace[] {
  const count = Math.min(Math.max(0, view.getInt16(4, true) >> 3), MOST_IN_FILES);
  return Array.from({ length: count }, (_, i) => FILES_AT + FILE_BYTES * i).flatMap((at, i) => {
    if (view.getInt32(at, true) !== IN_FILE) return [];
    const buildId = Buffer.from(view.buffer, view.byteOffset + at + 4, 20).toString("hex");
    return { address: Number(view.getBigUint64(STACK_HEAD + 8 * i, true)), buildId, offset: Number(view.getBigUint64(at + 24, true)) };
  });
}
