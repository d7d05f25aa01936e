/** What can be said of a script without arming it: for `check`, which doesn't run its host code, and for `explain`, which does. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import { warning } from "../compiler/diagnostics/place.ts";
import type { Capture, HandlerHir, ScriptUnit, StaticValue } from "../compiler/hir/types.ts";
import type { SessionImage } from "../compiler/image.ts";
import type { CaptureValue, LowerProbe } from "../compiler/lower/input.ts";
import { lower } from "../compiler/lower/lower.ts";
import { loadEngine } from "../engines/choose.ts";
import type { Engine } from "../engines/engine.ts";
import { SondeError } from "../errors/error.ts";
import type { Convention } from "../schema/convention.ts";
import type { Signature } from "../schema/ctypes.ts";
import { goroutineIdOffset } from "../symbols/go-code.ts";
import { taskTypes } from "../symbols/kernel/types.ts";
import { kindOf, resolveProbe } from "../symbols/resolve-probe.ts";
import type { FunctionSite } from "../symbols/site.ts";
import { parseTarget } from "../symbols/target.ts";
import { type LoweredScript, lowerScript } from "./arm.ts";
import { needOf } from "./engine-for-script.ts";
import { conventionOf, goroutineIdOf, hasReturn } from "./go-returns.ts";
import { namedStates } from "./names.ts";
import type { ProbePlaces } from "./probe.ts";
import { Scope } from "./scope.ts";
import { compiled } from "./script/compile.ts";
import { loadScript } from "./script/load.ts";
import type { ScriptSource } from "./script/source.ts";
import { type DiagnosedFile, ScriptErrors } from "./script-errors.ts";
import { commonSignature, type NamedFunctions } from "./signatures.ts";
import { State } from "./state/state.ts";
import { signatureOfPlace } from "./typed/site-types.ts";
import { variantsOf } from "./typed/variants.ts";
import type { ParamValues } from "./vocabulary/params.ts";
import { schemaOf } from "./vocabulary/schemas.ts";
import { makeVocabulary } from "./vocabulary/vocabulary.ts";

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  readonly files: readonly DiagnosedFile[];
}

const REGISTERS = new Set(["uprobe", "uretprobe", "usdt", "tracepoint", "interval", "profile", "intercept"]);
/** Not known before the script runs. */
const UNKNOWN = Symbol("unknown");
const NOTHING_ARMED = { pids: [], children: false, cgroup: undefined };

const NO_ACTIONS = { print() {}, show() {}, exit() {}, symbol: String };

/** A scope in which the vocabulary's constructors work, and nothing happens. */
function idleScope(): Scope {
  return new Scope({
    params: {},
    pids: [],
    unsafe: true,
    modeOf: () => "entry",
    resolve: () => ({ sites: [], notes: [] }),
    actions: NO_ACTIONS,
  });
}

/** Values of the script's constants and of what the vocabulary makes, as far as its text tells them. */
class StaticCaptures {
  readonly states: { readonly state: State; readonly name: string }[] = [];
  readonly #vocabulary: { readonly [name: string]: unknown };
  readonly #made = new Map<string, unknown>();

  constructor(scope: Scope) {
    this.#vocabulary = makeVocabulary(scope);
  }
  #evaluate(value: StaticValue): unknown {
    switch (value.kind) {
      case "int":
        return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : BigInt(value.value);
      case "bool":
      case "string":
        return value.value;
      case "name":
        return this.#vocabulary[value.name] ?? UNKNOWN;
      case "array":
        return this.#all(value.items);
      case "object": {
        const values = this.#all(value.properties.map((property) => property.value));
        return values === UNKNOWN ? UNKNOWN : Object.fromEntries(value.properties.map(({ name }, i) => [name, (values as readonly unknown[])[i]]));
      }
      case "call":
        return this.#call(value.name, this.#all(value.args));
      default:
        return UNKNOWN;
    }
  }
  #all(values: readonly StaticValue[]): readonly unknown[] | typeof UNKNOWN {
    const all = values.map((value) => this.#evaluate(value));
    return all.includes(UNKNOWN) ? UNKNOWN : all;
  }
  #call(name: string, args: readonly unknown[] | typeof UNKNOWN): unknown {
    const make = this.#vocabulary[name];
    if (args === UNKNOWN || typeof make !== "function" || REGISTERS.has(name)) return UNKNOWN;
    try {
      return make(...args);
    } catch (error) {
      // The vocabulary says so itself when the script runs, with the script's line.
      if (error instanceof SondeError) return UNKNOWN;
      throw error;
    }
  }
  /** One map stays one map, however many handlers capture it. */
  #once(capture: Capture): unknown {
    const key = `${capture.from.kind === "module" ? capture.from.file : "inner"}:${capture.name}.${capture.path.join(".")}:${JSON.stringify(capture.known)}`;
    if (!this.#made.has(key)) this.#made.set(key, this.#evaluate(capture.known));
    return this.#made.get(key);
  }
  of(capture: Capture): CaptureValue {
    const { known } = capture;
    switch (known.kind) {
      case "int":
        return { kind: "int", value: BigInt(known.value) };
      case "bool":
        return { kind: "bool", value: known.value };
      case "string":
        return { kind: "string", value: known.value };
      case "someInt":
        return { kind: "some", type: "int" };
      case "someBool":
        return { kind: "some", type: "bool" };
      case "someString":
        return { kind: "some", type: "string" };
      case "array":
        return { kind: "array", items: known.items.map((item, i) => this.of({ ...capture, path: [...capture.path, String(i)], known: item })) };
      case "object":
        return {
          kind: "object",
          properties: Object.fromEntries(
            known.properties.map(({ name, value }) => [name, this.of({ ...capture, path: [...capture.path, name], known: value })]),
          ),
        };
      case "unknown":
        return { kind: "unknown" };
      case "call":
      case "name":
        return this.#constructed(capture);
    }
  }
  #constructed(capture: Capture): CaptureValue {
    if (capture.known.kind === "call" && REGISTERS.has(capture.known.name)) return { kind: "probe", probe: 0 };
    const value = this.#once(capture);
    const schema = value === UNKNOWN ? undefined : schemaOf(value);
    if (schema !== undefined) return { kind: "schema", schema };
    if (!(value instanceof State)) return { kind: "unknown" };
    let state = this.states.findIndex((one) => one.state === value);
    if (state < 0) state = this.states.push({ state: value, name: capture.name }) - 1;
    return { kind: "state", state };
  }
}

interface Functions {
  readonly signature: Signature | undefined;
  readonly names: readonly string[];
  readonly goroutineId: number | undefined;
  readonly convention: Convention | "mixed";
  readonly diagnostics: readonly Diagnostic[];
}

/** The functions that the targets name here; one that isn't on this machine is only warned of, for the script may be meant for another. */
function functionsOf(handler: HandlerHir, files: readonly DiagnosedFile[]): Functions {
  const targets = handler.targets ?? [];
  const sites: NamedFunctions["sites"][number][] = [];
  const from: number[] = [];
  const found: FunctionSite[] = [];
  let complete = true;
  const diagnostics: Diagnostic[] = [];
  const { register } = handler;
  for (const [index, target] of targets.entries()) {
    try {
      const resolved = resolveProbe(target, kindOf(register), { mode: hasReturn(handler) ? "leave" : "entry" });
      found.push(...resolved.sites);
      for (const site of resolved.sites) from.push(sites.push(site) && index);
    } catch (error) {
      if (!(error instanceof SondeError)) throw error;
      complete = false;
      const { place } = kindOf(register) === "function" && target.includes(":") ? parseTarget(target) : { place: undefined };
      if (place?.kind === "function") from.push(sites.push({ name: place.name, aliases: [] }) && index);
      const file = files[handler.file]?.path ?? "-e";
      diagnostics.push(
        warning(
          "SONDE_C_TARGET",
          { file, start: handler.span[0], end: handler.span[1] },
          { message: `${target}: ${error.message}`, ...(error.why ? { cause: error.why } : {}), ...(error.mend ? { mend: error.mend } : {}) },
        ),
      );
    }
  }
  const signature = complete && found.length > 0 ? signatureFor(handler, { targets, sites: found, from }) : shippedFor({ targets, sites, from });
  // Programs that aren't here may be Go's, of any version.
  const goroutineId = complete ? goroutineIdOf(found) : goroutineIdOffset(17);
  return { signature, names: sites.map(({ name }) => name), goroutineId, convention: conventionOf(found) ?? "mixed", diagnostics };
}

/** Of the first of the sites that the handler is compiled for together. */
const signatureFor = (handler: HandlerHir, places: Pick<ProbePlaces, "sites" | "targets" | "from">): Signature | undefined =>
  variantsOf(handler, places, (site) => signatureOfPlace(places, site))[0]?.signature;

const shippedFor = (functions: NamedFunctions): Signature | undefined => (functions.sites.length === 0 ? undefined : commonSignature(functions));

async function checkUnit(unit: ScriptUnit): Promise<Diagnostic[]> {
  const captures = new StaticCaptures(idleScope());
  const functions: string[] = [];
  const found: Diagnostic[] = [];
  const probes: LowerProbe[] = unit.handlers.map((handler, probe) => {
    const { signature, names, goroutineId, convention, diagnostics } = functionsOf(handler, unit.files);
    found.push(...diagnostics);
    const first = functions.length;
    functions.push(...(names.length > 0 ? names : ["?"]));
    return {
      probe,
      handler,
      signature,
      goroutineId,
      convention,
      pids: undefined,
      text: handler.targets?.join(", ") ?? "?",
      captures: handler.captures.map((capture) => captures.of(capture)),
      functions: functions.slice(first).map((_, i) => first + i),
    };
  });
  const states = captures.states.map(({ state, name }) => ({ name, spec: state.spec }));
  const calls = probes.some(({ handler }) => handler.shape.kind === "call");
  const lowered = (engine: Engine): readonly Diagnostic[] => {
    const target = engine.target({ filter: NOTHING_ARMED, sites: probes.length, calls });
    return lower({ files: unit.files, states, functions, probes, target, unsafe: true, kernelTypes: taskTypes }).diagnostics;
  };
  const diagnostics = lowered(await loadEngine("kernel"));
  const need = needOf(diagnostics);
  return [...found, ...(need === undefined ? diagnostics : lowered(await loadEngine(need.engine)))];
}

/** All that the compiler has to say of a script, whose host code isn't run. */
export async function checkScript(source: ScriptSource): Promise<Checked> {
  try {
    const { unit, diagnostics } = await compiled(source);
    return { diagnostics: inOrder([...diagnostics, ...(await checkUnit(unit))]), files: unit.files };
  } catch (error) {
    if (!(error instanceof ScriptErrors)) throw error;
    const further = error.accepted === undefined ? [] : await checkUnit(error.accepted);
    return { diagnostics: inOrder([...error.diagnostics, ...further]), files: error.files };
  }
}

/** Each file's from its top to its end, the files in the order in which they come up. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ file }) => file))];
  return [...diagnostics].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.start - b.start);
}

export interface Explained {
  readonly image: SessionImage;
  /** The probes' targets as written. */
  readonly targets: readonly string[];
  /** What isn't compiled: `intercept("libc:open")`. */
  readonly hostCode: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** As a run would do it by itself: for the kernel, unless the script uses what another engine has. */
async function lowerForAny(request: Omit<Parameters<typeof lowerScript>[0], "engine">): Promise<LoweredScript> {
  try {
    return lowerScript({ ...request, engine: await loadEngine("kernel") });
  } catch (error) {
    const need = error instanceof ScriptErrors ? needOf(error.diagnostics) : undefined;
    if (need === undefined) throw error;
    return lowerScript({ ...request, engine: await loadEngine(need.engine) });
  }
}

/** Runs the script's host code and compiles its handlers as a run would, and arms nothing. Throws ScriptErrors. */
export async function explainScript(source: ScriptSource, params: ParamValues): Promise<Explained> {
  const { unit, diagnostics } = await compiled(source);
  const returns = new Set(unit.handlers.filter(hasReturn).map(({ id }) => id));
  const scope = new Scope({
    params,
    pids: [],
    unsafe: true,
    actions: NO_ACTIONS,
    modeOf: (handler) => (returns.has(handler) ? "leave" : "entry"),
    resolve: (target, kind, mode, pids) => resolveProbe(target, kind, { mode, pids }),
  });
  const loaded = await loadScript(unit, source, scope, makeVocabulary(scope));
  try {
    scope.params.refuseUnknown();
    scope.seal();
    const lowered = await lowerForAny({ unit, scope, named: namedStates(unit, scope), filter: NOTHING_ARMED, unsafe: true });
    return {
      image: lowered.image,
      targets: scope.probes.map(({ probe }) => probe.target),
      hostCode: scope.intercepts.map(({ what }) => what),
      diagnostics: [...diagnostics, ...lowered.diagnostics],
    };
  } finally {
    loaded.forget();
  }
}
