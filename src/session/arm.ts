/** From a script that has loaded to probes that are armed: captures are read, handlers compiled, sites chosen, the engine asked. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { HandlerHir, ScriptUnit } from "../compiler/hir/types.ts";
import type { SessionImage } from "../compiler/image.ts";
import type { LowerProbe, LowerResult } from "../compiler/lower/input.ts";
import { lower } from "../compiler/lower/lower.ts";
import type { Armed, ArmProbe, Engine, ProcessFilter } from "../engines/engine.ts";
import { SondeBug, SondeError } from "../errors/error.ts";
import { placeAll } from "../symbols/place.ts";
import { captureValues } from "./captures.ts";
import type { NamedState } from "./names.ts";
import type { ProbeEntry, RegisteredProbe } from "./probe.ts";
import type { Scope } from "./scope.ts";
import { ScriptErrors } from "./script-errors.ts";
import { commonSignature } from "./signatures.ts";
import type { State } from "./state/state.ts";

export interface ArmRequest {
  readonly unit: ScriptUnit;
  readonly scope: Scope;
  readonly named: readonly NamedState[];
  readonly engine: Engine;
  readonly filter: ProcessFilter;
  /** Probes stay exactly where they were asked for. */
  readonly exact: boolean;
  readonly unsafe: boolean;
}

export interface ArmedScript {
  readonly image: SessionImage;
  readonly armed: Armed;
  /** By their index in the image. States that no handler uses aren't among them. */
  readonly states: readonly { readonly state: State; readonly name: string }[];
  readonly warnings: readonly Diagnostic[];
}

/** The states that handlers capture, numbered as they are met; one that has no name yet gets its capture's. */
function stateIndex(named: readonly NamedState[]): { readonly list: { state: State; name: string }[]; of(state: State, name: string): number } {
  const list: { state: State; name: string }[] = [];
  const known = new Map<State, number>();
  const names = new Map(named.map(({ state, name }) => [state, name]));
  const taken = new Set(names.values());
  return {
    list,
    of(state, name) {
      let index = known.get(state);
      if (index !== undefined) return index;
      let free = names.get(state) ?? name;
      for (let n = 2; !names.has(state) && taken.has(free); n++) free = `${name}#${n}`;
      taken.add(free);
      index = list.push({ state, name: free }) - 1;
      known.set(state, index);
      return index;
    },
  };
}

function handlerOf(unit: ScriptUnit, entry: ProbeEntry): HandlerHir {
  const handler = unit.handlers.find(({ id }) => id === entry.registration.handler);
  if (handler === undefined) throw new SondeBug(`the script has no handler ${entry.registration.handler}`);
  return handler;
}

const placeMode = (handler: HandlerHir): "hit" | "call" | "return" =>
  handler.register === "uretprobe" ? "return" : handler.shape.kind === "call" ? "call" : "hit";

function lowerProbes({ unit, scope }: Pick<ArmRequest, "unit" | "scope">, states: ReturnType<typeof stateIndex>): LowerProbe[] {
  const probes = new Map(scope.probes.map(({ probe }, i) => [probe, i]));
  const probeIndex = (probe: RegisteredProbe): number => probes.get(probe) ?? -1;
  return scope.probes.map((entry) => {
    const handler = handlerOf(unit, entry);
    if (handler.shape.kind === "instruction") {
      throw new SondeError(
        "SONDE_NOT_SUPPORTED",
        `${entry.probe.target}: before, after and fault handlers need the engine \`breakpoint\`, which this version lacks`,
        { mend: "A function as the handler runs before the instruction." },
      );
    }
    return {
      handler,
      captures: captureValues(handler.captures, entry.registration, scope, { state: states.of, probe: probeIndex }),
      text: entry.probe.target,
      signature: commonSignature(entry),
      pids: entry.pids,
      functions: [...new Set(entry.sites.map(({ name }) => scope.functionIndex(name)))],
    };
  });
}

/** A script compiled for an engine, with nothing armed yet. */
export interface LoweredScript {
  readonly image: SessionImage;
  /** What was asked of the compiler, and what it gave, by probe. */
  readonly probes: readonly LowerProbe[];
  readonly lowered: LowerResult["probes"];
  readonly states: readonly { readonly state: State; readonly name: string }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Throws ScriptErrors. */
export function lowerScript(request: Omit<ArmRequest, "exact">): LoweredScript {
  const { unit, scope, named, engine, filter, unsafe } = request;
  const states = stateIndex(named);
  const probes = lowerProbes(request, states);
  const target = engine.target({
    filter,
    sites: scope.probes.reduce((sum, { sites }) => sum + sites.length, 0),
    calls: probes.some(({ handler }) => handler.shape.kind === "call"),
  });
  const {
    image,
    diagnostics,
    probes: lowered,
  } = lower({
    files: unit.files,
    functions: scope.functions,
    probes,
    target,
    unsafe,
    states: states.list.map(({ state, name }) => ({ name, spec: state.spec })),
  });
  if (image === undefined) throw new ScriptErrors(diagnostics, unit.files);
  return { image, probes, lowered, states: states.list, diagnostics };
}

export async function armScript(request: ArmRequest): Promise<ArmedScript> {
  const { scope, engine, filter, exact } = request;
  const { image, probes, lowered, states, diagnostics } = lowerScript(request);
  const arm: ArmProbe[] = scope.probes.map((entry, probe) => {
    const { programs, reads } = lowered[probe]!;
    const mode = placeMode(probes[probe]!.handler);
    return {
      probe,
      programs,
      pids: entry.pids,
      sites: placeAll(entry.sites, { mode, exact, reads }),
      cookies: entry.sites.map(({ name }) => scope.functionIndex(name)),
    };
  });
  const armed = await engine.arm(
    image,
    arm.filter(({ sites }) => sites.length > 0),
    filter,
  );
  for (const [index, { state }] of states.entries()) state.attach({ armed, image, place: image.states[index]!.place });
  return { image, armed, states, warnings: diagnostics };
}
