/** What gdb sees at a program's functions, and the same from registers and memory by our places and types, to be compared. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CPlace, type CStruct, type CType, sizeOf } from "../../src/schema/ctypes.ts";

/** Scalars by their path: ".a.b[2]" → "5"; floats as "f" and the double's bytes. "": a scalar, or why there is no value. */
export type Values = { readonly [path: string]: string };

export interface Stop {
  /** How far from its addresses as linked the file is loaded; 0 where it isn't said. */
  readonly bias?: string;
  readonly registers: { readonly [name: string]: string | readonly [low: string, high: string] };
  readonly memory: readonly (readonly [address: string, bytes: string])[];
}
export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly value: Values;
}
export interface Seen extends Stop {
  /** The function's parameters at its first instruction. */
  readonly entry: readonly Argument[];
  /** And behind its prologue. */
  readonly after?: readonly Argument[];
  readonly truth?: { readonly [parameter: string]: Values };
  readonly return?: Stop & { readonly truth: Values };
}
export interface Planned {
  readonly name: string;
  readonly address: number;
  /** Expressions whose values the parameters must have. */
  readonly truth?: { readonly [parameter: string]: string };
  /** An expression for the result. */
  readonly result?: string;
}

/** What gdb has besides a program: where its separate debug information is, and what is in the program's environment. */
export interface Surroundings {
  readonly debugFolder?: string;
  readonly environment?: { readonly [name: string]: string };
}

/** Runs a driver of this folder in gdb on a program, and gives what it writes of its plan. */
export function inGdb(program: string, driver: "functions" | "locations" | "lines", plan: unknown, around: Surroundings = {}): unknown {
  const folder = mkdtempSync(join(tmpdir(), "sonde-gdb-"));
  try {
    const [given, seen] = [join(folder, "plan"), join(folder, "seen")];
    writeFileSync(given, JSON.stringify(plan));
    const scripts = ["values", driver].flatMap((name) => ["-x", join(import.meta.dirname, `gdb-${name}.py`)]);
    const settings = [
      "set auto-load off",
      "set debuginfod enabled off",
      ...(around.debugFolder === undefined ? [] : [`set debug-file-directory ${around.debugFolder}:/usr/lib/debug`]),
      ...Object.entries(around.environment ?? {}).map(([name, value]) => `set environment ${name} ${value}`),
    ];
    execFileSync("gdb", ["-batch", "-nx", ...settings.flatMap((one) => ["-iex", one]), ...scripts, program], {
      env: { ...process.env, SONDE_PLAN: given, SONDE_SEEN: seen, PYTHONDONTWRITEBYTECODE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 180_000,
    });
    return JSON.parse(readFileSync(seen, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program that isn't position-independent to its end, stopping once at each planned function. Undefined: it wasn't called. */
export function observe(program: string, functions: readonly Planned[], prologue: boolean): Map<string, Seen | undefined> {
  const found = inGdb(program, "functions", { functions, prologue }) as readonly { readonly name: string; readonly seen: Seen | null }[];
  return new Map(found.map((one) => [one.name, one.seen ?? undefined]));
}

/** The same of the functions of a library, in whichever program runs with it, or of a program that may be anywhere: addresses are as linked. */
export function observeFile(
  program: readonly [path: string, ...words: string[]],
  file: string,
  functions: readonly Planned[],
  around?: Surroundings,
): Map<string, Seen | undefined> {
  const [path, ...words] = program;
  const plan = { functions, file, arguments: words.map((word) => `'${word}'`).join(" ") };
  const found = inGdb(path, "functions", plan, around) as readonly { readonly name: string; readonly seen: Seen | null }[];
  return new Map(found.map((one) => [one.name, one.seen ?? undefined]));
}

const MASK = (1n << 64n) - 1n;

function registerBytes(stop: Stop, name: string): Buffer {
  const value = stop.registers[name];
  const bytes = Buffer.alloc(16);
  const halves = typeof value === "string" ? [value, "0"] : (value ?? ["0", "0"]);
  halves.forEach((half, i) => {
    bytes.writeBigUInt64LE(BigInt(half), 8 * i);
  });
  return bytes;
}

function memoryAt(stop: Stop, address: bigint, size: number): Buffer | undefined {
  for (const [start, hex] of stop.memory) {
    const from = Number(address - BigInt(start));
    if (from >= 0 && from + size <= hex.length / 2) return Buffer.from(hex, "hex").subarray(from, from + size);
  }
  return undefined;
}

/** What the steps leave on their stack. */
function computed(stop: Stop, steps: Extract<CPlace, { k: "value" }>["steps"]): bigint | undefined {
  const stack: bigint[] = [];
  const pop = (): bigint => stack.pop() ?? 0n;
  for (const step of steps) {
    switch (step.op) {
      case "constant":
        stack.push(step.value & MASK);
        break;
      case "address":
        stack.push((BigInt(stop.bias ?? 0) + step.value) & MASK);
        break;
      case "register":
        stack.push((BigInt(stop.registers[step.register] as string) + step.plus) & MASK);
        break;
      case "read": {
        const bytes = memoryAt(stop, pop(), step.size);
        if (bytes === undefined) return undefined;
        stack.push(bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n));
        break;
      }
      case "neg":
        stack.push(-pop() & MASK);
        break;
      case "not":
        stack.push(~pop() & MASK);
        break;
      default: {
        const b = pop();
        const a = pop();
        const by = b < 64n ? b : 64n;
        const results = { add: a + b, sub: a - b, mul: a * b, and: a & b, or: a | b, xor: a ^ b, shl: a << by, shr: a >> by, sar: BigInt.asIntN(64, a) >> by };
        stack.push(results[step.op] & MASK);
      }
    }
  }
  return stack.at(-1);
}

/** The bytes of a value at its place; what is nowhere of it is `absent`. Undefined: all of it is, or memory that wasn't looked at. */
export function bytesAt(stop: Stop, place: CPlace, size: number, absent = 0): Buffer | undefined {
  switch (place.k) {
    case "none":
      return undefined;
    case "registers": {
      const bytes = Buffer.alloc(Math.max(size, 16), absent);
      for (const part of place.parts) registerBytes(stop, part.register).copy(bytes, part.offset, 0, part.size);
      return bytes;
    }
    case "memory": {
      const address = computed(stop, place.address);
      return address === undefined ? undefined : memoryAt(stop, address, size);
    }
    case "value": {
      const value = computed(stop, place.steps);
      if (value === undefined) return undefined;
      const bytes = Buffer.alloc(Math.max(size, 16));
      bytes.writeBigUInt64LE(value & MASK);
      return bytes;
    }
    case "pieces": {
      const bytes = Buffer.alloc(Math.max(size, 16), absent);
      for (const part of place.parts) {
        if (part.place.k === "none") continue;
        const from = bytesAt(stop, part.place, part.size);
        if (from === undefined) return undefined;
        from.copy(bytes, part.offset, 0, part.size);
      }
      return bytes;
    }
  }
}

/** A value's scalars, by paths as gdb's are: a bit of each array, all of each structure. Unknown ones are "?". */
export function valuesOf(type: CType, bytes: Buffer, structs: { readonly [name: string]: CStruct }): Map<string, string> {
  const out = new Map<string, string>();
  const visit = (of: CType, at: number, path: string, bits?: { readonly offset: number; readonly size: number }): void => {
    const integer = (size: number, signed: boolean): string => {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
      if (bits) value = (value >> BigInt(bits.offset)) & ((1n << BigInt(bits.size)) - 1n);
      const width = bits?.size ?? 8 * size;
      return String(signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value));
    };
    switch (of.k) {
      case "void":
        return;
      case "int":
        out.set(path, integer(Number(of.name.slice(1)) / 8, of.name.startsWith("i")));
        return;
      case "bool":
        out.set(path, integer(1, false));
        return;
      case "enum":
        out.set(path, integer(of.size, of.signed));
        return;
      case "pointer":
        out.set(path, integer(8, false));
        return;
      case "float": {
        const double = Buffer.alloc(8);
        double.writeDoubleLE(of.size === 4 ? bytes.readFloatLE(at) : bytes.readDoubleLE(at));
        out.set(path, `f${double.toString("hex")}`);
        return;
      }
      case "array": {
        const size = sizeOf(of.of, structs);
        for (let i = 0; i < Math.min(of.length, 33); i++) visit(of.of, at + i * size, `${path}[${i}]`);
        return;
      }
      case "struct":
        for (const field of structs[of.name]!.fields) visit(field.type, at + field.offset, `${path}.${field.name}`, field.bits);
        return;
      case "unknown":
        out.set(path, "?");
    }
  };
  visit(type, 0, "");
  return out;
}

/** Scalars of which a part is nowhere: they depend on what is taken for it. */
export function absentOf(stop: Stop, place: CPlace, type: CType, structs: { readonly [name: string]: CStruct }): ReadonlySet<string> {
  const [zeros, others] = [0, 0xff].map((filler) => valuesOf(type, bytesAt(stop, place, sizeOf(type, structs), filler) ?? Buffer.alloc(0), structs));
  return new Set([...zeros!].flatMap(([path, value]) => (others!.get(path) === value ? [] : path)));
}

/** Where ours isn't what gdb says: "path: gdb …, ours …". What is unknown to us is passed over, and counted by the caller. */
export function differences(gdb: Values, ours: Map<string, string>): string[] {
  const unknown = [...ours].filter(([, value]) => value === "?").map(([path]) => path);
  return Object.entries(gdb)
    .filter(([path, value]) => !value.startsWith("?") && !unknown.some((one) => path.startsWith(one)) && ours.get(path) !== value)
    .map(([path, value]) => `${path || "value"}: gdb ${value}, ours ${ours.get(path)}`);
}
