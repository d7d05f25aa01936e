/** What a program may ask about the thread that was hit; looked up only when it does ask, and then anew at each hit: names and users change. */
import { readFileSync, statSync } from "node:fs";
import { FILE_BYTES } from "../../../schema/stack.ts";
import { readVm } from "../../../sys/process-memory.ts";
import { signalThread } from "../../../sys/ptrace.ts";
import type { HitEnvironment } from "./programs.ts";
import type { Space, Tracee } from "./space.ts";
import type { Stacks } from "./stacks.ts";

/** Field 39 of /proc/PID/stat, counted from behind the name. */
const CPU_FIELD = 36;

export class Environment implements HitEnvironment {
  pid = 0;
  tid = 0;
  cookie = 0;
  functionAddress = 0;
  isReturn = false;
  #status: string | undefined;
  #hasName = false;
  #space: Space | undefined;
  readonly #stacks: Stacks | undefined;
  readonly #name = new Uint8Array(16);

  /** `stacks`: where programs ask for them. */
  constructor(stacks?: Stacks) {
    this.#stacks = stacks;
  }
  begin(tracee: Tracee, cookie: number, functionAddress: number, isReturn: boolean): void {
    this.pid = tracee.pid;
    this.tid = tracee.tid;
    this.cookie = cookie;
    this.functionAddress = functionAddress;
    this.isReturn = isReturn;
    this.#status = undefined;
    this.#hasName = false;
    this.#space = tracee.space;
  }

  #read(file: string): Buffer {
    try {
      return readFileSync(`/proc/${this.pid}/task/${this.tid}/${file}`);
    } catch {
      // It is stopped, so it is there; but somebody may have killed it meanwhile.
      return Buffer.alloc(0);
    }
  }
  #id(field: string): number {
    this.#status ??= this.#read("status").toString("latin1");
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(this.#status)?.[1] ?? 0);
  }
  signal(number: number): number {
    return signalThread(this.pid, this.tid, number);
  }
  uid(): number {
    return this.#id("Uid");
  }
  gid(): number {
    return this.#id("Gid");
  }
  /** 16 bytes, closed by NULs. */
  comm(): Uint8Array {
    if (!this.#hasName) {
      const name = this.#read("comm");
      this.#name.fill(0);
      this.#name.set(name.subarray(0, Math.max(0, Math.min(name.length - 1, 15))));
      this.#hasName = true;
    }
    return this.#name;
  }
  nameOf(tracee: Tracee): string {
    this.begin(tracee, 0, 0, false);
    const bytes = this.comm();
    return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString("utf8");
  }
  cpu(): number {
    const text = this.#read("stat").toString("latin1");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[CPU_FIELD] ?? 0);
  }
  /** -1: its own; else so far below the root; 0 if there is none, or no cgroup v2. */
  cgroupAt(level: number): bigint {
    const path = /^0::(.*)$/m.exec(this.#read("cgroup").toString("utf8"))?.[1];
    if (path === undefined) return 0n;
    const parts = path.split("/").filter((part) => part !== "");
    if (level > parts.length) return 0n;
    try {
      return statSync(`/sys/fs/cgroup/${parts.slice(0, level < 0 ? parts.length : level).join("/")}`, { bigint: true }).ino;
    } catch {
      return 0n;
    }
  }
  stack(registers: ArrayLike<bigint>, most: number): readonly number[] {
    return this.#space === undefined ? [] : (this.#stacks?.of(this.#space, registers, most) ?? []);
  }
  stackInFiles(registers: ArrayLike<bigint>, into: DataView): number {
    const most = Math.floor(into.byteLength / FILE_BYTES);
    const addresses = this.stack(registers, most);
    if (this.#space !== undefined) this.#stacks?.describe(this.#space, addresses, into, most);
    return FILE_BYTES * addresses.length;
  }
  readUser(address: number, to: number, length: number): number {
    // Its first thread may have ended.
    return readVm(this.tid, address, to, length);
  }
}
