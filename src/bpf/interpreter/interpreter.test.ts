import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as alu32 from "../alu32.ts";
import * as alu64 from "../alu64.ts";
import * as atomic from "../atomic.ts";
import { callHelper, callKfunc, callLocal } from "../call.ts";
import { decode, encode } from "../encode.ts";
import type { Instruction } from "../instruction.ts";
import * as jump from "../jump.ts";
import { loadFunction, loadImm64, loadMap, loadMapValue } from "../load-imm.ts";
import { ldsx, ldx, st, stx, type Width } from "../memory.ts";
import { type Operand, type Reg, r0, r1, r2, r3, r4, r6, r7, r8, r10 } from "../register.ts";
import { type Environment, UserPieces } from "./environment.ts";
import { Interpreter, type RunOptions } from "./interpreter.ts";
import type { MapShape } from "./maps.ts";

const U64 = 2n ** 64n;
const u64 = fc.oneof(
  fc.bigInt(0n, U64 - 1n),
  fc.bigInt(-300n, 300n).map((n) => BigInt.asUintN(64, n)),
  fc.constantFrom(2n ** 63n, 2n ** 63n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n),
);
const s = (n: bigint): bigint => BigInt.asIntN(64, n);
const s32 = (n: bigint): bigint => BigInt.asIntN(32, n);
const low = (n: bigint): bigint => BigInt.asUintN(32, n);

function environment(parts: Partial<Environment> = {}): Environment {
  return {
    time: () => 123n,
    pid: 10,
    tid: 11,
    uid: 1000,
    gid: 100,
    comm: "a-very-long-name-of-a-thread",
    cpu: 0,
    cgroups: [1n, 77n],
    user: new UserPieces([]),
    cookie: 5n,
    functionAddress: 0x401000n,
    sleepable: false,
    random: () => 4,
    signal: () => {},
    ...parts,
  };
}
const hash: MapShape = { name: "h", type: "hash", keySize: 8, valueSize: 8, maxEntries: 2 };
const array: MapShape = { name: "a", type: "array", keySize: 4, valueSize: 16, maxEntries: 3 };
const ring: MapShape = { name: "r", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 64 };

function run(
  program: readonly Instruction[],
  parts: { maps?: MapShape[]; env?: Partial<Environment>; ctx?: Uint8Array; options?: RunOptions; machine?: Interpreter } = {},
): bigint {
  const machine = parts.machine ?? new Interpreter(parts.maps ?? [], 2);
  return machine.run(program, parts.ctx ?? new Uint8Array(168), environment(parts.env), parts.options);
}

describe("arithmetic equals its formula for", () => {
  type Build = (dst: Reg, src: Operand) => Instruction;
  const wide: readonly (readonly [string, Build, (a: bigint, b: bigint) => bigint])[] = [
    ["add", alu64.add, (a, b) => a + b],
    ["sub", alu64.sub, (a, b) => a - b],
    ["mul", alu64.mul, (a, b) => a * b],
    ["div", alu64.div, (a, b) => (b === 0n ? 0n : a / b)],
    ["mod", alu64.mod, (a, b) => (b === 0n ? a : a % b)],
    ["sdiv", alu64.sdiv, (a, b) => (b === 0n ? 0n : s(a) / s(b))],
    ["smod", alu64.smod, (a, b) => (b === 0n ? a : s(a) % s(b))],
    ["or", alu64.or, (a, b) => a | b],
    ["and", alu64.and, (a, b) => a & b],
    ["xor", alu64.xor, (a, b) => a ^ b],
    ["lsh", alu64.lsh, (a, b) => a << (b % 64n)],
    ["rsh", alu64.rsh, (a, b) => a >> (b % 64n)],
    ["arsh", alu64.arsh, (a, b) => s(a) >> (b % 64n)],
    ["mov", alu64.mov, (_, b) => b],
    ["movsx 8", (d, x) => alu64.movsx(d, x as Reg, 8), (_, b) => BigInt.asIntN(8, b)],
    ["movsx 32", (d, x) => alu64.movsx(d, x as Reg, 32), (_, b) => s32(b)],
    ["add32", alu32.add32, (a, b) => low(a + b)],
    ["sub32", alu32.sub32, (a, b) => low(a - b)],
    ["mul32", alu32.mul32, (a, b) => low(a * b)],
    ["div32", alu32.div32, (a, b) => (low(b) === 0n ? 0n : low(a) / low(b))],
    ["mod32", alu32.mod32, (a, b) => (low(b) === 0n ? low(a) : low(a) % low(b))],
    ["sdiv32", alu32.sdiv32, (a, b) => low(low(b) === 0n ? 0n : s32(a) / s32(b))],
    ["smod32", alu32.smod32, (a, b) => low(low(b) === 0n ? a : s32(a) % s32(b))],
    ["or32", alu32.or32, (a, b) => low(a | b)],
    ["and32", alu32.and32, (a, b) => low(a & b)],
    ["xor32", alu32.xor32, (a, b) => low(a ^ b)],
    ["lsh32", alu32.lsh32, (a, b) => low(a << (b % 32n))],
    ["rsh32", alu32.rsh32, (a, b) => low(a) >> (b % 32n)],
    ["arsh32", alu32.arsh32, (a, b) => low(s32(a) >> (b % 32n))],
    ["mov32", alu32.mov32, (_, b) => low(b)],
    ["movsx32 16", (d, x) => alu32.movsx32(d, x as Reg, 16), (_, b) => low(BigInt.asIntN(16, b))],
    ["neg", (d) => alu64.neg(d), (a) => -a],
    ["neg32", (d) => alu32.neg32(d), (a) => low(-a)],
    ["bswap 16", (d) => alu64.bswap(d, 16), (a) => ((a & 0xffn) << 8n) | ((a >> 8n) & 0xffn)],
    ["be 16", (d) => alu64.toBigEndian(d, 16), (a) => ((a & 0xffn) << 8n) | ((a >> 8n) & 0xffn)],
    ["le 32", (d) => alu64.toLittleEndian(d, 32), (a) => low(a)],
  ];
  test.each(wide)("%s", (_, build, formula) => {
    fc.assert(
      fc.property(u64, u64, (a, b) => {
        expect(run([loadImm64(r6, a), loadImm64(r7, b), build(r6, r7), alu64.mov(r0, r6), jump.exit()])).toBe(BigInt.asUintN(64, formula(a, b)));
      }),
      { numRuns: 60 },
    );
  });
  test("immediates, which are sign-extended", () => {
    expect(run([loadImm64(r0, 5n), alu64.and(r0, -2), jump.exit()])).toBe(4n);
    expect(run([alu64.mov(r0, -1), jump.exit()])).toBe(U64 - 1n);
    expect(run([alu32.mov32(r0, -1), jump.exit()])).toBe(2n ** 32n - 1n);
  });
});

test("jumps compare as numbers of their width and sign", () => {
  const table: readonly (readonly [typeof jump.jeq, (a: bigint, b: bigint) => boolean])[] = [
    [jump.jeq, (a, b) => a === b],
    [jump.jne, (a, b) => a !== b],
    [jump.jgt, (a, b) => a > b],
    [jump.jge, (a, b) => a >= b],
    [jump.jlt, (a, b) => a < b],
    [jump.jle, (a, b) => a <= b],
    [jump.jsgt, (a, b) => s(a) > s(b)],
    [jump.jsge, (a, b) => s(a) >= s(b)],
    [jump.jslt, (a, b) => s(a) < s(b)],
    [jump.jsle, (a, b) => s(a) <= s(b)],
    [jump.jset, (a, b) => (a & b) !== 0n],
    [jump.jeq32, (a, b) => low(a) === low(b)],
    [jump.jgt32, (a, b) => low(a) > low(b)],
    [jump.jslt32, (a, b) => s32(a) < s32(b)],
    [jump.jset32, (a, b) => (low(a) & low(b)) !== 0n],
  ];
  fc.assert(
    fc.property(u64, u64, fc.constantFrom(...table), (a, b, [build, holds]) => {
      const program = [loadImm64(r1, a), loadImm64(r2, b), alu64.mov(r0, 1), build(r1, r2, 5), alu64.mov(r0, 0), jump.exit()];
      expect(run(program)).toBe(holds(a, b) ? 1n : 0n);
    }),
    { numRuns: 500 },
  );
});

test("a program means the same after encoding and decoding", () => {
  const program = [alu64.mov(r0, 0), loadImm64(r1, 10n), alu64.add(r0, r1), alu64.sub(r1, 1), jump.jne(r1, 0, 2), jump.exit()];
  const there = decode(encode(program, { map: () => 0, kfunc: () => ({ id: 0, offset: 0 }) }));
  expect(run(program)).toBe(55n);
  expect(run(there)).toBe(55n);
});

describe("memory", () => {
  test.each<[Width, bigint, bigint]>([
    [1, 0xf8n, -8n],
    [2, 0xf7f8n, -2056n],
    [4, 0xf5f6f7f8n, -168364040n],
  ])("of %i bytes is widened with zeros or the sign", (width, zero, sign) => {
    const store = [loadImm64(r1, 0xf1f2f3f4f5f6f7f8n), stx(8, r10, -8, r1)];
    expect(run([...store, ldx(width, r0, r10, -8), jump.exit()])).toBe(zero);
    expect(run([...store, ldsx(width as 1 | 2 | 4, r0, r10, -8), jump.exit()])).toBe(BigInt.asUintN(64, sign));
  });
  test("stores the low bytes only", () => {
    expect(run([st(8, r10, -8, -1), st(2, r10, -6, 0x1234), ldx(8, r0, r10, -8), jump.exit()])).toBe(0xffffffff1234ffffn);
  });
  test.each<[string, Instruction[], RegExp]>([
    ["below the stack", [ldx(8, r0, r10, -520)], /outside of the stack/],
    ["above the stack", [ldx(8, r0, r10, 0)], /outside of the stack/],
    ["behind the context", [ldx(8, r0, r1, 168)], /outside of the context/],
    ["into the context", [alu64.mov(r0, 0), stx(8, r1, 0, r0)], /read-only/],
    ["not aligned", [stx(8, r10, -12, r1)], /multiple of 8/],
    ["of a register that holds nothing", [alu64.mov(r0, r6)], /r6 is read but holds nothing/],
    ["of an argument lost by a call", [callHelper("ktime_get_ns"), alu64.mov(r0, r1)], /r1 is read/],
    ["through a number", [alu64.mov(r1, 8), ldx(8, r0, r1, 0)], /isn't in any memory/],
  ])("faults %s", (_, program, message) => {
    expect(() => run([...program, alu64.mov(r0, 0), jump.exit()])).toThrow(message);
  });
  test("an endless loop runs out of its budget", () => {
    expect(() => run([jump.goto(0)], { options: { budget: 1000 } })).toThrow(/too long/);
  });
});

describe("atomics", () => {
  const after = (operations: Instruction[]): [memory: bigint, result: bigint] => {
    const machine = new Interpreter([array], 1);
    const result = run(
      [
        loadMapValue(r1, 0, 8),
        loadImm64(r2, 0xffffffff00000010n),
        stx(8, r1, 0, r2),
        loadImm64(r3, 0x12345678ffffffffn),
        alu64.mov(r0, 0x10),
        ...operations,
        jump.exit(),
      ],
      { machine },
    );
    return [new DataView(machine.keyed(0).entries()[0]!.values[0]!.buffer).getBigUint64(8, true), result];
  };
  test.each<[string, Instruction[], bigint, bigint]>([
    ["add", [atomic.atomicAdd(8, r1, 0, r3)], 0x123456780000000fn, 0x10n],
    ["add of 4 bytes leaves the others", [atomic.atomicAdd(4, r1, 0, r3)], 0xffffffff0000000fn, 0x10n],
    ["or", [atomic.atomicOr(8, r1, 0, r3)], 0xffffffffffffffffn, 0x10n],
    ["and", [atomic.atomicAnd(8, r1, 0, r3)], 0x1234567800000010n, 0x10n],
    ["xor", [atomic.atomicXor(8, r1, 0, r3)], 0xedcba987ffffffefn, 0x10n],
    ["fetch and add", [atomic.fetchAdd(8, r1, 0, r3), alu64.mov(r0, r3)], 0x123456780000000fn, 0xffffffff00000010n],
    ["fetch and add of 4 bytes zeroes the register's high half", [atomic.fetchAdd(4, r1, 0, r3), alu64.mov(r0, r3)], 0xffffffff0000000fn, 0x10n],
    ["exchange", [atomic.xchg(8, r1, 0, r3), alu64.mov(r0, r3)], 0x12345678ffffffffn, 0xffffffff00000010n],
    ["compare and exchange that differs", [atomic.cmpxchg(8, r1, 0, r3)], 0xffffffff00000010n, 0xffffffff00000010n],
    ["compare and exchange of 4 bytes that equals", [atomic.cmpxchg(4, r1, 0, r3)], 0xffffffffffffffffn, 0x10n],
  ])("%s", (_, program, memory, result) => {
    expect(after(program)).toEqual([memory, result]);
  });
});

describe("calls", () => {
  test("local functions have a stack of their own and keep r6 to r9", () => {
    expect(
      run([
        alu64.mov(r6, 4),
        alu64.mov(r1, 5),
        callLocal(5),
        alu64.add(r0, r6),
        jump.exit(),
        alu64.mov(r6, r1),
        st(8, r10, -8, 1),
        alu64.mov(r0, r6),
        jump.exit(),
      ]),
    ).toBe(9n);
  });
  test("loop calls back until it is told to stop", () => {
    const sum = [
      st(8, r10, -8, 0),
      alu64.mov(r1, 10),
      loadFunction(r2, 8),
      alu64.mov(r3, r10),
      alu64.add(r3, -8),
      alu64.mov(r4, 0),
      callHelper("loop"),
      jump.goto(13),
      ldx(8, r6, r2, 0),
      alu64.add(r6, r1),
      stx(8, r2, 0, r6),
      alu64.mov(r0, 0),
      jump.exit(),
      ldx(8, r0, r10, -8),
      jump.exit(),
    ];
    expect(run(sum)).toBe(45n);
  });
  test("a numeric iterator gives each number once", () => {
    const at = (): Instruction[] => [alu64.mov(r1, r10), alu64.add(r1, -8)];
    const program = [
      alu64.mov(r8, 0),
      ...at(),
      alu64.mov(r2, 2),
      alu64.mov(r3, 6),
      callKfunc("bpf_iter_num_new"),
      ...at(),
      callKfunc("bpf_iter_num_next"),
      jump.jeq(r0, 0, 13),
      ldx(4, r1, r0, 0),
      alu64.add(r8, r1),
      jump.goto(6),
      ...at(),
      callKfunc("bpf_iter_num_destroy"),
      alu64.mov(r0, r8),
      jump.exit(),
    ];
    expect(run(program)).toBe(2n + 3n + 4n + 5n);
  });
  test("who and where: pid, user, name, cgroup, cookie", () => {
    expect(run([callHelper("get_current_pid_tgid"), jump.exit()])).toBe((10n << 32n) | 11n);
    expect(run([callHelper("get_current_uid_gid"), jump.exit()])).toBe((100n << 32n) | 1000n);
    expect(run([callHelper("get_current_cgroup_id"), jump.exit()])).toBe(77n);
    expect(run([alu64.mov(r1, 0), callHelper("get_current_ancestor_cgroup_id"), jump.exit()])).toBe(1n);
    expect(run([callHelper("get_attach_cookie"), jump.exit()])).toBe(5n);
    const comm = [alu64.mov(r1, r10), alu64.add(r1, -16), alu64.mov(r2, 16), callHelper("get_current_comm"), ldx(8, r0, r10, -8), jump.exit()];
    expect(run(comm)).toBe(Buffer.from("ong-nam\0").readBigUInt64LE());
  });
  test("of a kernel function's result only the bits of its type mean something", () => {
    const program = [callKfunc("bpf_session_is_return"), jump.exit()];
    const session = { isReturn: true, cookie: new Uint8Array(8) };
    const r0 = run(program, { env: { session } });
    expect([r0 & 0xffn, r0 > 0xffn]).toEqual([1n, true]);
  });
  test("a session keeps its cookie from the entry to the return", () => {
    const machine = new Interpreter([], 1);
    const cookie = new Uint8Array(8);
    const program = [
      callKfunc("bpf_session_cookie"),
      alu64.mov(r6, r0),
      callKfunc("bpf_session_is_return"),
      alu64.and(r0, 0xff),
      jump.jne(r0, 0, 7),
      st(8, r6, 0, 42),
      jump.exit(),
      ldx(8, r0, r6, 0),
      jump.exit(),
    ];
    expect(run(program, { machine, env: { session: { isReturn: false, cookie } } })).toBe(0n);
    expect(run(program, { machine, env: { session: { isReturn: true, cookie } } })).toBe(42n);
  });
});

describe("reads of the target", () => {
  const text = Buffer.from("hello\0world, this goes on and on\0");
  const user = new UserPieces([{ address: 0x1000n, bytes: text }]);
  const read = (helper: Instruction, size: number, address: number, at: number): Instruction[] => [
    st(8, r10, -16, -1),
    st(8, r10, -8, -1),
    alu64.mov(r1, r10),
    alu64.add(r1, -16),
    alu64.mov(r2, size),
    alu64.mov(r3, address),
    alu64.mov(r4, 0),
    helper,
    ...(at === 0 ? [] : [ldx(8, r0, r10, at)]),
    jump.exit(),
  ];
  const str = callHelper("probe_read_user_str");
  test("copy all or nothing, and clear on failure", () => {
    expect(run(read(callHelper("probe_read_user"), 5, 0x1000, -16), { env: { user } })).toBe(Buffer.from("hello\xff\xff\xff", "latin1").readBigUInt64LE());
    expect(run(read(callHelper("probe_read_user"), 16, 0x1000 + text.length - 8, -16), { env: { user } })).toBe(0n);
    expect(run(read(callHelper("probe_read_user"), 16, 0x1000 + text.length - 8, 0), { env: { user } })).toBe(BigInt.asUintN(64, -14n));
  });
  test("texts end at their NUL, or are cut with one", () => {
    expect(run(read(str, 16, 0x1000, 0), { env: { user } })).toBe(6n);
    expect(run(read(str, 16, 0x1000, -16), { env: { user } })).toBe(Buffer.from("hello\0\0\0").readBigUInt64LE());
    expect(run(read(str, 16, 0x1006, 0), { env: { user } })).toBe(16n);
    expect(run(read(str, 16, 0x1006, -8), { env: { user } })).toBe(Buffer.from("his goe\0").readBigUInt64LE());
    expect(run(read(str, 16, 0x9000, 0), { env: { user } })).toBe(BigInt.asUintN(64, -14n));
  });
  test("only sleepable programs fault pages in", () => {
    const program = read(callKfunc("bpf_copy_from_user_str"), 16, 0x1000, 0);
    expect(BigInt.asIntN(32, run(program, { env: { user, sleepable: true } }))).toBe(6n);
    expect(() => run(program, { env: { user } })).toThrow(/sleepable/);
  });
});

describe("maps", () => {
  const key = (n: number): Instruction[] => [st(8, r10, -8, n), alu64.mov(r2, r10), alu64.add(r2, -8)];
  const update = (n: number, value: number, flags = 0): Instruction[] => [
    loadMap(r1, 0),
    ...key(n),
    st(8, r10, -16, value),
    alu64.mov(r3, r10),
    alu64.add(r3, -16),
    alu64.mov(r4, flags),
    callHelper("map_update_elem"),
    jump.exit(),
  ];
  const lookup = (n: number): Instruction[] => {
    const head = [loadMap(r1, 0), ...key(n), callHelper("map_lookup_elem")];
    return [...head, jump.jeq(r0, 0, head.length + 2), ldx(8, r0, r0, 0), jump.exit()];
  };
  test("a full hash refuses a new key and keeps the old", () => {
    const machine = new Interpreter([hash], 1);
    expect([1, 2, 3].map((n) => BigInt.asIntN(64, run(update(n, n * 10), { machine })))).toEqual([0n, 0n, -7n]);
    expect([1, 2, 3].map((n) => run(lookup(n), { machine }))).toEqual([10n, 20n, 0n]);
  });
  test("flags say whether the key must be new or there", () => {
    const machine = new Interpreter([hash], 1);
    expect(BigInt.asIntN(64, run(update(1, 1, 2), { machine }))).toBe(-2n);
    expect(run(update(1, 1, 1), { machine })).toBe(0n);
    expect(BigInt.asIntN(64, run(update(1, 2, 1), { machine }))).toBe(-17n);
  });
  test("an evicting hash loses the key that wasn't used for longest", () => {
    const machine = new Interpreter([{ ...hash, type: "lru_hash" }], 1);
    for (const program of [update(1, 10), update(2, 20), lookup(1), update(3, 30)]) run(program, { machine });
    expect([1, 2, 3].map((n) => run(lookup(n), { machine }))).toEqual([10n, 0n, 30n]);
  });
  test("per-CPU values are apart", () => {
    const machine = new Interpreter([{ ...hash, type: "percpu_hash" }], 2);
    run(update(1, 10), { machine, env: { cpu: 0 } });
    expect(run(lookup(1), { machine, env: { cpu: 1 } })).toBe(0n);
    run(update(1, 20), { machine, env: { cpu: 1 } });
    expect(
      machine
        .keyed(0)
        .entries()[0]!
        .values.map((value) => value[0]),
    ).toEqual([10, 20]);
  });
  test("array values begin as their initial bytes and are found by address", () => {
    expect(run([loadMapValue(r1, 0, 2), ldx(1, r0, r1, 0), jump.exit()], { maps: [{ ...array, initial: Uint8Array.of(7, 8, 9) }] })).toBe(9n);
  });
});

describe("the ring buffer", () => {
  const reserve = (size: number): Instruction[] => [loadMap(r1, 0), alu64.mov(r2, size), alu64.mov(r3, 0), callHelper("ringbuf_reserve"), alu64.mov(r6, r0)];
  const finish = (how: "ringbuf_submit" | "ringbuf_discard"): Instruction[] => [alu64.mov(r1, r6), alu64.mov(r2, 0), callHelper(how), alu64.mov(r0, 0)];
  test("gives what was submitted, not what was discarded", () => {
    const machine = new Interpreter([ring], 1);
    const record = (how: "ringbuf_submit" | "ringbuf_discard", value: number): Instruction[] => {
      const head = reserve(8);
      return [...head, jump.jeq(r0, 0, head.length + 6), st(8, r6, 0, value), ...finish(how), jump.exit()];
    };
    run(record("ringbuf_submit", 1), { machine });
    run(record("ringbuf_discard", 2), { machine });
    run(record("ringbuf_submit", 3), { machine });
    expect(
      machine
        .ring(0)
        .take()
        .map((bytes) => bytes[0]),
    ).toEqual([1, 3]);
  });
  test("refuses what doesn't fit until the host has taken something", () => {
    const machine = new Interpreter([ring], 1);
    const put = [
      st(8, r10, -8, 1),
      loadMap(r1, 0),
      alu64.mov(r2, r10),
      alu64.add(r2, -8),
      alu64.mov(r3, 8),
      alu64.mov(r4, 0),
      callHelper("ringbuf_output"),
      jump.exit(),
    ];
    expect([1, 2, 3, 4, 5].map(() => BigInt.asIntN(64, run(put, { machine })))).toEqual([0n, 0n, 0n, 0n, -28n]);
    machine.ring(0).take();
    expect(run(put, { machine })).toBe(0n);
  });
  test("faults on use after submission and on a record that is never finished", () => {
    expect(() => run([...reserve(8), ...finish("ringbuf_submit"), st(8, r6, 0, 1), jump.exit()], { maps: [ring] })).toThrow(/isn't in any memory/);
    expect(() => run([...reserve(8), jump.exit()], { maps: [ring] })).toThrow(/neither submitted nor discarded/);
  });
});
