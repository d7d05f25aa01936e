import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  any,
  DATA,
  data,
  families,
  framed,
  interpreted,
  jumps,
  jumps32,
  negative,
  operand,
  register,
  U64,
  VALUE,
} from "../../../test/fixtures/random-instructions.ts";
import * as alu64 from "../alu64.ts";
import * as atomic from "../atomic.ts";
import { callHelper, callKfunc, callLocal } from "../call.ts";
import type { Instruction } from "../instruction.ts";
import * as jump from "../jump.ts";
import { loadFunction, loadImm64, loadMap, loadMapValue } from "../load-imm.ts";
import { ldx, st, stx } from "../memory.ts";
import { type Operand, type Reg, r0, r1, r2, r3, r6, r7, r8, r9, r10 } from "../register.ts";
import type { CallPlans } from "./calls.ts";
import { exportName, IMPORTS, MEMORY, translate } from "./translate.ts";

const STACK_AT = 4096;
const WIDE_AT = 2048;
const VALUE_AT = 16_384;

const plans: CallPlans = {
  get_prandom_u32: { kind: "import", params: [], result: "unsigned" },
  map_delete_elem: { kind: "import", params: ["int", "int"], result: "signed" },
  probe_read_user: { kind: "import", params: ["int", "int", "address"], result: "signed" },
  ktime_get_ns: { kind: "import", params: [], result: "wide" },
  ringbuf_submit: { kind: "import", params: ["int"], result: "none" },
  get_current_pid_tgid: { kind: "word", at: WIDE_AT + 8, width: 8 },
  bpf_session_is_return: { kind: "word", at: WIDE_AT + 8, width: 4 },
  bpf_session_cookie: { kind: "constant", value: WIDE_AT + 16 },
};
type Functions = { readonly [name: string]: (...args: number[]) => number | undefined };
const nothing: Functions = { get_prandom_u32: () => 0, map_delete_elem: () => 0, probe_read_user: () => 0, ktime_get_ns: () => 0, ringbuf_submit: () => 0 };

function load(
  programs: readonly (readonly Instruction[])[],
  functions: Functions = {},
): { run(program: number, context?: number): number; memory: SharedArrayBuffer } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = translate(programs, {
    pages: 1,
    stackAt: STACK_AT,
    frames: 8,
    frameBytes: 512,
    mapHandle: (map) => map,
    mapValue: (map) => VALUE_AT + map * 1024,
    calls: plans,
    wideAt: WIDE_AT,
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORTS]: { ...nothing, ...functions, [MEMORY]: memory } });
  return { memory: memory.buffer, run: (program, context = 0) => (exports[exportName(program)] as (context: number) => number)(context) };
}

/** Programs on the same data leave the same value, in both ways of running. */
function agree(bodies: readonly (readonly Instruction[])[], data: Uint8Array): void {
  const programs = bodies.map((body) => framed(body));
  const { run, memory } = load(programs);
  const value = new Uint8Array(memory, VALUE_AT, VALUE);
  programs.forEach((program, index) => {
    value.fill(0);
    value.set(data);
    run(index);
    expect(Buffer.from(value).toString("hex")).toBe(Buffer.from(interpreted(program, data)).toString("hex"));
  });
}

describe("is what the interpreter does:", () => {
  test.each(Object.entries({ ...families, ...negative }))("%s", (_, family) => {
    const bodies = fc.array(fc.array(family, { minLength: 1, maxLength: 4 }), { minLength: 20, maxLength: 20 });
    fc.assert(fc.property(bodies, data, agree), { numRuns: 60 });
  });

  test("an exchange that finds what it compares with", () => {
    const of = (width: 4 | 8): Instruction[] => [ldx(width, r0, r9, 64), atomic.cmpxchg(width, r9, 64, r3)];
    fc.assert(
      fc.property(data, (bytes) => agree([of(4), of(8), [...of(4), alu64.neg(r0), ...of(8)]], bytes)),
      { numRuns: 100 },
    );
  });
  // The upper half of r0 isn't looked at.
  test("a narrow exchange with rubbish above", () => {
    const body = [ldx(4, r0, r9, 64), loadImm64(r1, 0x5a5a_5a5a_0000_0000n), alu64.or(r0, r1), atomic.cmpxchg(4, r9, 64, r3)];
    fc.assert(
      fc.property(data, (bytes) => agree([body], bytes)),
      { numRuns: 50 },
    );
  });

  test("every conditional jump", () => {
    const taken = (dst: Reg, src: Operand): Instruction[][] =>
      [...jumps, ...jumps32].map((build) => [alu64.mov(r7, 1), build(dst, src, 3), alu64.mov(r7, 2), alu64.mov(r6, 0)]);
    fc.assert(
      fc.property(register, operand, data, (dst, src, bytes) => agree(taken(dst, src), bytes)),
      { numRuns: 100 },
    );
  });

  type Piece =
    | { readonly kind: "plain"; readonly instruction: Instruction }
    | { readonly kind: "jump"; readonly build: (target: number) => Instruction; readonly to: number };
  const conditional = fc.tuple(fc.constantFrom(...jumps, ...jumps32), register, operand).map(
    ([build, dst, src]) =>
      (target: number): Instruction =>
        build(dst, src, target),
  );
  const piece: fc.Arbitrary<Piece> = fc.oneof(
    { weight: 2, arbitrary: any.map((instruction): Piece => ({ kind: "plain", instruction })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.oneof({ weight: 4, arbitrary: conditional }, { weight: 1, arbitrary: fc.constantFrom(jump.goto, jump.gotoLong) }), fc.nat())
        .map(([build, to]): Piece => ({ kind: "jump", build, to })),
    },
  );
  /** Jumps to anywhere, into loops as well; those backward only as long as r8 isn't used up. */
  function tangled(pieces: readonly Piece[]): Instruction[] {
    const starts: number[] = [];
    let size = 1;
    for (const [i, p] of pieces.entries()) {
      starts.push(size);
      size += p.kind === "jump" && p.to % pieces.length <= i ? 3 : 1;
    }
    starts.push(size);
    const body: Instruction[] = [alu64.mov(r8, 40)];
    for (const [i, p] of pieces.entries()) {
      if (p.kind === "plain") body.push(p.instruction);
      else {
        const target = p.to % pieces.length;
        if (target <= i) body.push(alu64.sub(r8, 1), jump.jsle(r8, 0, starts[i + 1]!));
        body.push(p.build(starts[target]!));
      }
    }
    return body;
  }
  test("jumps to anywhere", () => {
    const programs = fc.array(fc.array(piece, { minLength: 3, maxLength: 40 }).map(tangled), { minLength: 20, maxLength: 20 });
    fc.assert(fc.property(programs, data, agree), { numRuns: 60 });
  }, 60_000);

  test("local functions, with frames and registers of their own", () => {
    const program = [
      loadMapValue(r9, 0, 0),
      ldx(8, r6, r9, 0),
      stx(8, r10, -8, r6),
      alu64.mov(r1, r6),
      ldx(8, r2, r9, 8),
      callLocal(13),
      ldx(8, r1, r10, -8),
      stx(8, r9, DATA, r0),
      stx(8, r9, DATA + 8, r1),
      stx(8, r9, DATA + 16, r6),
      callLocal(22),
      stx(8, r9, DATA + 24, r0),
      jump.exit(),
      // 13: what it is given, its own word below the frame's end, and what the next one makes of both
      stx(8, r10, -8, r2),
      alu64.mov(r6, r1),
      jump.jsgt(r1, r2, 18),
      alu64.mov(r0, 7),
      jump.exit(),
      callLocal(22),
      ldx(8, r1, r10, -8),
      alu64.sub(r0, r1),
      jump.exit(),
      // 22
      st(8, r10, -8, 99),
      alu64.mov(r6, 5),
      alu64.mov(r0, 1000),
      jump.exit(),
    ];
    fc.assert(
      fc.property(data, (bytes) => {
        const { run, memory } = load([program]);
        const value = new Uint8Array(memory, VALUE_AT, VALUE);
        value.set(bytes);
        run(0);
        expect([...value]).toEqual([...interpreted(program, bytes)]);
      }),
      { numRuns: 200 },
    );
  });
});

describe("calls", () => {
  test("results are extended as their types say, and words are read where they lie", () => {
    const keep = (index: number): Instruction => stx(8, r9, 8 * index, r0);
    const program = [
      loadMapValue(r9, 0, 0),
      callHelper("get_prandom_u32"),
      keep(0),
      alu64.mov(r1, 3),
      alu64.mov(r2, 4),
      callHelper("map_delete_elem"),
      keep(1),
      callHelper("ktime_get_ns"),
      keep(2),
      callHelper("get_current_pid_tgid"),
      keep(3),
      callKfunc("bpf_session_is_return"),
      keep(4),
      callKfunc("bpf_session_cookie"),
      keep(5),
      alu64.mov(r1, 8),
      callHelper("ringbuf_submit"),
      keep(6),
      jump.exit(),
    ];
    const asked: number[][] = [];
    const loaded = load([program], {
      get_prandom_u32: () => 0xffff_fff0,
      map_delete_elem: (...args) => {
        asked.push(args);
        return -2;
      },
      ktime_get_ns: () => {
        new BigUint64Array(loaded.memory, WIDE_AT)[0] = 0x1234_5678_9abc_def0n;
        return undefined;
      },
      ringbuf_submit: (...args) => {
        asked.push(args);
        return undefined;
      },
    });
    new BigUint64Array(loaded.memory, WIDE_AT)[1] = 0x0000_0007_8000_0009n;
    loaded.run(0);
    expect([...new BigUint64Array(loaded.memory, VALUE_AT, 7)]).toEqual([
      0xffff_fff0n,
      U64 - 2n,
      0x1234_5678_9abc_def0n,
      0x0000_0007_8000_0009n,
      0x8000_0009n,
      BigInt(WIDE_AT + 16),
      0n,
    ]);
    expect(asked).toEqual([[3, 4], [8]]);
  });

  test.each([
    [0x7fff_ffff_f000n, 0x7fff_ffff_f000],
    [0n, 0],
    [2n ** 53n - 1n, 2 ** 53 - 1],
    [2n ** 53n + 1n, 2 ** 53],
    [0xffff_8000_0000_0000n, 0xffff_8000_0000_0000],
    [U64 - 1n, 2 ** 64],
  ])("an address of the target is exact, or no less than 2^53: %i", (address, number) => {
    const seen: number[] = [];
    const program = [alu64.mov(r1, -1), alu64.mov(r2, 16), loadImm64(r3, address), callHelper("probe_read_user"), jump.exit()];
    load([program], {
      probe_read_user: (...args) => {
        seen.push(...args);
        return 0;
      },
    }).run(0);
    expect(seen).toEqual([-1, 16, number]);
  });

  test("a map is handed on by its handle", () => {
    const seen: number[] = [];
    const program = [loadMap(r1, 5), alu64.mov(r2, r10), callHelper("map_delete_elem"), jump.exit()];
    load([program], {
      map_delete_elem: (...args) => {
        seen.push(...args);
        return 0;
      },
    }).run(0);
    expect(seen).toEqual([5, STACK_AT + 512]);
  });

  test("what nobody provides is a bug that names it", () => {
    expect(() => load([[callHelper("get_current_task"), jump.exit()]])).toThrow("get_current_task");
    expect(() => load([[callKfunc("bpf_dynptr_read"), jump.exit()]])).toThrow("bpf_dynptr_read");
  });
});

describe("programs", () => {
  test("are given their context, and give the low 32 bits of r0", () => {
    const program = [ldx(8, r0, r1, 8), jump.exit()];
    const { run, memory } = load([[alu64.mov(r0, 1), jump.exit()], program]);
    new BigUint64Array(memory, 512)[1] = 0x1_8000_0003n;
    expect(run(1, 512)).toBe(0x8000_0003 | 0);
    expect(run(0)).toBe(1);
  });

  test("of one module call their own functions", () => {
    const of = (n: number): Instruction[] => [callLocal(2), jump.exit(), alu64.mov(r0, n), jump.exit()];
    const { run } = load([of(1), of(2), of(3)]);
    expect([run(0), run(1), run(2)]).toEqual([1, 2, 3]);
  });

  test.each([
    ["behind the memory's end", [loadImm64(r2, 65_536n), stx(8, r2, -7, r1)]],
    ["below its start", [alu64.mov(r2, 0), stx(8, r2, -8, r1)]],
  ])("an access %s is a trap, and nothing is written", (_, access) => {
    expect(() => load([[...access, alu64.mov(r0, 0), jump.exit()]]).run(0)).toThrow(WebAssembly.RuntimeError);
  });

  test("that call deeper than there are frames are refused", () => {
    const deep = (levels: number): Instruction[] =>
      Array.from({ length: levels }, (_, i) => (i + 1 < levels ? [callLocal(2 * i + 2), jump.exit()] : [alu64.mov(r0, 42), jump.exit()])).flat();
    expect(load([deep(8)]).run(0)).toBe(42);
    expect(() => load([deep(9)])).toThrow("more than 8 deep");
    expect(() => load([[callLocal(0), jump.exit()]])).toThrow("more than 8 deep");
  });

  test("with the address of a function aren't translated", () => {
    expect(() => load([[loadFunction(r1, 0), jump.exit()]])).toThrow("kind 4");
  });
});
