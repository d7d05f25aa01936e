/** Stacks that gdb has seen: registers, memory and frames at many stops of a program, by stacks-driver.py. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copiedMemory, type MemoryPiece, type UnwindMemory } from "../../src/symbols/unwind/memory.ts";
import { Module } from "../../src/symbols/unwind/module.ts";
import { type MappedModule, mappedAt, mappedModule } from "../../src/symbols/unwind/modules.ts";
import { type Unwound, unwind } from "../../src/symbols/unwind/unwind.ts";
import { parseMappings } from "../../src/sys/procfs.ts";

export interface GdbFrame {
  readonly pc: number;
  /** Of what is inlined there, the innermost first, and at last the function's; "" where gdb knows none. */
  readonly names: readonly string[];
  readonly signal: boolean;
}
export interface RecordedStack {
  readonly registers: BigUint64Array;
  readonly frames: readonly GdbFrame[];
  /** In gdb's words. */
  readonly end: string;
  readonly memory: readonly MemoryPiece[];
}
export interface Recorded {
  readonly stacks: readonly RecordedStack[];
  readonly mapped: readonly MappedModule[];
}
export interface Plan {
  readonly breakpoints: readonly string[];
  readonly arguments: string;
  readonly stops: number;
  readonly seed: number;
  /** Variables that are stacks. */
  readonly stacks: readonly string[];
}

interface Seen {
  readonly maps: string;
  readonly vdso: readonly [readonly [string, number, number] | null];
  readonly stops: readonly {
    readonly registers: readonly string[];
    readonly frames: readonly { readonly pc: string; readonly names: readonly string[]; readonly signal: boolean }[];
    readonly end: string;
    readonly memory: readonly (readonly [string, number, number])[];
  }[];
}

export function record(program: string, plan: Plan): Recorded {
  const folder = mkdtempSync(join(tmpdir(), "sonde-stacks-"));
  try {
    const [planned, seen, memory] = [join(folder, "plan"), join(folder, "seen"), join(folder, "memory")];
    writeFileSync(planned, JSON.stringify(plan));
    const driver = join(import.meta.dirname, "stacks-driver.py");
    execFileSync("gdb", ["-batch", "-nx", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off", "-x", driver, program], {
      env: { PATH: process.env.PATH, SONDE_PLAN: planned, SONDE_SEEN: seen, SONDE_MEMORY: memory, PYTHONDONTWRITEBYTECODE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 1 << 28,
      timeout: 240_000,
    });
    return read(JSON.parse(readFileSync(seen, "utf8")) as Seen, readFileSync(memory));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read({ maps, vdso, stops }: Seen, memory: Uint8Array): Recorded {
  const files = new Map<string, Module>();
  const moduleOf = (path: string): Module | undefined => {
    if (path === "[vdso]" && vdso[0] !== null) return Module.ofBytes(memory.subarray(vdso[0][1], vdso[0][1] + vdso[0][2]), path);
    return path.startsWith("/") ? Module.ofFile(path, path) : undefined;
  };
  const mapped: MappedModule[] = [];
  for (const mapping of parseMappings(maps)) {
    if (mapping.permissions[2] !== "x" || !Number.isSafeInteger(mapping.end)) continue;
    const module = files.get(mapping.path) ?? moduleOf(mapping.path);
    if (module === undefined) continue;
    files.set(mapping.path, module);
    mapped.push(mappedModule(mapping, module));
  }
  const stacks = stops.map(({ registers, frames, end, memory: pieces }) => ({
    registers: BigUint64Array.from(registers, BigInt),
    frames: frames.map(({ pc, names, signal }) => ({ pc: Number(pc), names, signal })),
    end,
    memory: pieces.map(([address, at, length]) => ({ address: Number(address), bytes: memory.subarray(at, at + length) })),
  }));
  return { stacks, mapped };
}

/** Code and constants, as the files have them. */
export function codeOf(mapped: readonly MappedModule[]): UnwindMemory {
  return {
    read(address, length) {
      const found = mappedAt(mapped, address);
      const image = found?.module.image;
      const segment = image?.segments.find(({ type, flags }) => type === 1 && (flags & 1) !== 0);
      if (found === undefined || image === undefined || segment === undefined) return undefined;
      const bytes = image.source.read(address - found.bias - segment.address + segment.offset, length);
      return bytes.length === length ? bytes : undefined;
    },
  };
}

export function unwindRecorded({ registers, memory }: RecordedStack, mapped: readonly MappedModule[], most = 200): Unwound {
  return unwind(registers, { memory: copiedMemory(memory, codeOf(mapped)), codeAt: (address) => mappedAt(mapped, address) }, { most });
}
