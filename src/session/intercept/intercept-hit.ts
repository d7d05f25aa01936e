/** What the functions given to `intercept()` are handed: an entry, or a return, of a call that waits. */
import type { Register } from "../../compiler/lower/input.ts";
import { registerOffsets } from "../../compiler/lower/registers.ts";
import type { HostHit } from "../../engines/engine.ts";
import { SondeError } from "../../errors/error.ts";
import { type Convention, integerRegisters } from "../../schema/convention.ts";
import type { CType } from "../../schema/ctypes.ts";
import { errnoOf, type HeldCall, wordOf } from "./held-call.ts";
import { TargetMemory } from "./memory.ts";

/** Of each register in the register file. */
const INDEX = Object.fromEntries(Object.entries(registerOffsets).map(([name, offset]) => [name, offset / 8])) as { readonly [R in Register]: number };
const ARGUMENTS = 6;
const ERROR = -1n;

type Registers = { [R in Register]: bigint };

function registersOf(call: HeldCall): Registers {
  const registers: PropertyDescriptorMap = {};
  for (const [name, index] of Object.entries(INDEX))
    registers[name] = { enumerable: true, get: () => call.read(index), set: (value: unknown) => call.write(index, wordOf(value, `c.regs.${name}`)) };
  return Object.seal(Object.defineProperties({}, registers)) as Registers;
}

abstract class InterceptHit {
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly func: string;
  readonly memory: TargetMemory;
  protected readonly call: HeldCall;
  #registers: Registers | undefined;

  constructor(call: HeldCall, func: string) {
    const { pid, tid, comm }: HostHit = call.hit;
    this.pid = pid;
    this.tid = tid;
    this.comm = comm;
    this.func = func;
    this.memory = new TargetMemory(call);
    this.call = call;
    Object.defineProperty(this, "call", { enumerable: false });
  }
  get regs(): Registers {
    this.#registers ??= registersOf(this.call);
    return this.#registers;
  }
}

export class InterceptEnter extends InterceptHit {
  declare arg0: bigint;
  declare arg1: bigint;
  declare arg2: bigint;
  declare arg3: bigint;
  declare arg4: bigint;
  declare arg5: bigint;
  readonly #convention: Convention | "mixed";
  #skipped = false;

  constructor(call: HeldCall, func: string, convention: Convention | "mixed") {
    super(call, func);
    this.#convention = convention;
  }

  static {
    for (let n = 0; n < ARGUMENTS; n++)
      Object.defineProperty(InterceptEnter.prototype, `arg${n}`, {
        get(this: InterceptEnter) {
          return this.call.read(this.#indexOf(n));
        },
        set(this: InterceptEnter, value: unknown) {
          this.call.write(this.#indexOf(n), wordOf(value, `c.arg${n}`));
        },
      });
  }
  #indexOf(n: number): number {
    const name = this.#convention === "mixed" ? undefined : integerRegisters(this.#convention)[n];
    if (name !== undefined) return INDEX[name];
    throw new SondeError("SONDE_INTERCEPT_ARGUMENT", `c.arg${n}: the arguments of these functions aren't in registers that are the same for all`, {
      why: this.#convention === "mixed" ? "some are Go's and some aren't" : "Go before 1.17 passes them on the stack",
      mend: this.#convention === "mixed" ? "Register each with an intercept() of its own." : "Use c.memory at c.regs.rsp + 8n.",
    });
  }
  /** The function isn't to run. */
  get skipped(): boolean {
    return this.#skipped;
  }
  skip(result: number | bigint, options?: { readonly errno?: string }): void {
    const word = wordOf(result, "c.skip()");
    const errno = options?.errno;
    if (errno !== undefined) this.call.failWith(errnoOf(errno, "c.skip()"));
    this.call.write(INDEX.rax, word);
    this.#skipped = true;
  }
}

export class InterceptLeave extends InterceptHit {
  readonly #type: CType | undefined;

  /** `type`: of the result, where a prototype says it. */
  constructor(call: HeldCall, func: string, type: CType | undefined) {
    super(call, func);
    this.#type = type;
  }
  get ret(): bigint {
    const raw = this.call.read(INDEX.rax);
    const type = this.#type;
    if (type?.k === "int") return type.name.startsWith("i") ? BigInt.asIntN(Number(type.name.slice(1)), raw) : BigInt.asUintN(Number(type.name.slice(1)), raw);
    if (type?.k === "enum") return type.signed ? BigInt.asIntN(type.size * 8, raw) : BigInt.asUintN(type.size * 8, raw);
    return type?.k === "bool" ? raw & 1n : raw;
  }
  set ret(value: unknown) {
    this.call.write(INDEX.rax, wordOf(value, "c.ret"));
  }
  get errno(): string | undefined {
    // Of a function that nothing is known of, an `int` may have come as 32 bits.
    const isError = this.ret === ERROR || (this.#type === undefined && this.ret === 0xffff_ffffn);
    return isError ? this.call.errno() : undefined;
  }
  set errno(name: unknown) {
    if (name === undefined) throw new SondeError("SONDE_ERRNO", "c.errno: a call is made to succeed by its result", { mend: "Assign c.ret." });
    this.call.failWith(errnoOf(name, "c.errno"));
    this.call.write(INDEX.rax, BigInt.asUintN(64, ERROR));
  }
}
