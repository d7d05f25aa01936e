import { expect, test } from "vitest";
import type { CPlace } from "../schema/ctypes.ts";
import type { AbiLeaf, AbiType } from "./abi.ts";
import { rustPlaces } from "./abi-rust.ts";

const leaf = (kind: AbiLeaf["kind"], offset: number, size: number): AbiLeaf => ({ kind, offset, size });
const of = (size: number, ...leaves: readonly AbiLeaf[]): AbiType => ({ size, align: 8, aggregate: leaves.length !== 1, leaves });
const nothing = of(0);
const word = of(8, leaf("integer", 0, 8));
const slice = of(16, leaf("integer", 0, 8), leaf("integer", 8, 8));
const triple = of(12, leaf("integer", 0, 4), leaf("integer", 4, 4), leaf("integer", 8, 4));

function show(place: CPlace): string {
  if (place.k === "registers") return place.parts.map((part) => `${part.register}@${part.offset}`).join("+");
  if (place.k !== "memory") return place.k;
  return place.address.map((step) => (step.op === "register" ? `[${step.register}+${step.plus}]` : step.op)).join(" ");
}
const places = (...types: readonly AbiType[]): string[] => rustPlaces(types, nothing, 95).params.map(show);

test("two scalars are passed one after the other, in registers of their kinds", () => {
  expect(places(slice, of(16, leaf("float", 0, 8), leaf("integer", 8, 4)), of(4, leaf("integer", 0, 1), leaf("integer", 2, 2)))).toEqual([
    "rdi@0+rsi@8",
    "xmm0@0+rdx@8",
    "rcx@0+r8@2",
  ]);
});

test("up to eight bytes of another form are an integer; larger ones are passed by their address", () => {
  expect(places(of(3, leaf("integer", 0, 1), leaf("integer", 1, 1), leaf("integer", 2, 1)), triple, word)).toEqual(["rdi@0", "[rsi+0]", "rdx@0"]);
  expect(places({ ...of(4), leaves: undefined }, { ...of(400), leaves: undefined })).toEqual(["rdi@0", "[rsi+0]"]);
});

test("variants that have the same scalars at the same offsets are a tag and these; others are memory", () => {
  expect(places(of(8, leaf("integer", 0, 4), leaf("integer", 4, 4), leaf("integer", 4, 4)))).toEqual(["rdi@0+rsi@4"]);
  expect(places(of(16, leaf("integer", 0, 8), leaf("integer", 8, 8), leaf("float", 8, 8)))).toEqual(["[rdi+0]"]);
});

test("a pair on the stack is one where its halves lie as in memory; one that is in two kinds of places is nowhere", () => {
  const five = Array.from({ length: 5 }, () => word);
  expect(places(...five, slice, slice).slice(5)).toEqual(["none", "[rsp+16]"]);
  expect(places(...five, word, triple).slice(6)).toEqual(["[rsp+8] read"]);
});

test("a result of 9 to 16 bytes that isn't two scalars is in memory, where the version is one that was seen to do so", () => {
  const memory = rustPlaces([word], triple, 95);
  expect([show(memory.ret), show(memory.params[0]!)]).toEqual(["[rax+0]", "rsi@0"]);
  const unclear = rustPlaces([word], triple, 80);
  expect([unclear.ret.k, unclear.params[0]!.k]).toEqual(["none", "none"]);
  expect(show(rustPlaces([], of(16, leaf("integer", 0, 8), leaf("float", 8, 8)), undefined).ret)).toBe("rax@0+xmm0@8");
});
