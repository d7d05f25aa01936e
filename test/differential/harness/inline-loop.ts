/** A function in a loop, whose entry (and return) jumps to a handler in machine code. */
import { readFileSync } from "node:fs";
import type { SessionImage } from "../../../src/compiler/image.ts";
import { type InlineCode, inlineCode, inlineTarget } from "../../../src/engines/inline/code/inline-code.ts";
import { fillShared } from "../../../src/engines/inline/memory/create.ts";
import { Assembler } from "../../../src/x86/assemble/assembler.ts";
import { IMPORTS } from "../snippets/snippet.ts";
import { compileText, lowerProbe } from "./compile.ts";
import { type Job, Place } from "./machine.ts";

const hasRdpid = /^flags.*\brdpid\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
const CPUS = 8;
/** `jmp` with 32 bits, and `ret`. */
const JUMP_BYTES = 5;

export interface Loop {
  readonly image: SessionImage;
  readonly code: InlineCode;
  readonly job: Job;
  /** Of the function. */
  readonly address: number;
  /** Of one that does nothing. */
  readonly empty: number;
  readonly trampolineBytes: number;
}

/** `handler`: what `uprobe` is given. */
export function loopOf(declarations: string, handler: string): Loop {
  const script = compileText(`${IMPORTS}\n${declarations.replaceAll("const ", "export const ")}\nuprobe("fixture:probed", ${handler});\n`);
  const wrong = script.diagnostics.filter(({ severity }) => severity === "error");
  if (wrong.length > 0) throw new Error(wrong.map(({ message }) => message).join("\n"));
  const { image, result } = lowerProbe(script, 0, inlineTarget(CPUS, 1 << 20));
  if (image === undefined) throw new Error(result.diagnostics.map(({ message }) => message).join("\n"));
  const code = inlineCode(image, { place: { shared: Place.shared, own: Place.own }, features: { rdpid: hasRdpid } });
  const routines = code.routines(Place.code);
  const parts = [routines.bytes];
  let end = Place.code + routines.bytes.length;
  const put = (bytes: Uint8Array): number => {
    parts.push(bytes);
    end += bytes.length;
    return end - bytes.length;
  };
  const ret = put(Uint8Array.of(0xc3));
  const programs = image.programs.map((_, index) => ({ index, cookie: 0, pair: index }));
  const of = (isReturn: boolean, copy: number): number => {
    const runs = isReturn ? ["session", "return"] : ["session", "entry"];
    const here = programs.filter(({ index }) => runs.includes(image.programs[index]?.runs ?? ""));
    return put(code.trampoline(end, routines, { isReturn, address: ret, functionAddress: ret, copy, programs: here }).bytes);
  };
  const returns = image.programs.some(({ runs }) => runs !== "entry");
  const start = end;
  const jumped = of(false, returns ? of(true, ret) : ret);
  const trampolineBytes = end - start;
  const address = put(new Assembler(end).jmpTo(jumped).bytes());
  if (end - address !== JUMP_BYTES) throw new Error("a jump of another size");
  const shared = new Uint8Array(code.layout.bytes);
  fillShared(shared, code.layout, 1n);
  // A tick is half a nanosecond: any will do here.
  new DataView(shared.buffer).setBigUint64(128 + 16, 1n << 31n, true);
  return { image, code, job: { code: Buffer.concat(parts), shared, runs: [] }, address, empty: ret, trampolineBytes };
}
