import fc from "fast-check";
import { expect, test } from "vitest";
import type { CPlace } from "../schema/ctypes.ts";
import { type AbiLeaf, type AbiType, argumentsOf, classify, hiddenResult, resultPlace } from "./abi.ts";
import { goPlaces } from "./abi-go.ts";

const scalar = (kind: AbiLeaf["kind"], size: number): AbiType => ({ size, align: size, aggregate: false, leaves: [{ kind, offset: 0, size }] });
const int = scalar("integer", 4);
const long = scalar("integer", 8);
const double = scalar("float", 8);
const longDouble = scalar("x87", 16);
const struct = (size: number, ...leaves: readonly AbiLeaf[]): AbiType => ({
  size,
  align: Math.max(1, ...leaves.map((leaf) => (leaf.bits ? 4 : leaf.size))),
  aggregate: true,
  leaves,
});
const leaf = (kind: AbiLeaf["kind"], offset: number, size: number): AbiLeaf => ({ kind, offset, size });

/** "rdi", "rdx+xmm0" or "[rsp+8]". */
function show(place: CPlace): string {
  if (place.k === "registers") return place.parts.map((part) => part.register).join("+");
  if (place.k === "none") return place.why;
  if (place.k === "value" || place.k === "pieces") return place.k;
  return place.address.map((step) => (step.op === "register" ? `[${step.register}+${step.plus}]` : step.op)).join(" ");
}
const places = (types: readonly AbiType[], hidden = false): string[] => {
  const args = argumentsOf(hidden);
  return types.map((type) => show(args.next(type)));
};

test("the example of the psABI's figure 3.5 is passed as its figure 3.6 says", () => {
  const s = struct(16, leaf("integer", 0, 4), leaf("integer", 4, 4), leaf("float", 8, 8));
  const m256: AbiType = { size: 32, align: 32, aggregate: false, leaves: [leaf("vector", 0, 32)] };
  expect(places([int, int, s, int, int, longDouble, double, m256, double, int, int, int])).toEqual([
    ..."rdi rsi rdx+xmm0 rcx r8 [rsp+8] xmm1".split(" "),
    "vectors of more than 16 bytes can't be read",
    ..."xmm3 r9 [rsp+24] [rsp+32]".split(" "),
  ]);
});

test("a structure that doesn't fit into the registers that are left goes to the stack whole, and what follows takes them", () => {
  const pair = struct(16, leaf("integer", 0, 8), leaf("integer", 8, 8));
  expect(places([long, long, long, long, long, pair, long, long])).toEqual(["rdi", "rsi", "rdx", "rcx", "r8", "[rsp+8]", "r9", "[rsp+24]"]);
});

test("structures are in memory if they are larger than 16 bytes or a field isn't aligned, but not for a bit-field", () => {
  expect(classify(struct(24, leaf("integer", 0, 8), leaf("integer", 8, 8), leaf("integer", 16, 8)))).toBe("memory");
  expect(classify(struct(5, leaf("integer", 0, 1), leaf("integer", 1, 4)))).toBe("memory");
  expect(classify(struct(5, leaf("integer", 0, 1), { ...leaf("integer", 1, 4), bits: true }))).toEqual(["integer"]);
});

test("an eightbyte with an integer in it is an integer; two floats share a vector register", () => {
  expect(classify(struct(12, leaf("float", 0, 4), leaf("float", 4, 4), leaf("float", 8, 4)))).toEqual(["sse", "sse"]);
  expect(classify(struct(12, leaf("float", 0, 4), leaf("integer", 4, 4), leaf("float", 8, 4)))).toEqual(["integer", "sse"]);
});

test("a class that isn't trivial for calls is where its argument points", () => {
  expect(places([{ ...struct(8, leaf("integer", 0, 8)), byReference: true }, int])).toEqual(["[rdi+0]", "rsi"]);
  const many = Array.from({ length: 6 }, () => long);
  expect(places([...many, { ...struct(8, leaf("integer", 0, 8)), byReference: true }]).at(-1)).toBe("[rsp+8] read");
});

test("the result's address comes before the parameters, and comes back in rax", () => {
  const large = struct(24, leaf("integer", 0, 8), leaf("integer", 8, 8), leaf("integer", 16, 8));
  expect(hiddenResult(large)).toBe(true);
  expect(show(resultPlace(large))).toBe("[rax+0]");
  expect(places([int], true)).toEqual(["rsi"]);
  expect(show(resultPlace(struct(16, leaf("float", 0, 8), leaf("integer", 8, 4))))).toBe("xmm0+rax");
  expect(show(resultPlace(struct(16, leaf("integer", 0, 8), leaf("integer", 8, 8))))).toBe("rax+rdx");
  expect(resultPlace(longDouble).k).toBe("none");
});

test("an empty class takes no register; after what can't be known nothing is", () => {
  const empty: AbiType = { size: 1, align: 1, aggregate: true, leaves: [] };
  expect(places([empty, int])).toEqual(["", "rdi"]);
  const unclear: AbiType = { ...empty, unclear: "a type of another planet" };
  expect(places([int, unclear, int])).toEqual(["rdi", ...Array(2).fill("how a type of another planet is passed isn't known")]);
});

test("Go spreads what fits over its nine integer and fifteen float registers, and puts the rest on the stack whole", () => {
  const string = struct(16, leaf("integer", 0, 8), leaf("integer", 8, 8));
  const slice = struct(24, leaf("integer", 0, 8), leaf("integer", 8, 8), leaf("integer", 16, 8));
  const mixed = struct(24, leaf("integer", 0, 1), leaf("float", 8, 8), leaf("integer", 16, 8));
  const array: AbiType = { size: 16, align: 8, aggregate: true, leaves: undefined };
  const { params, results } = goPlaces([long, string, mixed, array, slice, string, int, double], [string, array, double]);
  expect(params.map(show)).toEqual(["rax", "rbx+rcx", "rdi+xmm0+rsi", "[rsp+8]", "r8+r9+r10", "[rsp+24]", "r11", "xmm1"]);
  expect(results.map(show)).toEqual(["rax+rbx", "[rsp+40]", "xmm0"]);
});

test("whatever types come, every register is given once, and no two arguments overlap on the stack", () => {
  const kinds = fc.constantFrom<AbiLeaf["kind"]>("integer", "float", "x87", "vector", "complex-x87");
  const leaves = fc.array(fc.record({ kind: kinds, offset: fc.nat(20), size: fc.constantFrom(1, 2, 4, 8, 16) }), { maxLength: 5 });
  const type = fc.record({ size: fc.nat(70), align: fc.constantFrom(1, 2, 4, 8, 16), aggregate: fc.boolean(), leaves });
  fc.assert(
    fc.property(fc.array(type, { maxLength: 20 }), fc.boolean(), (types, hidden) => {
      for (const convention of ["c", "go"]) {
        const args = argumentsOf(hidden);
        const all = convention === "c" ? types.map((one) => args.next(one)) : goPlaces(types, []).params;
        const registers = all.flatMap((place) => (place.k === "registers" ? place.parts.map((part) => part.register) : []));
        expect(new Set(registers).size).toBe(registers.length);
        let end = 8n;
        for (const [i, place] of all.entries()) {
          const [step] = place.k === "memory" ? place.address : [];
          if (step?.op !== "register") continue;
          expect(step.plus).toBeGreaterThanOrEqual(end);
          end = step.plus + BigInt(types[i]!.size);
        }
      }
    }),
    { seed: 4 },
  );
});
