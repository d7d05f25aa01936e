/** From a script that has loaded to probes that are armed: captures are read, handlers compiled, sites chosen, the engine asked. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { HandlerHir, ScriptUnit } from "../compiler/hir/types.ts";
import type { SessionImage } from "../compiler/image.ts";
import type { LowerProbe, LowerResult } from "../compiler/lower/input.ts";
import { lower } from "../compiler/lower/lower.ts";
import type { Unwind } from "../compiler/target.ts";
import type { Armed, ArmProbe, Engine, Interception, ProcessFilter } from "../engines/engine.ts";
import { SondeBug, type SondeError } from "../errors/error.ts";
import { allPushFrame } from "../symbols/frame-push.ts";
import { taskTypes } from "../symbols/kernel/types.ts";
import { type PlaceOptions, placeAll } from "../symbols/place.ts";
import type { FunctionSite } from "../symbols/site.ts";
import { captureValues } from "./captures.ts";
import { byReturns, conventionOf, goroutineIdOf } from "./go-returns.ts";
import { HostCalls } from "./intercept/host-calls.ts";
import type { NamedState } from "./names.ts";
import type { InterceptEntry, ProbeEntry, ProbePlaces, RegisteredProbe } from "./probe.ts";
import type { Scope } from "./scope.ts";
import { ScriptErrors } from "./script-errors.ts";
import { commonSignature } from "./signatures.ts";
import { bySkips } from "./skips.ts";
import type { State } from "./state/state.ts";
import { signatureOfPlace, whyUntyped } from "./typed/site-types.ts";
import { variantsOf } from "./typed/variants.ts";

export interface LowerScriptRequest {
  readonly unit: ScriptUnit;
  readonly scope: Scope;
  readonly named: readonly NamedState[];
  readonly engine: Pick<Engine, "name" | "target">;
  readonly filter: ProcessFilter;
  readonly unsafe: boolean;
  readonly unwind?: Unwind;
  /** Sites of one probe that cost different are compiled apart, and so counted apart. */
  readonly byCost?: { readonly exact: boolean } | undefined;
}

export interface ArmRequest {
  readonly scope: Scope;
  readonly lowered: LoweredScript;
  readonly engine: Engine;
  readonly filter: ProcessFilter;
  /** Probes stay exactly where they were asked for. */
  readonly exact: boolean;
  /** What a function given to `intercept()` threw, the first time. */
  readonly fault: (error: unknown, what: string) => void;
}

type PlanRequest = { readonly engine: Pick<Engine, "name"> } & Pick<ArmRequest, "exact">;

export interface ArmedScript {
  readonly image: SessionImage;
  readonly armed: Armed;
  /** What was armed, with the places that were chosen. */
  readonly probes: readonly ArmProbe[];
  /** By their index in the image. States that no handler uses aren't among them. */
  readonly states: readonly { readonly state: State; readonly name: string }[];
  /** As in the scope. */
  readonly intercepts: readonly HostCalls[];
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

function lowerProbes({ unit, scope, engine }: Pick<LowerScriptRequest, "unit" | "scope" | "engine">, states: ReturnType<typeof stateIndex>): LoweredProbe[] {
  const probes = new Map([...scope.probes, ...scope.intercepts].map(({ probe }, i) => [probe, i]));
  const probeIndex = (probe: RegisteredProbe): number => probes.get(probe) ?? -1;
  return scope.probes.flatMap((entry, probe) => {
    const handler = handlerOf(unit, entry);
    const captures = captureValues(handler.captures, entry.registration, scope, { state: states.of, probe: probeIndex });
    const variants = bySkips(
      variantsOf(handler, entry, (site) => signatureOfPlace(entry, site)),
      handler,
      entry,
    );
    return byReturns(variants, entry, { handler, scope, engine }).map(({ sites, signature, address, returnAt, goroutines }) => ({
      sites,
      lower: {
        probe,
        handler,
        captures,
        text: entry.probe.target,
        signature,
        untyped: () => untypedOf(entry, sites),
        address,
        returnAt,
        goroutines,
        convention: conventionOf(sites.map((site) => entry.sites[site]!)) ?? "mixed",
        goroutineId: goroutineIdOf(sites.map((site) => entry.sites[site]!)),
        pids: entry.pids,
        atEntry: sites.every((site) => isEntry(entry.sites[site]!)),
        pushFrame: () => allPushFrame(sites.map((site) => entry.sites[site]!)),
        functions: [...new Set(sites.map((site) => scope.functionIndex(entry.sites[site]!.name)))],
      },
    }));
  });
}

const isEntry = ({ delta, source, usdt, event }: FunctionSite): boolean => delta === 0 && source === undefined && usdt === undefined && event === undefined;

/** Why the first site of which nothing is known is so. */
function untypedOf({ sites }: ProbeEntry, own: readonly number[]): SondeError | undefined {
  for (const site of own) {
    const why = whyUntyped(sites[site]!);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** A probe's handler as it is compiled for some of its sites: indices into the probe's. */
export interface LoweredProbe {
  readonly sites: readonly number[];
  readonly lower: LowerProbe;
}

/** A script compiled for an engine, with nothing armed yet. */
export interface LoweredScript {
  readonly image: SessionImage;
  /** What was asked of the compiler, and what it gave. */
  readonly probes: readonly LoweredProbe[];
  readonly lowered: LowerResult["probes"];
  readonly states: readonly { readonly state: State; readonly name: string }[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Throws ScriptErrors. */
export function lowerScript(request: LowerScriptRequest): LoweredScript {
  const { named, engine, byCost } = request;
  const states = stateIndex(named);
  const whole = compileProbes(request, lowerProbes(request, states), states.list);
  if (byCost === undefined || engine.name !== "kernel") return whole;
  const parts = apartByCost({ ...request, lowered: whole, exact: byCost.exact });
  return parts.length === whole.probes.length ? whole : compileProbes(request, parts, states.list);
}

/** Where the sites of one are of several classes, one for each class. */
function apartByCost(request: PlanRequest & Pick<ArmRequest, "scope" | "lowered">): LoweredProbe[] {
  const planned = armCompiled(request);
  return request.lowered.probes.flatMap((probe, i) => {
    const { sites } = planned[i]!;
    // Events have no places: of them there is one class.
    const classes = new Set(sites.map(({ cost }) => cost));
    if (classes.size < 2) return [probe];
    return [...classes].map((cost) => ({ ...probe, sites: probe.sites.filter((_, site) => sites[site]!.cost === cost) }));
  });
}

function compileProbes(request: LowerScriptRequest, probes: readonly LoweredProbe[], states: LoweredScript["states"]): LoweredScript {
  const { unit, scope, engine, filter, unsafe, unwind = "pointers" } = request;
  const target = engine.target({
    filter,
    sites: scope.probes.reduce((sum, { sites }) => sum + sites.filter(({ event }) => event === undefined).length, 0),
    calls: probes.some(({ lower: { handler } }) => handler.shape.kind === "call"),
    events: scope.probes.some(({ sites }) => sites.some(({ event }) => event !== undefined)),
  });
  const {
    image,
    diagnostics,
    probes: lowered,
  } = lower({
    files: unit.files,
    functions: scope.functions,
    probes: probes.map((one) => one.lower),
    target,
    unsafe,
    unwind,
    states: states.map(({ state, name }) => ({ name, spec: state.spec })),
    kernelTypes: taskTypes,
  });
  if (image === undefined) throw new ScriptErrors(diagnostics, unit.files);
  return { image, probes, lowered, states, diagnostics };
}

/** Another instruction near the one asked for is cheaper for the kernel alone, and it alone has rules that others needn't follow. */
function placing({ engine, exact }: PlanRequest, options: Pick<PlaceOptions, "mode" | "reads">, wherever: boolean): PlaceOptions {
  const isKernel = engine.name === "kernel";
  return { ...options, exact: exact || !isKernel || !wherever, once: !exact && wherever, unjudged: !isKernel };
}

/** An instruction that was asked for is where it is, and so are a static probe's arguments. */
const mayMove = ({ shape, register }: HandlerHir): boolean => shape.kind !== "instruction" && register !== "usdt";

export function armCompiled(request: PlanRequest & Pick<ArmRequest, "scope" | "lowered">): ArmProbe[] {
  const { scope, lowered } = request;
  return lowered.probes.map(({ sites, lower: { probe, handler } }, i) => {
    const entry = scope.probes[probe]!;
    const own = sites.map((site) => entry.sites[site]!);
    const { programs, reads } = lowered.lowered[i]!;
    return {
      probe,
      programs,
      pids: entry.pids,
      sites: placeAll(
        own.filter(({ event }) => event === undefined),
        placing(request, { mode: placeMode(handler), reads }, mayMove(handler)),
      ),
      events: own.flatMap(({ event, name }) => (event === undefined ? [] : { event, name })),
      cookies: cookiesOf(scope, { sites: own }),
    };
  });
}

const cookiesOf = (scope: Scope, { sites }: Pick<ProbePlaces, "sites">): number[] => sites.map(({ name }) => scope.functionIndex(name));

export function hostCalls({ scope, fault }: Pick<ArmRequest, "scope" | "fault">, entry: InterceptEntry): HostCalls {
  return new HostCalls({
    handlers: entry.handlers,
    functions: scope.functions,
    convention: conventionOf(entry.sites) ?? "mixed",
    result: commonSignature(entry)?.ret,
    fault: (error, phase) => fault(error, `${entry.what}: ${phase}`),
  });
}

/** Those of host code; who is asked there is given by `intercepts`. */
export function armIntercepted(request: PlanRequest & Pick<ArmRequest, "scope">, intercepts: readonly Interception[]): ArmProbe[] {
  const { scope } = request;
  return scope.intercepts.map((entry, i) => ({
    probe: scope.probes.length + i,
    programs: [],
    pids: entry.pids,
    sites: placeAll(entry.sites, placing(request, { mode: "call", reads: "all" }, false)),
    cookies: cookiesOf(scope, entry),
    intercept: intercepts[i]!,
  }));
}

export async function armScript(request: ArmRequest): Promise<ArmedScript> {
  const { scope, lowered, engine, filter } = request;
  const { image, states, diagnostics } = lowered;
  const intercepts = scope.intercepts.map((entry) => hostCalls(request, entry));
  const probes = [...armCompiled(request), ...armIntercepted(request, intercepts)];
  const armed = await engine.arm(
    image,
    probes.filter(({ sites, events }) => sites.length + (events?.length ?? 0) > 0),
    filter,
  );
  scope.stacks.attach(
    armed,
    image,
    scope.probes.flatMap(({ sites }) => sites),
  );
  for (const [index, { state }] of states.entries()) state.attach({ armed, image, place: image.states[index]!.place });
  return { image, armed, probes, states, intercepts, warnings: diagnostics };
}
