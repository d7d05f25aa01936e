/** The back end: handlers and what their captures are worth, into one session's image. */

import { SondeBug } from "../../errors/error.ts";
import { toBytes } from "../../schema/encode.ts";
import type { Schema } from "../../schema/types.ts";
import { emit, measure } from "../codegen/emit.ts";
import { FRAME_BYTES } from "../codegen/frame.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import * as problem from "../diagnostics/lowering.ts";
import type { Place } from "../diagnostics/place.ts";
import type { FunctionHir, HandlerHir } from "../hir/types.ts";
import type { ProgramImage } from "../image.ts";
import type { MirFunction } from "../mir/types.ts";
import { optimize } from "../passes/optimize.ts";
import { type CarryLayout, carryLayout, keep, type Pairing, takeBack } from "./carry.ts";
import { join } from "./cells.ts";
import type { LowerProbe, LowerRequest, LowerResult, Register } from "./input.ts";
import { lineTable } from "./lines.ts";
import { Abort, Knowledge, Program, Restart } from "./program.ts";
import { epilogue, prologue } from "./prologue.ts";
import { beginWrites } from "./registers.ts";
import { SessionLayout } from "./session-layout.ts";
import { bindParameters, statements } from "./statements.ts";
import { type Phase, UNDEFINED, type Value } from "./value.ts";

/** Objects of one hit may take this many bytes. */
const SCRATCH_LIMIT = 32_768;

interface Lowered {
  readonly fn: MirFunction;
  readonly probe: number;
  readonly runs: ProgramImage["runs"];
  readonly name: string;
  readonly sleepable: boolean;
  readonly on?: ProgramImage["on"];
  readonly readsFloats: boolean;
  readonly writesRegisters: boolean;
  readonly scratchBytes: number;
}

const eventPhases: ReadonlyMap<HandlerHir["register"], Phase> = new Map([
  ["tracepoint", "tracepoint"],
  ["profile", "sample"],
  ["interval", "timer"],
]);

export function lower(request: LowerRequest): LowerResult {
  const encode = (schema: Schema, value: unknown): Uint8Array => toBytes(schema, value, request.functions) ?? new Uint8Array(schema.size);
  const session = new SessionLayout(request, encode);
  const diagnostics: Diagnostic[] = [];
  const lowered: Lowered[] = [];
  const probes: { programs: number[]; reads: ReadonlySet<Register> | "all" }[] = [];
  const usesExit = request.probes.some((probe) => mentions(probe.handler, "exit"));
  for (const [part, probe] of request.probes.entries()) {
    const unit = new ProbeLowering(session, probe, part, usesExit, encode);
    unit.run();
    diagnostics.push(...unit.diagnostics);
    probes.push({ programs: unit.out.map((_, i) => lowered.length + i), reads: unit.reads });
    lowered.push(...unit.out);
  }
  const unique = dedupe(diagnostics);
  if (unique.some((d) => d.severity === "error") || hasUnknown(request)) return { image: undefined, diagnostics: unique, probes };
  const lineOf = lineTable(request.files.map((f) => f.text));
  const programs = lowered.map((l): ProgramImage => {
    const emitted = emit(l.fn, { isa: request.target.isa, cpuMap: session.cpuMap, stride: session.stride, cpus: session.cpus, lineOf });
    return {
      name: l.name,
      probe: l.probe,
      runs: l.runs,
      sleepable: l.sleepable,
      ...(l.on !== undefined && { on: l.on }),
      readsFloats: l.readsFloats,
      writesRegisters: l.writesRegisters,
      instructions: emitted.instructions,
      functions: [{ index: 0, name: l.name }],
      lines: emitted.lines,
    };
  });
  return { image: session.finish(programs), diagnostics: unique, probes };
}

/** Captures whose values aren't known: nothing can be emitted, only checked. */
const hasUnknown = (request: LowerRequest): boolean => request.probes.some((p) => p.captures.some((c) => c.kind === "unknown" || c.kind === "some"));

/** Does a name of the vocabulary stand anywhere in the handler? */
function mentions(handler: HandlerHir, builtin: string): boolean {
  const search = (node: unknown): boolean => {
    if (typeof node !== "object" || node === null) return false;
    if ("k" in node && node.k === "builtin" && "name" in node && node.name === builtin) return true;
    return Object.values(node).some(search);
  };
  return search(handler.functions);
}

function dedupe(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter((d) => {
    const key = `${d.code} ${d.file} ${d.start} ${d.message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The programs of one probe. */
class ProbeLowering {
  readonly out: Lowered[] = [];
  readonly diagnostics: Diagnostic[] = [];
  reads: ReadonlySet<Register> | "all" = new Set();
  private readonly session: SessionLayout;
  private readonly probe: LowerProbe;
  private readonly index: number;
  private readonly part: number;
  private readonly usesExit: boolean;
  private readonly encode: Program["encode"];

  constructor(session: SessionLayout, probe: LowerProbe, part: number, usesExit: boolean, encode: Program["encode"]) {
    this.encode = encode;
    this.session = session;
    this.probe = probe;
    this.index = probe.probe;
    this.part = part;
    this.usesExit = usesExit;
  }

  run(): void {
    const { handler } = this.probe;
    const pairing: Pairing = this.probe.goroutines ? "goroutine" : this.session.request.target.sessions ? "session" : "thread";
    const { shape } = handler;
    switch (shape.kind) {
      case "hit": {
        const event = eventPhases.get(handler.register);
        if (event !== undefined) {
          this.event(event, shape.run);
          return;
        }
        const phase: Phase = handler.register === "uretprobe" ? "leave" : "enter";
        this.program(phase === "leave" ? "return" : "entry", (p) => {
          prologue(p, { filter: true, count: true, stopped: this.usesExit });
          this.call(p, phase, shape.run, []);
        });
        return;
      }
      case "call": {
        let layout: CarryLayout | undefined;
        const enter = (p: Program): void => {
          const value = this.call(p, "enter", shape.enter, []);
          if (value.k === "unknown" || p.b.dead) return;
          const fn = this.fn(shape.enter);
          p.within(p.newFrame(fn), () => {
            layout = carryLayout(p, value, pairing, fn.span);
            keep(p, layout, value, pairing, fn.span);
          });
        };
        const leave = (p: Program): void => {
          const at: Value = layout ? p.within(p.newFrame(this.fn(shape.leave)), () => takeBack(p, layout as CarryLayout, pairing)) : { k: "unknown" };
          this.call(p, "leave", shape.leave, [at]);
        };
        if (pairing === "session") {
          this.program("session", (p) => {
            const returning = p.b.block();
            const entering = p.b.block();
            const isReturn = p.b.kfunc("bpf_session_is_return", [p.b.fn.context]);
            p.b.branch("ne", p.b.binary("and", isReturn, 0xffn), 0n, returning, entering);
            p.b.enter(entering);
            p.phase = "enter";
            p.decides = true;
            // Whoever isn't meant gets no leave either.
            prologue(p, { filter: true, count: true, stopped: this.usesExit, refused: 1n });
            enter(p);
            p.b.jump(p.end);
            p.b.enter(returning);
            p.phase = "leave";
            prologue(p, { filter: false, count: false, stopped: this.usesExit });
            leave(p);
          });
          return;
        }
        this.program("entry", (p) => {
          prologue(p, { filter: true, count: true, stopped: this.usesExit });
          enter(p);
        });
        this.program("return", (p) => {
          prologue(p, { filter: true, count: false, stopped: this.usesExit });
          leave(p);
        });
        return;
      }
      case "instruction": {
        if (!this.session.request.target.extendedContext) {
          this.diagnostics.push(problem.engineLacks(this.place, "a before, after or fault handler", "breakpoint"));
          return;
        }
        const { before, after, fault } = shape;
        // An execution is one hit: it is counted before, or else where it ends, which is in one of the two.
        const part = (runs: "entry" | "after" | "fault", phase: Phase, id: number | undefined): void => {
          if (id === undefined) return;
          this.program(runs, (p) => {
            prologue(p, { filter: true, count: runs === "entry" || before === undefined, stopped: this.usesExit });
            this.call(p, phase, id, []);
          });
        };
        part("entry", "enter", before);
        part("after", "after", after);
        part("fault", "fault", fault);
      }
    }
  }

  /** Nothing but the program itself stands between such a hit and the handler: it filters, except for `interval`, which is nobody's. */
  private event(phase: Phase, run: number): void {
    const { eventFilter } = this.session.request.target;
    if (eventFilter === undefined) {
      this.diagnostics.push(problem.engineLacks(this.place, `${this.probe.handler.register}()`, "kernel"));
      return;
    }
    this.program("entry", (p) => {
      prologue(p, { ...(phase === "timer" ? { filter: false } : { filter: true, by: eventFilter }), count: true, stopped: this.usesExit });
      this.call(p, phase, run, []);
    });
  }

  /** The handler as a whole. */
  private get place(): Place {
    const { file, span } = this.probe.handler;
    return { file: this.session.request.files[file]?.path ?? "-e", start: span[0], end: span[1] };
  }

  private fn(id: number): FunctionHir {
    const fn = this.probe.handler.functions[id];
    if (!fn) throw new SondeBug(`no function ${id}`);
    return fn;
  }

  /** Lowers a handler's function as the program's own. */
  private call(p: Program, phase: Phase, id: number, rest: readonly Value[]): Value {
    p.phase = phase;
    const hir = this.fn(id);
    const frame = p.newFrame(hir);
    return p.within(frame, () => {
      p.at(hir.span);
      bindParameters(p, frame, [{ k: "context", phase }, ...rest]);
      statements(p, hir.body);
      const arms = frame.returns.map(({ value, block }) => ({ value, block }));
      if (!p.b.dead) arms.push({ value: UNDEFINED, block: p.b.current });
      // Nobody asks for the result of a handler that isn't `enter`.
      const wanted = phase === "enter" && this.probe.handler.shape.kind === "call";
      return join(p, wanted ? arms : arms.map((arm) => ({ ...arm, value: UNDEFINED })), hir.span);
    });
  }

  /** Lowers until nothing new is learnt, then makes it small and keeps it. */
  private program(runs: ProgramImage["runs"], body: (p: Program) => void): void {
    const knowledge = new Knowledge();
    for (;;) {
      const p = new Program({ session: this.session, probe: this.probe, probeIndex: this.index, part: this.part, knowledge, encode: this.encode });
      try {
        p.b.set(p.status, 0n);
        beginWrites(p);
        body(p);
        p.b.jump(p.end);
        epilogue(p);
      } catch (e) {
        if (e instanceof Restart) continue;
        if (!(e instanceof Abort)) throw e;
        this.diagnostics.push(...p.diagnostics, e.diagnostic);
        return;
      }
      if (p.diagnostics.some((d) => d.severity === "error")) {
        this.diagnostics.push(...p.diagnostics);
        return;
      }
      optimize(p.b.fn);
      const size = measure(p.b.fn);
      if (size.frameBytes > FRAME_BYTES && !knowledge.scratch) {
        knowledge.scratch = true;
        continue;
      }
      this.diagnostics.push(...p.diagnostics);
      if (size.frameBytes > FRAME_BYTES) {
        this.diagnostics.push(problem.tooManyValues(this.place, size.slots));
        return;
      }
      if (size.scratchBytes > SCRATCH_LIMIT) {
        this.diagnostics.push(problem.tooLarge(this.place, size.scratchBytes));
        return;
      }
      if (p.b.fn.scratch !== undefined) this.session.scratch(size.scratchBytes);
      this.reads = p.readsAllRegisters || this.reads === "all" ? "all" : new Set([...this.reads, ...p.registersRead]);
      const name = `p${this.index}_${runs}`.slice(0, 15);
      this.out.push({
        fn: p.b.fn,
        probe: this.index,
        runs,
        name,
        sleepable: p.readsMemory && p.maySleep,
        ...(eventPhases.has(this.probe.handler.register) && { on: this.probe.handler.register === "tracepoint" ? "tracepoint" : "timer" }),
        readsFloats: p.readsFloats,
        writesRegisters: p.written.size > 0,
        scratchBytes: size.scratchBytes,
      });
      return;
    }
  }
}
