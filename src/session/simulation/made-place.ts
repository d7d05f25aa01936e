/** Puts a made-up value where debug information or declarations say that handlers find it. */
import type { CPlace, PlaceRegister } from "../../schema/ctypes.ts";
import { type MadeMemory, wrongValue } from "./made-memory.ts";

/** What of a hit values are put into. */
export interface Into {
  readonly memory: MadeMemory;
  /** The lowest bytes of a register. */
  register(name: PlaceRegister, bytes: Uint8Array): void;
  /** At so many bytes from rsp. */
  stack(offset: number, bytes: Uint8Array): void;
}

/** `where` names the value in messages ("args.node"). */
export function putAt(place: CPlace, bytes: Uint8Array, into: Into, where: string): void {
  if (place.k === "none") throw wrongValue(where, `is nowhere: ${place.why}`);
  if (place.k === "registers") for (const { register, offset, size } of place.parts) into.register(register, bytes.slice(offset, offset + size));
  else if (place.k === "pieces") for (const { offset, size, place: inner } of place.parts) putAt(inner, bytes.slice(offset, offset + size), into, where);
  else if (!putBySteps(place, bytes, into)) throw wrongValue(where, "can't be put where it would be: that is computed", "Give arg0, arg1 … or regs.");
}

/** False: the steps compute more than is understood here. */
function putBySteps(place: Extract<CPlace, { k: "memory" | "value" }>, bytes: Uint8Array, into: Into): boolean {
  const [base, ...steps] = place.k === "memory" ? place.address : place.steps;
  if (base?.op !== "register") return false;
  const { register, plus } = base;
  const [step] = steps;
  if (place.k === "value") {
    if (plus !== 0n || step !== undefined) return false;
    into.register(register, bytes);
  } else if (step === undefined) {
    if (register === "rsp") into.stack(Number(plus), bytes);
    else into.register(register, word(into.memory.place(bytes) - plus));
  } else {
    // What is passed by its address, and that on the stack.
    if (steps.length > 1 || step.op !== "read" || register !== "rsp") return false;
    into.stack(Number(plus), word(into.memory.place(bytes)));
  }
  return true;
}

export function word(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}
