/** One `intercept()` while it is armed: each call is handed to the script's functions, and goes on as they have left it. */
import type { HostHit, HostVerdict, Interception } from "../../engines/engine.ts";
import type { Convention } from "../../schema/convention.ts";
import type { CType } from "../../schema/ctypes.ts";
import { ErrnoLocations } from "../../symbols/errno-location.ts";
import { HeldCall } from "./held-call.ts";
import { InterceptEnter, InterceptLeave } from "./intercept-hit.ts";

/** The script's own functions, as it gave them. */
export interface InterceptHandlers {
  readonly enter?: (c: InterceptEnter) => unknown;
  readonly leave?: (c: InterceptLeave, at: unknown) => unknown;
}

export interface HostCallsParts {
  readonly handlers: InterceptHandlers;
  /** The session's table of functions: cookies index it. */
  readonly functions: readonly string[];
  /** How the functions are passed integers; C's way unless said. */
  readonly convention?: Convention | "mixed";
  /** The type of the result, where a prototype says it. */
  readonly result: CType | undefined;
  /** What a function threw; only the first of each function's. */
  readonly fault: (error: unknown, phase: "enter" | "leave") => void;
}

/** What `enter` gave, until the call's return. */
interface Kept {
  readonly tid: number;
  readonly at: unknown;
}

/** So many calls that never return (longjmp, an exception, a thread that ended) are kept; then the oldest go. */
const MOST_KEPT = 10_240;

/** Those that came first are first in a map or a set. */
function bound(calls: Map<number, unknown> | Set<number>): void {
  if (calls.size > MOST_KEPT) calls.delete(calls.keys().next().value as number);
}

export class HostCalls implements Interception {
  readonly enter: boolean;
  readonly leave: boolean;
  /** Calls that were handled. */
  hits = 0n;
  /** Returns whose entry wasn't seen. */
  unmatched = 0n;
  /** Times that a function threw. */
  threw = 0;
  readonly #parts: HostCallsParts;
  readonly #errno = new ErrnoLocations();
  readonly #kept = new Map<number, Kept>();
  /** Calls whose `leave` isn't run: they were skipped, or their `enter` threw. */
  readonly #over = new Set<number>();
  readonly #shown = new Set<string>();

  constructor(parts: HostCallsParts) {
    this.#parts = parts;
    this.enter = parts.handlers.enter !== undefined;
    this.leave = parts.handlers.leave !== undefined;
  }

  async handle(hit: HostHit): Promise<HostVerdict> {
    const before = hit.regs.slice();
    const call = new HeldCall(hit, this.#errno);
    try {
      const verdict = hit.phase === "enter" ? await this.#entered(call) : await this.#left(call);
      call.release();
      return verdict;
    } catch (error) {
      call.abandon();
      hit.regs.set(before);
      if (hit.phase === "enter") this.#forgo(hit.call);
      this.#failed(error, hit.phase);
      return "continue";
    }
  }

  #name({ cookie }: HostHit): string {
    return this.#parts.functions[cookie] ?? "?";
  }

  async #entered(call: HeldCall): Promise<HostVerdict> {
    this.hits += 1n;
    const c = new InterceptEnter(call, this.#name(call.hit), this.#parts.convention ?? "c");
    const at = await this.#parts.handlers.enter?.(c);
    if (c.skipped) {
      this.#forgo(call.hit.call);
      return "skip";
    }
    if (this.leave) {
      const { call: id, tid } = call.hit;
      this.#kept.set(id, { tid, at });
      bound(this.#kept);
    }
    return "continue";
  }

  #forgo(call: number): void {
    if (!this.leave) return;
    this.#over.add(call);
    bound(this.#over);
  }

  async #left(call: HeldCall): Promise<HostVerdict> {
    const { call: id, tid } = call.hit;
    if (this.#over.delete(id)) return "continue";
    const kept = this.#kept.get(id);
    // A child that was forked during the call returns from it too, and has no more than its parent's.
    if (kept?.tid === tid) this.#kept.delete(id);
    if (!this.enter) this.hits += 1n;
    else if (kept === undefined) {
      this.unmatched += 1n;
      return "continue";
    }
    await this.#parts.handlers.leave?.(new InterceptLeave(call, this.#name(call.hit), this.#parts.result), kept?.at);
    return "continue";
  }

  #failed(error: unknown, phase: "enter" | "leave"): void {
    this.threw += 1;
    if (this.#shown.has(phase)) return;
    this.#shown.add(phase);
    this.#parts.fault(error, phase);
  }
}
