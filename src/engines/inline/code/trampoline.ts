/**
 * Where a site's jump leads: the programs of its probes, then on to the copy of what the jump displaced.
 *
 *     lea rsp, [rsp - total]          jumped to, never called: nothing of the program's stack is written, not even the
 *     save rax; lahf; seto al         red zone; flags first, as all that follows changes them
 *     enabled? taken out?             if not: restore, go on
 *     save what the programs change
 *     program 1 … program n
 *     restore; lea rsp, [rsp + total]
 *     jmp copy
 *
 * It changes neither errno nor a vector register, and asks the kernel only where a program does.
 */
import type { Verified } from "../../../bpf/verify/facts.ts";
import type { ProgramImage } from "../../../compiler/image.ts";
import { SondeBug } from "../../../errors/error.ts";
import { Assembler, data, type Gpr, rax, rdi, rdx, rsi } from "../../../x86/assemble/assembler.ts";
import { Header, ProcessWord, REFUSABLE } from "../memory/layout.ts";
import { TrampolineFrame } from "./frame.ts";
import { Call, OwnRoutine } from "./routines.ts";
import type { CodeTarget } from "./target.ts";
import { callClobbers, translate } from "./translate.ts";

/** One probe's program at a site. */
export interface SiteProgram {
  readonly program: ProgramImage;
  readonly verified: Verified;
  readonly cookie: number;
  /** A number of its own for each session program and function: what its entries and returns are paired by. */
  readonly pair: number;
  readonly hits: { readonly map: number; readonly offset: number } | undefined;
}

export interface Site {
  /** A return, or a jump to another function, where rsp is what it was at the entry. */
  readonly isReturn: boolean;
  readonly address: number;
  readonly functionAddress: number;
  /** Where the displaced instructions go on. */
  readonly copy: number;
  readonly programs: readonly SiteProgram[];
}

export interface Trampoline {
  readonly bytes: Uint8Array;
  /** Bytes below the program's rsp that it uses at most, the red zone among them. */
  readonly stackBytes: number;
}

/** What routines use at most below a trampoline's frame: their return addresses, what they keep, and their arguments of system calls. */
const ROUTINE_STACK = 160;

export function trampoline(origin: number, site: Site, target: CodeTarget, routines: ReadonlyMap<string, number>): Trampoline {
  // Once to learn what it changes, once with the frame for that.
  const changed = new Set<Gpr>();
  new Writer(origin, site, target, routines, frameFor(site, new Set()), changed).write();
  const frame = frameFor(site, changed);
  const bytes = new Writer(origin, site, target, routines, frame, changed).write();
  return { bytes, stackBytes: frame.total + ROUTINE_STACK };
}

function frameFor(site: Site, changed: ReadonlySet<Gpr>): TrampolineFrame {
  return new TrampolineFrame(Math.max(0, ...site.programs.map(({ verified }) => verified.frameBytes)), new Set([...changed, rax]));
}

class Writer {
  readonly #a: Assembler;
  readonly #site: Site;
  readonly #target: CodeTarget;
  readonly #routines: ReadonlyMap<string, number>;
  readonly #frame: TrampolineFrame;
  readonly #changed: Set<Gpr>;

  constructor(origin: number, site: Site, target: CodeTarget, routines: ReadonlyMap<string, number>, frame: TrampolineFrame, changed: Set<Gpr>) {
    this.#a = new Assembler(origin);
    this.#site = site;
    this.#target = target;
    this.#routines = routines;
    this.#frame = frame;
    this.#changed = changed;
  }

  write(): Uint8Array {
    const a = this.#a;
    const frame = this.#frame;
    const { own } = this.#target.place;
    const slot = (register: Gpr) => frame.slot(register) as NonNullable<ReturnType<typeof frame.slot>>;
    a.lea(4, frame.above(-2 * frame.total))
      .mov(64, slot(rax), rax)
      .lahf()
      .setcc("o", rax)
      .mov(32, frame.flags, rax);
    a.groupi("cmp", 32, data(own + ProcessWord.enabled), 0).jcc("e", "off");
    const others = frame.saved.filter((register) => register !== rax);
    for (const register of others) a.mov(64, slot(register), register);
    const cold: (() => void)[] = [];
    this.#site.programs.forEach((one, index) => {
      cold.push(this.#program(one, index));
    });
    for (const register of others) a.mov(64, register, slot(register));
    a.label("off").mov(32, rax, frame.flags).groupi("add", 8, rax, 0x7f).sahf().mov(64, rax, slot(rax)).lea(4, frame.above(0));
    a.jmpTo(this.#site.copy);
    for (const write of cold) write();
    return a.bytes();
  }

  #program({ program, verified, cookie, pair, hits }: SiteProgram, index: number): () => void {
    const a = this.#a;
    const frame = this.#frame;
    const end = `end${index}`;
    const after = `after${index}`;
    const { isReturn, address, functionAddress } = this.#site;
    const isSession = program.runs === "session";
    if (program.probe < REFUSABLE) {
      a.groupi("cmp", 8, data(this.#target.place.shared + Header.refused + program.probe), 0).jcc("ne", after);
    }
    if (isSession && !Number.isSafeInteger(pair)) throw new SondeBug("a session program without its pair");
    if (isSession && isReturn) {
      this.#paired(OwnRoutine.takeCall, 2 * pair);
      a.groupi("cmp", 32, rax, Call.found).jcc("ne", after).mov(64, frame.cookie, rdx);
    } else if (isSession) a.store(64, frame.cookie, 0);
    const cold = translate(a, {
      program: program.instructions,
      verified,
      site: { isReturn, address, cookie, functionAddress },
      target: this.#target,
      frame,
      routines: this.#routines,
      resultIsUsed: isSession && !isReturn,
      end,
      hits,
      changes: (register) => this.#changed.add(register),
    });
    a.label(end);
    if (isSession && !isReturn) {
      // 1: the call's return isn't to be handled.
      a.test(32, rax, rax).setcc("ne", rax).movzx(8, rax, rax);
      a.mov(64, rdx, frame.cookie)
        .movi(rsi, 2 * pair)
        .or(64, rsi, rax);
      this.#call(OwnRoutine.keepCall);
    }
    a.label(after);
    return cold;
  }

  #paired(routine: string, which: number): void {
    this.#a.movi(rsi, which);
    this.#call(routine);
  }

  #call(routine: string): void {
    for (const register of callClobbers) this.#changed.add(register);
    this.#a.lea(rdi, this.#frame.above(0)).callTo(this.#routines.get(routine) as number);
  }
}
