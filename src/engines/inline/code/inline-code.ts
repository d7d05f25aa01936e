/**
 * A session's image as machine code: the door of this folder.
 *
 *     const code = inlineCode(image, { place: { shared, own }, features });      // verified; throws what the engine lacks
 *     const routines = code.routines(at);                                        // once, in the arena
 *     const { bytes, stackBytes } = code.trampoline(at2, routines, {             // for each site
 *       isReturn: false, address, functionAddress, copy, programs: [{ index: 0, cookie: 1, pair: 7 }],
 *     });
 *
 * `place` are the addresses in the target at which the memory of memory/layout.ts is mapped; code and memory lie within
 * ±2 GiB of each other. Where a target has several arenas, each has both parts of the memory near it: the shared part is
 * the same memfd; the process's own part has to be one and the same too, or calls are only paired within one arena.
 *
 * The session compiles for `inlineTarget`. Before the first site is armed, whoever arms fills the process's own part
 * (enabled last), the header of the shared part (memory/create.ts) and a scale of time (memory/clock.ts).
 *
 * Pure: bytes and addresses in, bytes out.
 */
import { check } from "../../../bpf/checker.ts";
import { HIGHEST_BIT } from "../../../bpf/own-functions.ts";
import { Refused, type Verified } from "../../../bpf/verify/facts.ts";
import { verify } from "../../../bpf/verify/verify.ts";
import type { ProgramImage, SessionImage } from "../../../compiler/image.ts";
import type { Target } from "../../../compiler/target.ts";
import { SondeBug, SondeError } from "../../../errors/error.ts";
import { type InlineLayout, planInline } from "../memory/layout.ts";
import { type Routines, routines } from "./routines.ts";
import type { CodePlace, CodeTarget, CpuFeatures } from "./target.ts";
import { type Trampoline, trampoline } from "./trampoline.ts";

/** What the compiler is to make images for. `cpus`: a power of two, of the possible CPUs or more. */
export function inlineTarget(cpus: number, ringBytes: number): Target {
  return {
    sessions: true,
    sleepable: true,
    kfuncs: new Set(["bpf_session_is_return", "bpf_session_cookie", "bpf_copy_from_user_str", HIGHEST_BIT]),
    isa: 4,
    cpus,
    extendedContext: false,
    writesRegisters: false,
    // Only the processes that are meant are armed.
    filter: { kind: "all" },
    ringBytes,
  };
}

export interface InlineSite {
  /** A return, or a jump to another function that ends this one: rsp is what it was at the entry. */
  readonly isReturn: boolean;
  /** In the target: of the site, and of the function that it is in. */
  readonly address: number;
  readonly functionAddress: number;
  /** Where the displaced instructions stand. */
  readonly copy: number;
  /** Indices in the image, in the order in which they run. `pair`: the same at the entry and the returns of a probe's function, and nowhere else. */
  readonly programs: readonly { readonly index: number; readonly cookie: number; readonly pair: number }[];
}

export interface InlineCode {
  readonly layout: InlineLayout;
  routines(at: number): Routines;
  trampoline(at: number, routines: Routines, site: InlineSite): Trampoline;
}

/** Of pt_regs: rax. */
const RESULT_AT = 80;

/** Whether a program reads what the function gives, which isn't known where it ends by a jump to another. Throws as inlineCode does. */
export function readsResult(image: SessionImage, index: number): boolean {
  const program = image.programs[index];
  return program !== undefined && verifiedRuns(image, program).return.facts.some((fact) => fact?.context === RESULT_AT);
}

/** pt_regs. */
const CONTEXT_BYTES = 168;

/** Throws SONDE_INLINE_PROGRAM: a program does what machine code in a target can't. */
export function inlineCode(image: SessionImage, options: { readonly place: CodePlace; readonly features: CpuFeatures }): InlineCode {
  const layout = planInline(image);
  const target: CodeTarget = { layout, ...options };
  const verified = image.programs.map((program) => verifiedRuns(image, program));
  const hits = new Map(image.counters.flatMap((counter) => (counter.kind === "hits" ? [[counter.probe, counter.offset] as const] : [])));
  return {
    layout,
    routines: (at) => routines(at, target),
    trampoline: (at, { addresses }, site) => {
      const programs = site.programs.map(({ index, cookie, pair }) => {
        const program = image.programs[index];
        const runs = verified[index];
        if (program === undefined || runs === undefined) throw new SondeBug(`there is no program ${index}`);
        const offset = hits.get(program.probe);
        return {
          program,
          verified: runs[site.isReturn ? "return" : "entry"],
          cookie,
          pair,
          hits: offset === undefined ? undefined : { map: image.cpuRegion.map, offset },
        };
      });
      return trampoline(at, { ...site, programs }, target, addresses);
    },
  };
}

interface Runs {
  readonly entry: Verified;
  readonly return: Verified;
}
const known = new WeakMap<ProgramImage, Runs>();

/** Found once for a program, whatever the place that its code is made for. */
function verifiedRuns(image: SessionImage, program: ProgramImage): Runs {
  const found = known.get(program) ?? verifyRuns(image, program);
  known.set(program, found);
  return found;
}

function verifyRuns(image: SessionImage, program: ProgramImage): Runs {
  const { instructions, functions, name, runs } = program;
  const [problem] = check(
    instructions,
    functions.map(({ index }) => index),
  );
  if (problem !== undefined) throw new SondeBug(`program ${name}: instruction ${problem.index} ${problem.message}`);
  if (program.on !== undefined || runs === "after" || runs === "fault") throw lacks(`a handler that runs ${program.on ? `at a ${program.on}` : runs}`, program);
  const one = (isReturn: boolean): Verified => {
    try {
      return verify(instructions, { maps: image.maps, contextBytes: CONTEXT_BYTES, isReturn });
    } catch (error) {
      if (error instanceof Refused) throw lacks(`instruction ${error.index}: ${error.message}`, program);
      throw error;
    }
  };
  return { entry: one(false), return: one(true) };
}

const lacks = (why: string, { name }: ProgramImage): SondeError =>
  new SondeError("SONDE_INLINE_PROGRAM", "the engine inline can't run this handler inside the program", {
    where: `program ${name}`,
    why,
    mend: "Use the engine kernel or breakpoint (--engine kernel).",
  });
