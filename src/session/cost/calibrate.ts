/** Measures what hits cost here, once for each engine and kernel: a program of our own is probed in all ways, and the weights are kept. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineName } from "../../engines/engine.ts";
import { SondeError } from "../../errors/error.ts";
import { buildStamp, cacheFolder, hashOf, writeWhole } from "../../sys/cache-folder.ts";
import type { SessionOutput } from "../output.ts";
import { scriptText } from "../script/source.ts";
import type { RunningSession } from "../session.ts";
import { startSession } from "../start.ts";
import { EventsState } from "../state/events.ts";
import { type CallKind, type CostModel, foretell, type Work, workCost } from "./model.ts";
import { subject } from "./subject.ts";
import { probeWork } from "./work.ts";

interface Measured {
  readonly name: string;
  readonly code: readonly number[];
  /** What is registered; FILE stands for the program. Undefined: nothing, for what it takes by itself. */
  readonly probe: string | undefined;
  /** The engines that have it, where not all do. */
  readonly engines?: readonly EngineName[];
  /** Its handler is host code, whose work isn't counted. */
  readonly host?: true;
  /** Called so many times as often as others. */
  readonly times?: number;
}

const NOP_RET = [0x90, 0xc3];
/** mov eax, number; syscall; ret */
const systemCall = (number: number): number[] => [0xb8, number, 0, 0, 0, 0x0f, 0x05, 0xc3];
const GETPPID = 110;
const GETUID = 102;

const FUNCTIONS: readonly Measured[] = [
  { name: "plain", code: NOP_RET, probe: 'uprobe("FILE:plain", () => n.add());' },
  // lea rax, [rdi+1]
  { name: "stepped", code: [0x48, 0x8d, 0x47, 0x01, 0xc3], probe: 'uprobe("FILE:stepped", () => n.add());' },
  {
    name: "computing",
    code: NOP_RET,
    probe: 'uprobe("FILE:computing", (c) => { let x = 0; for (let i = 0; i < 200; i++) x = x * 3 + c.arg0; all.add(x); });',
  },
  { name: "keyed", code: NOP_RET, probe: 'uprobe("FILE:keyed", (c) => byThread.at(c.tid).add());' },
  { name: "named", code: NOP_RET, probe: 'uprobe("FILE:named", (c) => byName.at(c.comm).add());' },
  { name: "reading", code: NOP_RET, probe: 'uprobe("FILE:reading", (c) => all.add(read(c.arg0, u64)));' },
  { name: "texts", code: NOP_RET, probe: 'uprobe("FILE:texts", (c) => all.add(str(c.arg0, 64)?.length));' },
  // Often enough that its reader is woken as it is when events keep coming.
  {
    name: "recording",
    code: NOP_RET,
    probe: 'uprobe("FILE:recording", (c) => records.emit({ a: c.arg0, b: c.arg1, c: c.arg2, d: c.arg3 }));',
    times: 8,
  },
  { name: "stacked", code: NOP_RET, probe: 'uprobe("FILE:stacked", (c) => byStack.at(c.ustack()).add());', engines: ["kernel", "breakpoint"] },
  { name: "returning", code: NOP_RET, probe: 'uprobe("FILE:returning", { enter: (c) => c.arg0, leave: (c, at) => all.add(at) });' },
  { name: "calls", code: systemCall(GETPPID), probe: undefined, engines: ["kernel"] },
  { name: "traced", code: systemCall(GETUID), probe: 'tracepoint("syscalls:sys_enter_getuid", () => n.add());', engines: ["kernel"] },
  { name: "asked", code: NOP_RET, probe: 'intercept("FILE:asked", { enter: () => {} });', engines: ["breakpoint"], host: true },
];

const STATES = `export const marks = events({ t: u64 }), records = events({ a: i64, b: i64, c: i64, d: i64 });
const n = count(), all = sum(), byThread = hash(u32, count()), byName = hash(comm, count()), byStack = hash(stack, count());
uprobe("FILE:mark", (c) => marks.emit({ t: c.time }));`;

/** Calls of each function, and how often all of it is gone through. */
const EFFORT: { readonly [E in EngineName]: { readonly calls: number; readonly rounds: number } } = {
  kernel: { calls: 4000, rounds: 9 },
  breakpoint: { calls: 300, rounds: 7 },
  inline: { calls: 20_000, rounds: 9 },
};

const known = new Map<EngineName, CostModel>();

/** The weights of an engine here; measured if they aren't kept yet (about two seconds; `measuring` is told before). Throws what a session throws. */
export async function costModel(engine: EngineName, measuring: () => void = () => {}): Promise<CostModel> {
  const here = [release(), cpus()[0]?.model ?? "", String(cpus().length), process.env.SONDE_ATTACH ?? "", buildStamp()];
  const file = join(cacheFolder(), `cost-${hashOf(engine, ...here).slice(0, 16)}.json`);
  let model = known.get(engine) ?? kept(file);
  if (model === undefined) {
    measuring();
    model = await measure(engine);
    writeWhole(file, JSON.stringify(model));
  }
  known.set(engine, model);
  return model;
}

function kept(file: string): CostModel | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as CostModel;
  } catch {
    return undefined;
  }
}

const SILENT: SessionOutput = { everyEvent: false, print() {}, event() {}, show() {}, fault() {} };

async function measure(engine: EngineName): Promise<CostModel> {
  const { calls, rounds } = EFFORT[engine];
  const functions = FUNCTIONS.filter(({ engines }) => engines === undefined || engines.includes(engine)).map((one) => ({
    ...one,
    // Nobody is woken by machine code, and there is room for so many records.
    calls: calls * (engine === "inline" ? 1 : (one.times ?? 1)),
  }));
  const folder = mkdtempSync(join(tmpdir(), "sonde-cost-"));
  try {
    const path = join(folder, "subject");
    writeFileSync(path, subject(functions, rounds));
    chmodSync(path, 0o755);
    const code = [STATES, ...functions.flatMap(({ probe }) => probe ?? [])].join("\n").replaceAll("FILE", path);
    const session = await startSession(
      scriptText(code),
      {
        engine,
        pids: [],
        command: [path],
        stdio: "ignore",
        children: false,
        cgroup: undefined,
        exact: true,
        // intercept() wants it.
        unsafe: true,
        unwind: "pointers",
        params: {},
      },
      SILENT,
    );
    const times = marksOf(session);
    await session.done;
    await session.close(false);
    if (times.length !== rounds * (functions.length + 1))
      throw new SondeError("SONDE_COST", "what hits cost couldn't be measured", {
        why: `${times.length} of ${rounds * (functions.length + 1)} marks were seen`,
      });
    const alone = engine !== "breakpoint";
    const spent = functions.map((one, i) => {
      const gaps = Array.from({ length: rounds }, (_, round) => gap(times, round * (functions.length + 1) + i)).sort((a, b) => a - b);
      // The quickest round, but where another process takes part the usual one.
      return (alone && one.times === undefined ? gaps[0]! : gaps[rounds >> 1]!) / one.calls;
    });
    return fitted(engine, new Map(functions.map(({ name }, i) => [name, spent[i]!])), works(session, functions));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const gap = (times: readonly bigint[], i: number): number => Number(times[i + 1]! - times[i]!);

function marksOf(session: RunningSession): bigint[] {
  const times: bigint[] = [];
  for (const { state, name } of session.named)
    if (state instanceof EventsState) state.on((event) => void (name === "marks" && times.push((event as { t: bigint }).t)));
  return times;
}

/** What each function's handler does, in the order in which probes are registered: the mark's is the first. */
function works({ image }: RunningSession, functions: readonly Measured[]): Map<string, Work> {
  const probed = functions.filter(({ probe, host }) => probe !== undefined && host === undefined);
  return new Map(
    probed.map(({ name }, i) => [
      name,
      probeWork(
        image,
        image.programs.flatMap(({ probe }, program) => (probe === i + 1 ? [program] : [])),
      ),
    ]),
  );
}

/** Each weight from the function that differs from those before by it alone. */
function fitted(engine: EngineName, spent: ReadonlyMap<string, number>, work: ReadonlyMap<string, Work>): CostModel {
  const time = (name: string): number => spent.get(name) ?? 0;
  const of = (name: string): Work => work.get(name)!;
  const instruction = Math.max(0.1, (time("computing") - time("plain")) / Math.max(1, of("computing").instructions - of("plain").instructions));
  const calls: { [K in CallKind]: number } = { map: 0, read: 0, text: 0, record: 0, comm: 0, stack: 0 };
  const model = { entry: { emulated: 0, stepped: 0 }, leave: 0, event: 0, host: 0, instruction, calls };
  const rest = (name: string): number => Math.max(0, time(name) - foretell(model, { at: "emulated", leaves: false, work: of(name) }));
  model.entry.emulated = Math.max(1, time("plain") - workCost(model, of("plain")));
  model.entry.stepped = Math.max(1, time("stepped") - workCost(model, of("stepped")));
  // Only the kernel looks at what instruction it is: elsewhere it is one figure, measured twice.
  if (engine !== "kernel") model.entry.emulated = model.entry.stepped = Math.min(model.entry.emulated, model.entry.stepped);
  const learn = (kind: CallKind, name: string): void => {
    calls[kind] = rest(name) / Math.max(1, of(name).calls[kind]);
  };
  learn("map", "keyed");
  learn("comm", "named");
  learn("read", "reading");
  learn("text", "texts");
  learn("record", "recording");
  if (spent.has("stacked")) learn("stack", "stacked");
  model.leave = Math.max(1, rest("returning"));
  if (spent.has("asked")) model.host = Math.max(1, time("asked"));
  if (spent.has("traced")) model.event = Math.max(1, time("traced") - time("calls") - workCost(model, of("traced")));
  return model;
}
