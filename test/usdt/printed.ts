/** What a compiled handler prints of a probe's arguments, run by the interpreter on registers and memory that gdb has read. */
import { Interpreter } from "../../src/bpf/interpreter/interpreter.ts";
import { compile } from "../../src/compiler/frontend/compile-text.ts";
import type { Register } from "../../src/compiler/lower/input.ts";
import { lower } from "../../src/compiler/lower/lower.ts";
import { registerOffsets } from "../../src/compiler/lower/registers.ts";
import type { UsdtSite } from "../../src/symbols/usdt/probes.ts";
import { breakpoint } from "../differential/harness/targets.ts";
import { bytesAt, type Stop } from "../dwarf/gdb.ts";
import { thread, written } from "../fixtures/interpreted.ts";

const VECTORS = 168;

/** As the engines hand it to handlers. */
function contextOf(stop: Stop, site: UsdtSite): Uint8Array {
  const context = Buffer.alloc(440);
  for (const [name, value] of Object.entries(stop.registers)) {
    if (typeof value === "string") context.writeBigUInt64LE(BigInt(value), registerOffsets[name as Register]);
    else for (const [i, half] of value.entries()) context.writeBigUInt64LE(BigInt(half), VECTORS + 16 * Number(name.slice(3)) + 8 * i);
  }
  context.writeBigUInt64LE(site.address, registerOffsets.rip);
  return Uint8Array.from(context);
}

/** Floats by their bytes, as gdb's are. */
function shown(value: unknown): string {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return `f${bytes.toString("hex")}`;
}

/** All arguments, "undefined" where memory couldn't be read. */
export function printedAt(stop: Stop, site: UsdtSite): string[] {
  const values = site.signature.params.map(({ name }) => `\${c.args.${name}}`).join(" ");
  const { unit } = compile(`import { print, uprobe } from "sonde";\nuprobe("app:f", (c) => { print\`${values}\`; });`);
  const { image, diagnostics } = lower({
    files: unit!.files,
    states: [],
    functions: ["f"],
    probes: [
      { probe: 0, handler: unit!.handlers[0]!, captures: [], text: "app:f", signature: site.signature, address: site.address, pids: undefined, functions: [0] },
    ],
    target: breakpoint,
    unsafe: false,
  });
  if (image === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  const interpreter = new Interpreter(image.maps, image.cpuRegion.cpus);
  const memory = thread((at, size) => bytesAt(stop, { k: "memory", address: [{ op: "constant", value: at }] }, size));
  interpreter.run(image.programs[0]!.instructions, contextOf(stop, site), memory);
  const { format, fields: all } = written(interpreter, image)[0]!;
  if (format.kind !== "print") throw new Error(format.kind);
  const fields = all as { readonly [name: string]: unknown };
  // Constants are in the text.
  const words = format.parts.map((part) => {
    if (part.kind === "text") return part.text;
    return part.optional && fields[`${part.field}?`] === false ? "undefined" : shown(fields[part.field]);
  });
  return words.join("").split(" ");
}
