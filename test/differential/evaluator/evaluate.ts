/**
 * A second reading of the handler language: a script and a list of hits in, what they leave behind out. It shares no
 * code with the compiler, follows the language's description alone, and computes on mathematical integers.
 */

import { type HandlerFunction, loadModule, Made, type Module, type Probe } from "./module.ts";
import type { Hit, Output, Run, UserMemory } from "./run.ts";
import { State } from "./state.ts";
import { functionBody } from "./statement.ts";
import { type Code, type Prototype, Scope, type Thing, Translation } from "./translate.ts";
import { Fields, type Value } from "./value.ts";

export interface Outcome {
  readonly states: ReadonlyMap<string, State>;
  readonly outputs: readonly Output[];
  readonly misses: number;
}

export interface EvaluateOptions {
  readonly memory: UserMemory;
  /** The session's table of function names. */
  readonly functions: readonly string[];
  readonly prototype?: Prototype;
}

interface Ready {
  readonly t: Translation;
  readonly code: Code;
  readonly setCarried: (value: Value) => void;
}

/** Rounds after which the kinds of a handler's locals must have settled. */
const MOST_TRANSLATIONS = 20;

export function evaluate(script: string, hits: readonly Hit[], options: EvaluateOptions): Outcome {
  const module = loadModule(script);
  const states = new Map<string, State>();
  for (const [name, value] of module.values) if (value instanceof Made) states.set(name, new State(name, value.shape, options.functions));
  const run: Run = { states, outputs: [], memory: options.memory, functions: options.functions, misses: 0, stopped: false };
  const handlers = new Map<number, ReturnType<typeof prepare>>();
  const handler = (probe: number): ReturnType<typeof prepare> => {
    const ready = handlers.get(probe) ?? prepare(module, run, module.probes[probe]!, options.prototype);
    handlers.set(probe, ready);
    return ready;
  };
  const carried = new Map<string, { value: Value }[]>();
  for (const hit of hits) {
    if (run.stopped) break;
    const { enter, leave, only } = handler(hit.probe);
    const stack = carried.get(`${hit.probe}/${hit.tid}`) ?? [];
    carried.set(`${hit.probe}/${hit.tid}`, stack);
    if (only !== undefined) perform(only, hit);
    else if (hit.at === "entry") stack.push({ value: copied(perform(enter!, hit)) });
    else {
      const at = stack.pop();
      if (at === undefined || (at.value === undefined && givesValue(module.probes[hit.probe]!.enter!))) continue;
      leave!.setCarried(at.value);
      perform(leave!, hit);
    }
  }
  return { states, outputs: run.outputs, misses: run.misses };
}

const copied = (value: Value): Value => (value instanceof Fields ? value.copy() : value);

/** Whether some path of `enter` gives a value: then a call for which it gave none has no `leave`. */
function givesValue(enter: HandlerFunction): boolean {
  return (
    /\breturn\b\s*[^;\s}]/.test(enter.getText()) || (enter.body !== undefined && enter.body.getText()[0] !== "{" && !enter.body.getText().startsWith("void "))
  );
}

function prepare(module: Module, run: Run, probe: Probe, prototype: Prototype | undefined): { enter?: Ready; leave?: Ready; only?: Ready } {
  const global = new Scope();
  for (const [name, node] of module.functions) global.names.set(name, { thing: "function", node, scope: global });
  const text = probe.registered.targets.join(", ");
  const phase = probe.registered.register === "uretprobe" ? "return" : "entry";
  if (probe.run !== undefined) return { only: translate(new Translation(module, run, global, prototype, phase), probe.run, text, undefined) };
  const enter = translate(new Translation(module, run, global, prototype, "entry"), probe.enter!, text, undefined);
  return { enter, leave: translate(new Translation(module, run, global, prototype, "return"), probe.leave!, text, enter.code) };
}

function translate(t: Translation, node: HandlerFunction, text: string, carried: Code | undefined): Ready {
  t.probe = text;
  let value: Value;
  const setCarried = (v: Value): void => {
    value = v;
  };
  const context: Thing = { thing: "context" };
  const at: Code | undefined = carried === undefined ? undefined : { type: carried.type, run: () => value };
  for (let round = 0; ; round++) {
    if (round > MOST_TRANSLATIONS) throw new Error("the kinds of a handler's locals don't settle");
    t.changed = false;
    const code = functionBody(t, node, t.global, at === undefined ? [context] : [context, at]);
    if (!t.changed) return { t, code, setCarried };
  }
}

function perform(ready: Ready, hit: Hit): Value {
  ready.t.hit = hit;
  return ready.code.run(new Map());
}
