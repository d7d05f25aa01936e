/** What a helper or kernel function sees of the running program: its memory, its maps, its surroundings, and a way to call it back. */
import { SondeBug } from "../../errors/error.ts";
import { s64, u32 } from "./arithmetic.ts";
import type { Environment } from "./environment.ts";
import type { KeyedMap, MapModel } from "./maps.ts";
import type { Memory } from "./memory.ts";
import { RingBuffer } from "./ring.ts";

export interface Machine {
  readonly memory: Memory;
  readonly environment: Environment;
  /** By index in the image. */
  readonly maps: readonly MapModel[];
  /** Runs a local function whose address LD_IMM64 gave; the result is its r0. */
  callback(address: bigint, args: readonly bigint[]): bigint;
}

/** r1 to r5 as a call left them. Reading one that holds nothing is a bug of the program. */
export interface Arguments {
  get(index: 1 | 2 | 3 | 4 | 5): bigint;
}

/** Results are unsigned 64-bit; `undefined` where the function is void. */
export type Implementation = (machine: Machine, args: Arguments) => bigint | undefined;

// Addresses that no memory has: maps and functions are known by them and can't be read.
const MAP_BASE = 0xffff8880_00000000n;
const FUNCTION_BASE = 0xffffffff_a0000000n;

export const mapAddress = (index: number): bigint => MAP_BASE + BigInt(index) * 0x1000n;
export const functionAddress = (index: number): bigint => FUNCTION_BASE + BigInt(index) * 8n;
export function functionAt(address: bigint): number {
  const offset = address - FUNCTION_BASE;
  if (offset < 0n || offset % 8n !== 0n || offset > 0x8000_0000n) throw new SondeBug(`0x${address.toString(16)} isn't a function of the program`);
  return Number(offset / 8n);
}

function mapAt(machine: Machine, address: bigint): MapModel {
  const model = machine.maps[Number((address - MAP_BASE) / 0x1000n)];
  if (model === undefined || (address - MAP_BASE) % 0x1000n !== 0n) throw new SondeBug(`0x${address.toString(16)} isn't a map`);
  return model;
}

export function keyedMap(machine: Machine, address: bigint): KeyedMap {
  const model = mapAt(machine, address);
  if (model instanceof RingBuffer) throw new SondeBug(`${model.name} is a ring buffer and has no keys`);
  return model;
}

export function ringBuffer(machine: Machine, address: bigint): RingBuffer {
  const model = mapAt(machine, address);
  if (!(model instanceof RingBuffer)) throw new SondeBug(`${model.shape.name} isn't a ring buffer`);
  return model;
}

/** Helpers give errors as negative numbers. */
export const failure = (errno: number): bigint => BigInt.asUintN(64, BigInt(-errno));
export const result = (n: number): bigint => BigInt.asUintN(64, BigInt(n));

/** A size argument: the verifier lets only non-negative ones through. */
export function sizeOf(value: bigint): number {
  if (s64(value) < 0n || value > 0x1fff_ffffn) throw new SondeBug(`a helper was given the size ${s64(value)}`);
  return Number(u32(value));
}
