/** Where the verifier is: what is known there, where paths meet, and what was read behind that place. */
import { covers, type Value } from "./values.ts";

export const FRAME = 512;
export const SLOTS = FRAME / 8;
export const REGISTERS = 11;

export const bitOf = (index: number): bigint => 1n << BigInt(index);

/** Registers, then the frame's words, lowest first. Words that hold nothing known are undefined, registers without a value too. */
export class State {
  readonly values: (Value | undefined)[];
  /** Reserved records that have to be given back. */
  readonly open: Set<number>;

  constructor(values: (Value | undefined)[], open: Set<number>) {
    this.values = values;
    this.open = open;
  }
  copy(): State {
    return new State(this.values.slice(), new Set(this.open));
  }
}

/** A place on a path where others meet it. */
export class Crossing {
  readonly state: State;
  readonly parent: Crossing | undefined;
  /** What was written between the parent and here. */
  readonly written: bigint;
  /** What was read from here on, before it was written. */
  reads = 0n;
  pending = 1;
  done = false;

  constructor(state: State, parent: Crossing | undefined, written: bigint) {
    this.state = state;
    this.parent = parent;
    this.written = written;
  }
}

export interface Path {
  at: number;
  state: State;
  crossing: Crossing;
  written: bigint;
}

export function coversAll(crossing: Crossing, now: State): boolean {
  if (crossing.state.open.size !== now.open.size) return false;
  const ids = new Map<number, number>();
  const { reads, state } = crossing;
  for (let i = 0; i < REGISTERS + SLOTS; i++) {
    if ((reads & bitOf(i)) === 0n) continue;
    const old = state.values[i];
    if (i < REGISTERS && old === undefined) return false;
    if (!covers(old, now.values[i], ids)) return false;
  }
  return true;
}
