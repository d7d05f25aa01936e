/** Stacks as we unwind them from registers and a copy of the stack, against what gdb makes of the same ones, frame by frame. */
import { expect, test } from "vitest";
import { FrameNames, type NamedFrame } from "../../src/symbols/unwind/frames-text.ts";
import { type MappedModule, mappedAt } from "../../src/symbols/unwind/modules.ts";
import { unwindCxx, unwindProgram } from "../fixtures/build.ts";
import { type GdbFrame, type Plan, type Recorded, record, unwindRecorded } from "./recorded.ts";

const OF_C = ["leaf", "in_handler", "clock_gettime", "ticking", "library_lazy", "library_leaf", "sorts", "bare_leaf", "odd_frames", "in_register"];
const plan = (breakpoints: readonly string[], stops: number, seed: number): Plan => ({ breakpoints, arguments: "20", stops, seed, stacks: ["other_stack"] });

const hex = (address: number): string => `0x${address.toString(16)}`;
/** Without what names differ in by taste: parameters, arguments of templates, scopes, what the compiler calls its variants. */
function bare(name: string): string {
  let text = name
    .replaceAll("operator()", "call")
    .replaceAll(/\[clone [^\]]*\]/g, "")
    .replaceAll(/\.(cold|part|constprop|isra)\b.*$/g, "");
  for (let before = ""; before !== text; ) {
    before = text;
    text = text.replace(/<[^<>]*>|\([^()]*\)|\{[^{}]*\}|\[[^[\]]*\]/g, "");
  }
  return text
    .trim()
    .replace(/ const$/, "")
    .split(/::|\s/)
    .at(-1)!;
}

/** How the names of a frame differ; undefined: not at all. Of functions with several names gdb may take another one. */
function differs(gdb: GdbFrame, called: boolean, ours: readonly NamedFrame[], mapped: readonly MappedModule[]): string | undefined {
  const shown = `gdb: ${gdb.names.join(" < ")}; ours: ${ours.map(({ name }) => name).join(" < ")}`;
  const names = gdb.names.map(bare);
  // Of the stubs of IFUNCs, which have no symbol, it makes up names.
  if (names.at(-1) === "" || gdb.names.at(-1)!.startsWith("*ABS*")) names.pop();
  if (names.length === 0) return undefined;
  if (names.length !== ours.length) return shown;
  const looked = called ? gdb.pc - 1 : gdb.pc;
  const found = mappedAt(mapped, looked);
  // Without debug information each takes the nearest symbol that it likes.
  if (found?.module.debug === undefined) return undefined;
  const symbol = found.module.names.at(looked - found.bias);
  const aliases = [...(symbol?.aliases ?? [])].map(bare);
  return names.every((name, i) => name === bare(ours[i]!.name ?? "") || (i === names.length - 1 && aliases.includes(name))) ? undefined : shown;
}

interface Outcome {
  readonly wrong: readonly string[];
  /** Names that differ in the program and its library; in others. */
  readonly names: readonly string[];
  readonly foreign: readonly string[];
  readonly seen: ReadonlySet<string>;
  readonly frames: number;
}

function compare({ stacks, mapped }: Recorded, own: RegExp): Outcome {
  const named = new FrameNames();
  const code = { at: (address: number) => mappedAt(mapped, address), compiledAt: () => undefined };
  const wrong: string[] = [];
  const names = new Set<string>();
  const foreign = new Set<string>();
  const seen = new Set<string>();
  let count = 0;
  for (const stack of stacks) {
    const { frames, end } = unwindRecorded(stack, mapped);
    const gdb = stack.frames;
    const first = gdb.findIndex(({ pc, signal }, i) => frames[i]?.pc !== pc || frames[i]?.signal !== signal);
    if (first >= 0 || frames.length !== gdb.length || end.k !== "complete") {
      const at = first < 0 ? gdb.length : first;
      const near = gdb.slice(Math.max(0, at - 2), at + 2).map(({ pc, names: [name] }) => `${hex(pc)} ${name}`);
      wrong.push(`frame ${at} of ${gdb.length} (${near.join(", ")}): ours ${frames[at] && hex(frames[at].pc)} of ${frames.length}, ${JSON.stringify(end)}`);
      continue;
    }
    for (const [i, { pc, called }] of frames.entries()) {
      count++;
      for (const name of gdb[i]!.names) seen.add(name);
      const ours = named.of(code, pc, called);
      const difference = differs(gdb[i]!, called, ours, mapped);
      if (difference !== undefined) (own.test(ours[0]?.module ?? "") ? names : foreign).add(`${hex(pc)} ${difference}`);
    }
  }
  return { wrong, names: [...names], foreign: [...foreign], seen, frames: count };
}

test.each([
  ["without frame pointers", [], 1],
  ["with frame pointers", ["-fno-omit-frame-pointer"], 2],
  ["without .eh_frame", ["-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fno-pie", "-no-pie"], 3],
] as const)("stacks of a C program %s are gdb's: signals, callbacks, assembly, the kernel's code", { timeout: 300_000 }, (_, flags, seed) => {
  const recorded = record(unwindProgram(...flags), plan(OF_C, 300, seed));
  expect(recorded.stacks.length).toBeGreaterThanOrEqual(300);
  const { wrong, names, foreign, seen, frames } = compare(recorded, /fixture|unwind/);
  expect(wrong).toEqual([]);
  expect(names).toEqual([]);
  expect(foreign).toEqual([]);
  expect(frames).toBeGreaterThan(3000);
  for (const name of ["recursive", "dynamic", "aligned", "compare", "one_of", "fault_handler", "inner", "bare_framed", "never_returns"]) {
    expect(seen).toContain(name);
  }
});

test("stacks of a C++ program are gdb's: templates, virtual functions, exceptions on their way", { timeout: 300_000 }, () => {
  const breakpoints = ["shapes::leaf", "_Unwind_RaiseException", "__cxa_throw", "__gxx_personality_v0"];
  const recorded = record(unwindCxx(), plan(breakpoints, 250, 4));
  const { wrong, names, seen } = compare(recorded, /fixture|unwind/);
  expect(wrong).toEqual([]);
  expect(names).toEqual([]);
  expect([...seen].join(" ")).toMatch(/thrower.*_Unwind_RaiseException/);
});
