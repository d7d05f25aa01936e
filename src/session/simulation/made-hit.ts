/** What a made-up hit says, as a program finds it: registers, memory, and who runs. */
import type { Environment } from "../../bpf/interpreter/environment.ts";
import { CONTEXT_BYTES, FAULT_ADDRESS, registerOffsets, SIGNAL, VECTORS } from "../../compiler/lower/registers.ts";
import { SIMULATED_CPUS } from "../../engines/simulated/simulated-engine.ts";
import { SondeError } from "../../errors/error.ts";
import { nearNames } from "../../errors/near-names.ts";
import { type CType, type RecordField, type Signature, sizeOf } from "../../schema/ctypes.ts";
import { integerOf, type MadeMemory, shown, wrongValue } from "./made-memory.ts";
import { type Into, putAt, word } from "./made-place.ts";
import { USDT_REGISTERS } from "./places.ts";

/** What a hit may be given; everything may be left out. */
export type MadeHit = { readonly [name: string]: unknown };

/** Who runs, and when. */
export interface Who extends Pick<Environment, "pid" | "tid" | "uid" | "gid" | "comm" | "cpu"> {
  readonly cgroup: bigint;
  readonly time: bigint;
}

export const NOBODY_YET: Who = { pid: 1000, tid: 1000, uid: 1000, gid: 1000, comm: "simulated", cpu: 0, cgroup: 1n, time: 1_000_000n };

const WHO = ["pid", "tid", "uid", "gid", "comm", "cpu", "cgroup", "time"] as const;
type PlainRegister = keyof typeof registerOffsets;
const isRegister = (name: string): name is PlainRegister => Object.hasOwn(registerOffsets, name);
const ARGUMENTS = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"] as const;

/** Refuses what a hit of this kind hasn't got. */
function refuseOthers(made: MadeHit, names: readonly string[], what: string): void {
  for (const name of Object.keys(made)) {
    if (names.includes(name)) continue;
    const near = nearNames(name, names);
    throw wrongValue(name, `isn't of ${what}`, near.length > 0 ? `Did you mean ${near.join(" or ")}?` : `It has ${names.join(", ")}.`);
  }
}

/** Who runs, from what a hit says and, where it doesn't, from `before`. */
export function whoOf(made: MadeHit, before: Who): Who {
  const number = (name: (typeof WHO)[number], least: number, most: number): number | undefined => {
    if (made[name] === undefined) return undefined;
    const value = Number(integerOf(made[name], name));
    if (!(value >= least && value <= most)) throw wrongValue(name, `is ${value}, and has to be from ${least} to ${most}`);
    return value;
  };
  const pid = number("pid", 0, 2 ** 32 - 1);
  const { comm } = made;
  if (comm !== undefined && typeof comm !== "string") throw wrongValue("comm", `is ${shown(comm)}, and has to be a text`);
  return {
    pid: pid ?? before.pid,
    tid: number("tid", 0, 2 ** 32 - 1) ?? pid ?? before.tid,
    uid: number("uid", 0, 2 ** 32 - 1) ?? before.uid,
    gid: number("gid", 0, 2 ** 32 - 1) ?? before.gid,
    comm: comm ?? before.comm,
    cpu: number("cpu", 0, SIMULATED_CPUS - 1) ?? before.cpu,
    cgroup: made.cgroup === undefined ? before.cgroup : integerOf(made.cgroup, "cgroup"),
    time: made.time === undefined ? before.time : integerOf(made.time, "time"),
  };
}

export function environmentOf(who: Who, user: MadeMemory, more: Pick<Environment, "cookie" | "sleepable"> & Pick<Environment, "session">): Environment {
  return { ...who, time: () => who.time, cgroups: [1n, who.cgroup], user, functionAddress: 0x40_1000n, random: () => 4, signal: () => {}, ...more };
}

export interface Registers {
  readonly signature: Signature | undefined;
  readonly phase: "enter" | "leave" | "usdt";
  /** How many calls of the thread are open. */
  readonly depth: number;
  readonly memory: MadeMemory;
  /** What could declare the arguments, for messages. */
  readonly target: string;
}

const STACK_TOP = 0x7ffc_0000_0000n;
const FRAME = 4096n;

/** The context of a hit at a place of a program. */
export function registersOf(made: MadeHit, about: Registers): Uint8Array {
  const { phase, depth, memory } = about;
  const raw = [...ARGUMENTS.keys()].map((i) => `arg${i}`);
  const floats = [0, 1, 2, 3].map((i) => `farg${i}`);
  const vectors = Array.from({ length: 16 }, (_, i) => `xmm${i}`);
  const own = phase === "leave" ? ["ret", "fret"] : phase === "usdt" ? ["args", ...raw] : ["args", "signal", "address", ...raw, ...floats];
  refuseOthers(made, [...WHO, "regs", ...own, ...vectors], phase === "leave" ? "a return" : phase === "usdt" ? "a static probe" : "an entry");
  const context = new Uint8Array(CONTEXT_BYTES);
  const view = new DataView(context.buffer);
  const set = (register: PlainRegister, value: bigint): void => view.setBigUint64(registerOffsets[register], BigInt.asUintN(64, value), true);
  const rsp = STACK_TOP - BigInt(depth) * FRAME;
  set("rsp", phase === "leave" ? rsp + 8n : rsp);
  set("rip", 0x40_1000n);
  const stack: [offset: number, bytes: Uint8Array][] = [];
  const into: Into = {
    memory,
    register(name, bytes) {
      const vector = /^xmm(\d+)$/.exec(name)?.[1];
      context.set(bytes, vector === undefined ? registerOffsets[name as PlainRegister] : VECTORS + 16 * Number(vector));
    },
    stack: (offset, bytes) => void stack.push([offset, bytes]),
  };
  if (phase !== "leave") emptyArguments(made.args, about.signature, into);
  for (const [register, value] of Object.entries((made.regs as MadeHit | undefined) ?? {})) {
    if (!isRegister(register)) throw wrongValue(`regs.${register}`, "isn't a register", `They are ${Object.keys(registerOffsets).join(", ")}.`);
    set(register, integerOf(value, `regs.${register}`));
  }
  for (const [i, name] of vectors.entries()) if (made[name] !== undefined) context.set(vectorOf(made[name], name), VECTORS + 16 * i);
  for (const [i, name] of floats.entries()) if (made[name] !== undefined) view.setFloat64(VECTORS + 16 * i, floatOf(made[name], name), true);
  if (made.signal !== undefined) view.setUint32(SIGNAL, Number(integerOf(made.signal, "signal")), true);
  if (made.address !== undefined) view.setBigUint64(FAULT_ADDRESS, BigInt.asUintN(64, integerOf(made.address, "address")), true);
  if (phase === "leave") {
    result(made, about.signature, view, set, into);
    return context;
  }
  const registers = phase === "usdt" ? USDT_REGISTERS : ARGUMENTS;
  const argument = (position: number, value: bigint): void => {
    if (position < registers.length) set(registers[position]!, value);
    else into.stack(8 + 8 * (position - registers.length), word(value));
  };
  namedArguments(made.args, about, argument, into);
  for (const [i, name] of raw.entries()) if (made[name] !== undefined) argument(i, rawOf(made[name], name, memory));
  if (phase === "enter") memory.put(rsp, stackBytes(stack));
  return context;
}

/** Integer arguments may be a text or bytes as well, where no type says otherwise. */
function rawOf(value: unknown, where: string, memory: MadeMemory): bigint {
  if (typeof value === "string") return memory.text(value);
  if (value instanceof Uint8Array) return memory.place(value);
  return integerOf(value, where);
}

function floatOf(value: unknown, where: string): number {
  if (typeof value !== "number") throw wrongValue(where, `is ${shown(value)}, and has to be a number`);
  return value;
}

function vectorOf(value: unknown, where: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > 16) throw wrongValue(where, `is ${shown(value)}, and has to be a Uint8Array of at most 16 bytes`);
  return value;
}

/** The return address, and what is behind it. */
function stackBytes(parts: readonly (readonly [offset: number, bytes: Uint8Array])[]): Uint8Array {
  const bytes = new Uint8Array(Math.max(8, ...parts.map(([offset, part]) => offset + part.length)));
  bytes.set(word(0x40_2000n));
  for (const [offset, part] of parts) bytes.set(part, offset);
  return bytes;
}

/** What is passed in memory and isn't given is there all the same, empty. */
function emptyArguments(args: unknown, signature: Signature | undefined, into: Into): void {
  for (const { name, type, place } of signature?.params ?? [])
    if (place?.k === "memory" && (args as MadeHit | undefined)?.[name] === undefined)
      putAt(place, new Uint8Array(sizeOf(type, signature!.structs)), into, `args.${name}`);
}

function namedArguments(args: unknown, about: Registers, argument: (position: number, value: bigint) => void, into: Into): void {
  if (args === undefined) return;
  if (typeof args !== "object" || args === null) throw wrongValue("args", `is ${shown(args)}, and has to be an object`);
  const { signature, target, memory } = about;
  if (signature === undefined)
    throw new SondeError("SONDE_MADE_UP", `nothing is known of the arguments of ${target}`, {
      mend: "Give arg0, arg1 …, or declare them: `sonde types` writes declarations where the program is, with its debug information.",
    });
  const { params, structs } = signature;
  for (const [name, value] of Object.entries(args)) {
    const byName = params.findIndex((param) => param.name === name);
    const index = byName >= 0 ? byName : params.findIndex(({ number }) => number !== undefined && name === `arg${number}`);
    const param = params[index];
    if (param === undefined) {
      const names = params.map((one) => one.name).filter((one) => one !== "");
      throw wrongValue(`args.${name}`, `isn't a parameter of ${target}`, names.length === 0 ? undefined : `It has ${names.join(", ")}.`);
    }
    const before = params.slice(0, index).filter(({ type }) => type.k === "float").length;
    const where = `args.${name}`;
    if (param.place !== undefined) putAt(param.place, bytesOf(value, param.type, structs, memory, where), into, where);
    else if (param.type.k === "float") into.register(`xmm${before}`, floatBytes(value, param.type, where));
    else argument(index - before, memory.word(value, param.type, structs, where));
  }
}

/** As it lies in memory; what fits into a register as it is there. */
function bytesOf(value: unknown, type: CType, structs: Signature["structs"], memory: MadeMemory, where: string): Uint8Array {
  if (type.k === "float") return floatBytes(value, type, where);
  if (type.k !== "struct" && type.k !== "array") return word(memory.word(value, type, structs, where));
  const bytes = new Uint8Array(sizeOf(type, structs));
  memory.fill(bytes, 0, value, type, structs, where);
  return bytes;
}

function floatBytes(value: unknown, type: Extract<CType, { k: "float" }>, where: string): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  if (type.size === 4) view.setFloat32(0, floatOf(value, where), true);
  else view.setFloat64(0, floatOf(value, where), true);
  return new Uint8Array(view.buffer);
}

function result(made: MadeHit, signature: Signature | undefined, view: DataView, set: (register: PlainRegister, value: bigint) => void, into: Into): void {
  const { memory } = into;
  if (made.fret !== undefined) view.setFloat64(VECTORS, floatOf(made.fret, "fret"), true);
  if (made.ret === undefined) return;
  const type = signature?.ret;
  if (type !== undefined && signature?.retPlace !== undefined)
    putAt(signature.retPlace, bytesOf(made.ret, type, signature.structs, memory, "ret"), into, "ret");
  else if (type?.k === "float") new Uint8Array(view.buffer).set(floatBytes(made.ret, type, "ret"), VECTORS);
  else if (type === undefined || type.k === "void" || type.k === "struct") set("rax", rawOf(made.ret, "ret", memory));
  else set("rax", memory.word(made.ret, type, signature?.structs ?? {}, "ret"));
}

/** The record of a tracepoint's hit: its fields where its format has them, and behind them what they say stands elsewhere. */
export function recordOf(made: MadeHit, signature: Signature, memory: MadeMemory, name: string): Uint8Array {
  refuseOthers(made, [...WHO, "args"], "a tracepoint's hit");
  const fields = signature.record ?? [];
  const size = Math.max(8, ...fields.map((field) => field.offset + field.size));
  const fixed = new Uint8Array(Math.ceil(size / 8) * 8);
  const behind: Buffer[] = [];
  let length = fixed.length;
  const args = made.args ?? {};
  if (typeof args !== "object") throw wrongValue("args", `is ${shown(args)}, and has to be an object`);
  for (const [field, value] of Object.entries(args as object)) {
    const known = fields.find((one) => one.name === field);
    if (known === undefined) throw wrongValue(`args.${field}`, `isn't a field of ${name}`, `It has ${fields.map((one) => one.name).join(", ")}.`);
    if (known.elsewhere === undefined) setField(fixed, known, value, signature, memory);
    else {
      const bytes = Buffer.from(`${String(value)}\0`, "utf8");
      const from = known.elsewhere === "end" ? length - (known.offset + known.size) : length;
      new DataView(fixed.buffer).setUint32(known.offset, (bytes.length << 16) | from, true);
      behind.push(bytes);
      length += bytes.length;
    }
  }
  return new Uint8Array(Buffer.concat([fixed, ...behind, new Uint8Array((8 - (length % 8)) % 8)]));
}

function setField(into: Uint8Array, { name, offset, size, type }: RecordField, value: unknown, { structs }: Signature, memory: MadeMemory): void {
  const where = `args.${name}`;
  if (type !== "text") {
    if (sizeOf(type, structs) <= size)
      memory.fill(into, offset, typeof value === "string" && type.k === "int" && size === 8 ? memory.text(value) : value, type, structs, where);
    else throw wrongValue(where, "can't be made up: its type is larger than its field");
    return;
  }
  if (typeof value !== "string") throw wrongValue(where, `is ${shown(value)}, and has to be a text`);
  const bytes = Buffer.from(value, "utf8");
  if (bytes.length > size) throw wrongValue(where, `has ${bytes.length} bytes, and its field ${size}`);
  into.set(bytes, offset);
}
