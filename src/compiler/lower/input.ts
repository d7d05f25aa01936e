/** What the back end is given: handlers, what their captures are worth now, and what to compile for. */

import type { Convention } from "../../schema/convention.ts";
import type { PlaceRegister, Signature } from "../../schema/ctypes.ts";
import type { Schema, StateSpec } from "../../schema/types.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { Untyped } from "../diagnostics/typed.ts";
import type { HandlerHir, ScriptUnit } from "../hir/types.ts";
import type { SessionImage } from "../image.ts";
import type { Target, Unwind } from "../target.ts";

/** A captured name's value when the session arms; in `check`, what can be told before. */
export type CaptureValue =
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "undefined" }
  /** Of this type, its value not yet known (only in `check`). */
  | { readonly kind: "some"; readonly type: "int" | "bool" | "string" }
  | { readonly kind: "object"; readonly properties: { readonly [name: string]: CaptureValue } }
  | { readonly kind: "array"; readonly items: readonly CaptureValue[] }
  /** A map, aggregate, variable or events: index into `states`. */
  | { readonly kind: "state"; readonly state: number }
  | { readonly kind: "schema"; readonly schema: Schema }
  /** A registered probe: index into `probes`. */
  | { readonly kind: "probe"; readonly probe: number }
  /** Can't be told before the script runs (only in `check`): the handler is then checked as far as it goes. */
  | { readonly kind: "unknown" }
  /** What a handler can't use: `why` completes "it is …" (a Map, 1.5, a function). */
  | { readonly kind: "invalid"; readonly why: string };

export interface LowerProbe {
  /** Its number in the session; several have the same where one probe's sites keep what the handler uses in different places. */
  readonly probe: number;
  readonly handler: HandlerHir;
  readonly captures: readonly CaptureValue[];
  /** The targets as written, joined by ", ": `c.probe`. */
  readonly text: string;
  /** What prototypes or debug information say of the function. */
  readonly signature: Signature | undefined;
  /** Asked where nothing is known of the function and the handler uses what would be: why that is, and what can be done. */
  readonly untyped?: (() => Untyped | undefined) | undefined;
  /** The site's address as its file is linked, where the sites have one address: what lies at a fixed address in the file is found by it. */
  readonly address?: bigint | undefined;
  /** How far behind the sites a `ret` is, for handlers that skip functions: "none" was found. Undefined: nobody has looked, and nothing is armed. */
  readonly returnAt?: bigint | "none" | undefined;
  /** All sites are functions' entries. */
  readonly atEntry?: boolean;
  /** Asked where that is so and a stack is captured: all these functions begin with `push %rbp`. */
  readonly pushFrame?: (() => boolean) | undefined;
  /**
   * The sites' functions are Go's, and a `ret` is a place of its own there: entry and return are two programs in any case, and
   * belong together by goroutine, since a goroutine goes from thread to thread and its stack from place to place.
   */
  readonly goroutines?: boolean;
  /** How the sites' functions are passed integers: by the C convention unless said. */
  readonly convention?: Convention | "mixed";
  /** Where a goroutine's id is in what r14 points to, at all sites; undefined: they aren't Go's, or it isn't known. */
  readonly goroutineId?: number | undefined;
  /** These processes only, besides the session's filter. */
  readonly pids: readonly number[] | undefined;
  /** Indices into `functions` that this probe's sites carry as cookies. */
  readonly functions: readonly number[];
}

export interface LowerRequest {
  readonly files: ScriptUnit["files"];
  readonly states: readonly { readonly name: string; readonly spec: StateSpec }[];
  /** The session's table of function names: what `c.func` and `func` index. */
  readonly functions: readonly string[];
  readonly probes: readonly LowerProbe[];
  readonly target: Target;
  /** How programs' stacks are unwound where the kernel runs the handlers: frame pointers unless said. */
  readonly unwind?: Unwind;
  /** Changes to the target are permitted. */
  readonly unsafe: boolean;
  /** The kernel's own structures by name, among them task_struct. Asked where a handler uses them; throws a SondeError where they aren't known. */
  readonly kernelTypes?: () => Pick<Signature, "structs">;
}

export type Register = Exclude<PlaceRegister, `xmm${number}`> | "rip" | "rflags";

export interface LowerResult {
  /** Undefined if there is an error among the diagnostics. */
  readonly image: SessionImage | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** For each probe: indices of its programs in the image, and which registers of the target its entry handler reads. */
  readonly probes: readonly { readonly programs: readonly number[]; readonly reads: ReadonlySet<Register> | "all" }[];
}
