/**
 * A session's programs as the tracer runs them: translated to WebAssembly once, acting on the memory that the session
 * shares. What a program may ask at every hit (process, thread, cookie) is laid down as words before it runs; the rest
 * are functions of ours (program-imports.ts).
 *
 *     layout.scratchAt  0        8        16         24               32               40           64
 *                       ┌────────┬────────┬──────────┬────────────────┬────────────────┬────────────┬──────────
 *                       │ result │ cookie │ tid, pid │ site's cookie  │ function       │ is return  │ text …
 *                       └────────┴────────┴──────────┴────────────────┴────────────────┴────────────┴──────────
 */

import { isCall } from "../../../bpf/opcodes.ts";
import { type CallPlans, calleeName } from "../../../bpf/wasm/calls.ts";
import { exportName, IMPORTS, MEMORY, translate } from "../../../bpf/wasm/translate.ts";
import type { SessionImage } from "../../../compiler/image.ts";
import { SondeBug } from "../../../errors/error.ts";
import { Runs } from "../../memory/control.ts";
import { type MemoryLayout, SCRATCH_BYTES, STACK_BYTES, STACKS } from "../../memory/layout.ts";
import type { MapStore, RingStore } from "../../memory/types.ts";
import { importPlans, makeImports } from "./program-imports.ts";

/** What a program may ask about the hit. Functions are called only if it does ask. */
export interface HitEnvironment {
  readonly pid: number;
  readonly tid: number;
  /** Of the site that was hit. */
  readonly cookie: number;
  readonly functionAddress: number;
  readonly isReturn: boolean;
  uid(): number;
  gid(): number;
  /** The thread's name: 16 bytes, closed by NULs. */
  comm(): Uint8Array;
  cpu(): number;
  /** The id of the thread's cgroup (-1), or of its ancestor so far below the root; 0 if there is none. */
  cgroupAt(level: number): bigint;
  /** The thread's stack, as addresses of code, innermost first; of the registers that the program was handed. */
  stack(registers: ArrayLike<bigint>, most: number): readonly number[];
  /** In which files its addresses are, as struct bpf_stack_build_id: gives the bytes. */
  stackInFiles(registers: ArrayLike<bigint>, into: DataView): number;
  /** Sends the thread a signal; 0 or minus errno. */
  signal(number: number): number;
  /** Copies from the target to an address of this process. Gives the bytes read, from the start on; 0 or less if none. */
  readUser(address: number, to: number, length: number): number;
}

/** What programs get from this process and not from the hit. */
export interface Sources {
  /** CLOCK_MONOTONIC, as the kernel's programs get it. */
  timeNs(): bigint;
  /** 32 bits. */
  random(): number;
}
const system: Sources = { timeNs: () => process.hrtime.bigint(), random: () => Math.floor(Math.random() * 2 ** 32) };

const WASM_PAGE = 65_536;
const Word = { result: 0, cookie: 8, thread: 16, siteCookie: 24, function: 32, isReturn: 40, text: 64 } as const;

function plans(scratchAt: number): CallPlans {
  const word = (at: number, width: 4 | 8): CallPlans[string] => ({ kind: "word", at: scratchAt + at, width });
  return {
    ...importPlans,
    get_current_pid_tgid: word(Word.thread, 8),
    get_attach_cookie: word(Word.siteCookie, 8),
    get_func_ip: word(Word.function, 8),
    bpf_session_is_return: word(Word.isReturn, 4),
    bpf_session_cookie: { kind: "constant", value: scratchAt + Word.cookie },
  };
}

export class Programs {
  /** One word, which is the session's cookie of the call: to be set before a return and kept after an entry. */
  readonly cookie: BigUint64Array;
  readonly #image: SessionImage;
  readonly #environment: HitEnvironment;
  readonly #runs: Runs;
  readonly #words: Uint32Array;
  readonly #contextAt: number;
  readonly #programs: readonly ((context: number) => number)[];
  readonly #asksSite: boolean;

  /** `stores` by the map's index. One program runs at a time. */
  constructor(
    image: SessionImage,
    layout: MemoryLayout,
    memory: WebAssembly.Memory,
    stores: readonly (MapStore | RingStore)[],
    environment: HitEnvironment,
    sources: Sources = system,
  ) {
    const { scratchAt, contextAt, stackAt } = layout;
    this.#image = image;
    this.#environment = environment;
    this.#runs = new Runs(memory.buffer, layout);
    this.cookie = new BigUint64Array(memory.buffer, scratchAt + Word.cookie, 1);
    this.#words = new Uint32Array(memory.buffer, scratchAt, Word.text / 4);
    this.#contextAt = contextAt;
    const instructions = image.programs.map((program) => program.instructions);
    this.#asksSite = instructions.flat().some((i) => isCall(i.code) && siteCalls.has(calleeName(i) ?? ""));
    const bytes = translate(instructions, {
      pages: memory.buffer.byteLength / WASM_PAGE,
      stackAt,
      frames: STACKS,
      frameBytes: STACK_BYTES,
      mapHandle: (map) => map,
      mapValue: (map) => {
        const place = layout.maps[map];
        if (place?.kind !== "array") throw new SondeBug(`map ${map} has no value to point into`);
        return place.at;
      },
      calls: plans(scratchAt),
      wideAt: scratchAt + Word.result,
    });
    const imports = makeImports({
      memory,
      stores,
      ring: image.ring,
      environment,
      sources,
      wideAt: scratchAt + Word.result,
      text: { at: scratchAt + Word.text, bytes: SCRATCH_BYTES - Word.text },
    });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORTS]: { ...imports, [MEMORY]: memory } });
    this.#programs = instructions.map((_, index) => exports[exportName(index)] as (context: number) => number);
  }

  /** Runs a program of the image on the context that lies at layout.contextAt; the low 32 bits of its result. */
  run(program: number): number {
    const words = this.#words;
    const { pid, tid, isReturn } = this.#environment;
    words[Word.thread / 4] = tid;
    words[Word.thread / 4 + 1] = pid;
    words[Word.isReturn / 4] = isReturn ? 1 : 0;
    if (this.#asksSite) {
      const { cookie, functionAddress } = this.#environment;
      words[Word.siteCookie / 4] = cookie;
      words[Word.siteCookie / 4 + 1] = cookie / 2 ** 32;
      words[Word.function / 4] = functionAddress;
      words[Word.function / 4 + 1] = functionAddress / 2 ** 32;
    }
    this.#runs.enter();
    try {
      return (this.#programs[program] as (context: number) => number)(this.#contextAt);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      throw new SondeBug(`program ${this.#image.programs[program]?.name} went wrong: ${error.message}`, { cause: error });
    } finally {
      this.#runs.leave();
    }
  }
}

const siteCalls: ReadonlySet<string> = new Set(["get_attach_cookie", "get_func_ip"]);
