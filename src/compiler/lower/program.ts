/** One eBPF program while it is made: its builder, the function that is being inlined, and what must hold until the end. */

import { SondeBug } from "../../errors/error.ts";
import type { Schema, StateSpec } from "../../schema/types.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Place } from "../diagnostics/place.ts";
import type { FunctionHir, Span } from "../hir/types.ts";
import { Builder } from "../mir/builder.ts";
import type { Base, Block, Operand, Reg } from "../mir/types.ts";
import type { Shape } from "./cells.ts";
import type { LowerProbe, Register } from "./input.ts";
import type { SessionLayout } from "./session-layout.ts";
import type { Phase, Value } from "./value.ts";

/** A handler can't go on being lowered here; the diagnostic is recorded already or comes with it. */
export class Abort extends Error {
  readonly diagnostic: Diagnostic;
  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}
/** Something was learnt that the beginning should have known: lower the program again. */
export class Restart extends Error {}

/** What is learnt about a program from one try to the next. */
export class Knowledge {
  /** The shape of each local that is assigned to, of each function's result. */
  readonly shapes = new Map<string, Shape>();
  /** Objects whose fields are assigned to, by where they were made. */
  readonly assignedObjects = new Set<string>();
  /** `c.task` is used. */
  task = false;
  /** Registers of the target that the handler sets. */
  readonly written = new Set<Register>();
  /** The frame is too small: large objects go to a scratch slot. */
  scratch = false;
  restarts = 0;
}

/** A call that is inlined. */
export interface Frame {
  readonly hir: FunctionHir;
  readonly locals: Map<number, Value>;
  /** Names this inlined call among all. */
  readonly key: string;
  /** Where each `return` leaves its value. */
  readonly returns: { readonly value: Value; readonly block: Block }[];
  readonly labels: Map<number, { readonly break: Block; readonly continue: Block | undefined }>;
  readonly parent: Frame | undefined;
  /** The call in whose body the function is written, for a function that sees its locals. */
  readonly scope: Frame | undefined;
}

export interface ProgramOptions {
  readonly session: SessionLayout;
  readonly probe: LowerProbe;
  readonly probeIndex: number;
  readonly part: number;
  readonly knowledge: Knowledge;
  readonly encode: (schema: Schema, value: unknown) => Uint8Array;
}

export class Program {
  readonly b = new Builder();
  readonly session: SessionLayout;
  readonly probe: LowerProbe;
  readonly probeIndex: number;
  /** The probe's place among those that were asked for: several may be of one probe of the session. */
  readonly part: number;
  readonly knowledge: Knowledge;
  readonly encode: ProgramOptions["encode"];
  readonly diagnostics: Diagnostic[] = [];
  /** The registers of the target that the handler reads. */
  readonly registersRead = new Set<Register>();
  readsAllRegisters = false;
  /** It reads memory of the target. */
  readsMemory = false;
  /** It may wait for memory that isn't resident: only at a probed place of a program. */
  get maySleep(): boolean {
    return this.session.request.target.sleepable && !this.isEvent;
  }
  /** Its hits are the kernel's own events. */
  get isEvent(): boolean {
    const { register } = this.probe.handler;
    return register === "tracepoint" || register === "profile" || register === "interval";
  }
  /** An address that it reads may be the kernel's as well as a program's: which, the address itself tells. */
  get readsKernel(): boolean {
    return this.isEvent || this.knowledge.task;
  }
  /** It reads the registers xmm0 to xmm15. */
  readsFloats = false;
  /** What each register that the handler sets is set to at the end. */
  readonly written = new Map<Register, Reg>();
  /** This CPU's part of the region. */
  cpu: Reg = -1;
  /** The program's result, set before the end, where the program has one (`decides`). */
  readonly status: Reg;
  decides = false;
  /** All ways end here. */
  readonly end: Block;
  phase: Phase = "hit";
  /** The number of the scratch slot that this hit has taken. */
  readonly scratchSlot: Reg;
  private innermost: Frame | undefined;
  private keys = 0;

  constructor(options: ProgramOptions) {
    this.session = options.session;
    this.probe = options.probe;
    this.probeIndex = options.probeIndex;
    this.part = options.part;
    this.knowledge = options.knowledge;
    this.encode = options.encode;
    // What a program does by itself, before and behind the handler, belongs to the registration.
    this.b.position = { file: options.probe.handler.file, offset: options.probe.handler.span[0] };
    this.status = this.b.variable();
    this.scratchSlot = this.b.variable();
    this.end = this.b.block();
  }

  get frame(): Frame {
    if (!this.innermost) throw new SondeBug("the compiler is outside of any function");
    return this.innermost;
  }

  /** Runs `body` inside an inlined call. */
  within<T>(frame: Frame, body: () => T): T {
    const before = this.innermost;
    this.innermost = frame;
    try {
      return body();
    } finally {
      this.innermost = before;
    }
  }

  get depth(): number {
    let n = 0;
    for (let f = this.innermost; f; f = f.parent) n++;
    return n;
  }

  newFrame(hir: FunctionHir, scope?: Frame): Frame {
    return {
      hir,
      locals: new Map(),
      key: `${this.innermost?.key ?? this.phase}/${this.keys++}`,
      returns: [],
      labels: new Map(),
      parent: this.innermost,
      scope,
    };
  }

  place(span: Span): Place {
    const file = this.session.request.files[this.frame.hir.file];
    return { file: file?.path ?? "-e", start: span[0], end: span[1] };
  }

  fail(diagnostic: Diagnostic): never {
    throw new Abort(diagnostic);
  }

  warn(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  at(span: Span): void {
    this.b.position = { file: this.frame.hir.file, offset: span[0] };
  }

  /** The line in the source, from 1, of where we are. */
  line(span: Span): number {
    const text = this.session.request.files[this.frame.hir.file]?.text ?? "";
    let line = 1;
    for (let i = text.indexOf("\n"); i >= 0 && i < span[0]; i = text.indexOf("\n", i + 1)) line++;
    return line;
  }

  state(index: number): { readonly name: string; readonly spec: StateSpec } {
    const state = this.session.request.states[index];
    if (!state) throw new SondeBug(`no state ${index}`);
    return state;
  }

  /** Counts one up in this CPU's part. */
  count(offset: number, by: Operand = 1n): void {
    this.b.atomic("add", { reg: this.cpu }, offset, 8, by);
  }

  /** A sink was given undefined at this line. */
  countMiss(span: Span): void {
    this.count(this.session.counter({ kind: "miss", file: this.frame.hir.file, line: this.line(span) }));
  }

  /** A zeroed place of `size` bytes (a multiple of 8). */
  zeroed(size: number): Base {
    const object = this.b.object(size);
    for (let i = 0; i < size; i += 8) this.b.store({ object }, i, 8, 0n);
    return { object };
  }

  private readonly spares = new Map<number, number>();
  /** An object of `size` bytes for what is written and never read. */
  spare(size: number): number {
    const known = this.spares.get(size) ?? this.b.object(size);
    this.spares.set(size, known);
    return known;
  }

  /** Learns that a local (or a result) has a wider shape than thought. */
  restart(): never {
    if (++this.knowledge.restarts > 200) throw new SondeBug("the shapes of locals don't settle");
    throw new Restart();
  }
}
