/** How programs get at what the kernel would do for them: helpers and kernel functions by name, each in the cheapest way it allows. */
import { SondeBug } from "../../errors/error.ts";
import { helperName } from "../helpers.ts";
import type { Instruction } from "../instruction.ts";
import { CallKind } from "../opcodes.ts";
import { type ModuleBytes, ValueType } from "./binary.ts";
import type { FunctionBytes } from "./function-bytes.ts";
import { loadWord } from "./memory.ts";
import { Wasm } from "./opcodes.ts";

/**
 * What an argument is to the function: `int`, the low 32 bits (sizes, flags, maps, places in the memory); or `address`,
 * an f64 of the 64 unsigned bits, exact below 2^53 and never below it for what isn't.
 */
export type Param = "int" | "address";
/** The function gives an i32, that is sign- or zero-extended; or leaves 8 bytes at `wideAt`; or nothing (r0 is 0 then). */
export type Result = "signed" | "unsigned" | "wide" | "none";

export type CallPlan =
  | { readonly kind: "import"; readonly params: readonly Param[]; readonly result: Result }
  /** A word of the memory, which whoever runs the program has filled. */
  | { readonly kind: "word"; readonly at: number; readonly width: 4 | 8 }
  | { readonly kind: "constant"; readonly value: number };

/** By the name of the helper (without bpf_) or of the kernel function. */
export type CallPlans = { readonly [name: string]: CallPlan };

/** Where functions are imported from; each by its own name. */
export const IMPORTS = "kernel";

const paramTypes: { readonly [P in Param]: ValueType } = { int: ValueType.i32, address: ValueType.f64 };

/** The name of what is called; undefined for a local function. */
export function calleeName({ src, imm, kfunc }: Instruction): string | undefined {
  if (src === CallKind.local) return undefined;
  const called = src === CallKind.kfunc ? kfunc : helperName(Number(imm));
  if (called === undefined) throw new SondeBug(`a call of ${src === CallKind.kfunc ? "a kernel function without a name" : `helper ${imm}`}`);
  return called;
}

export class Callees {
  readonly #plans: CallPlans;
  readonly #wideAt: number;
  readonly #functions = new Map<string, number>();

  constructor(plans: CallPlans, wideAt: number) {
    this.#plans = plans;
    this.#wideAt = wideAt;
  }

  #plan(callee: string): CallPlan {
    const plan = Object.hasOwn(this.#plans, callee) ? this.#plans[callee] : undefined;
    if (plan === undefined) throw new SondeBug(`a program of this engine can't call ${callee}`);
    return plan;
  }

  /** Imports what isn't imported yet; all of it before the module's own functions. */
  import(module: ModuleBytes, callee: string): void {
    const plan = this.#plan(callee);
    if (plan.kind !== "import" || this.#functions.has(callee)) return;
    const results = plan.result === "signed" || plan.result === "unsigned" ? [ValueType.i32] : [];
    this.#functions.set(callee, module.importFunction(IMPORTS, callee, { params: plan.params.map((param) => paramTypes[param]), results }));
  }
  get imported(): number {
    return this.#functions.size;
  }

  /** Arguments from r1 on, the result into r0. */
  call(f: FunctionBytes, callee: string): void {
    const plan = this.#plan(callee);
    if (plan.kind === "constant") f.long(plan.value);
    else if (plan.kind === "word") loadWord(f, plan.at, plan.width);
    else {
      for (const [i, param] of plan.params.entries()) {
        if (param === "int") f.low(i + 1);
        else f.register(i + 1).op(Wasm.f64ConvertI64U);
      }
      f.with(Wasm.call, this.#functions.get(callee) as number);
      this.#result(f, plan.result);
    }
    f.setRegister(0);
  }

  #result(f: FunctionBytes, result: Result): void {
    switch (result) {
      case "signed":
        f.op(Wasm.i64ExtendI32S);
        break;
      case "unsigned":
        f.op(Wasm.i64ExtendI32U);
        break;
      case "wide":
        loadWord(f, this.#wideAt, 8);
        break;
      case "none":
        f.long(0);
    }
  }
}
