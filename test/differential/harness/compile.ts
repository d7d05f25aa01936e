/** Scripts through the real front and back end, with the captures that the evaluator's host half found. */
import { fileURLToPath } from "node:url";
import type { Diagnostic } from "../../../src/compiler/diagnostics/diagnostic.ts";
import { compileScript } from "../../../src/compiler/frontend/compile.ts";
import type { ScriptUnit } from "../../../src/compiler/hir/types.ts";
import type { SessionImage } from "../../../src/compiler/image.ts";
import type { CaptureValue, LowerRequest, LowerResult } from "../../../src/compiler/lower/input.ts";
import { lower } from "../../../src/compiler/lower/lower.ts";
import type { Target } from "../../../src/compiler/target.ts";
import type { Signature } from "../../../src/schema/ctypes.ts";
import { bool, bytes, cstring, func, ints, struct } from "../../../src/schema/layout.ts";
import type { AggregateSpec, Schema, StateSpec } from "../../../src/schema/types.ts";
import { Schema as HostSchema, loadModule, Made, type Module, Registered } from "../evaluator/module.ts";
import type { Shape } from "../evaluator/shape.ts";
import { Bytes, Text } from "../evaluator/value.ts";

/** The functions that the fixture's probe may hit. */
export const FUNCTIONS: readonly string[] = ["probed"];

export interface CompiledScript {
  readonly unit: ScriptUnit | undefined;
  readonly module: Module;
  readonly diagnostics: readonly Diagnostic[];
}

const PATH = fileURLToPath(new URL("script.probe.ts", import.meta.url));

export function compileText(text: string): CompiledScript {
  const { unit, diagnostics } = compileScript({ path: PATH, text, readFile: () => undefined });
  return { unit, diagnostics, module: loadModule(text) };
}

export interface LoweredProbe {
  readonly result: LowerResult;
  readonly image: SessionImage | undefined;
  readonly states: readonly string[];
}

/** One probe of a script by itself, with only the states that it captures. */
export function lowerProbe(script: CompiledScript, probe: number, target: Target, signature?: Signature): LoweredProbe {
  const { unit, module } = script;
  const handler = unit!.handlers[probe]!;
  const names: string[] = [];
  const captures = handler.captures.map((capture): CaptureValue => {
    let value = module.values.get(capture.name);
    for (const name of capture.path) value = (value as { readonly [name: string]: unknown } | undefined)?.[name];
    return captureOf(value, module, names);
  });
  const states = names.map((name) => ({ name, spec: specOf(module.values.get(name) as Made) }));
  const request: LowerRequest = {
    files: unit!.files,
    states,
    functions: FUNCTIONS,
    target,
    unsafe: false,
    probes: [{ probe: 0, handler, captures, text: "fixture:probed", signature, pids: undefined, functions: [0] }],
  };
  const result = lower(request);
  return { result, image: result.image, states: names };
}

function captureOf(value: unknown, module: Module, names: string[]): CaptureValue {
  switch (typeof value) {
    case "number":
      return { kind: "int", value: BigInt(value) };
    case "bigint":
      return { kind: "int", value };
    case "boolean":
      return { kind: "bool", value };
    case "string":
      return { kind: "string", value };
    case "undefined":
      return { kind: "undefined" };
    default:
      break;
  }
  if (value instanceof Made) {
    const name = [...module.values].find(([, other]) => other === value)![0];
    if (!names.includes(name)) names.push(name);
    return { kind: "state", state: names.indexOf(name) };
  }
  if (value instanceof HostSchema) return { kind: "schema", schema: schemaOf(value.shape) };
  if (value instanceof Registered) return { kind: "probe", probe: value.index };
  if (Array.isArray(value)) return { kind: "array", items: value.map((item) => captureOf(item, module, names)) };
  return { kind: "object", properties: Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, captureOf(item, module, names)])) };
}

function schemaOf(shape: Shape): Schema {
  switch (shape.t) {
    case "int":
      return ints[`${shape.signed ? "i" : "u"}${shape.bits}` as keyof typeof ints];
    case "bool":
      return bool;
    case "func":
      return func;
    case "cstring":
      return cstring(shape.length);
    case "bytes":
      return bytes(shape.length);
    case "struct":
      return struct(
        shape.fields.map(([name, s]) => [name, schemaOf(s)] as const),
        shape.fields.length > 0 && shape.fields.every(([name], i) => name === String(i)),
      );
  }
}

function specOf({ shape }: Made): StateSpec {
  switch (shape.s) {
    case "aggregate":
      return { kind: "aggregate", aggregate: shape.aggregate };
    case "hash":
      return { kind: "hash", key: schemaOf(shape.key), value: contents(shape), capacity: shape.capacity, full: shape.evict ? "evict" : "drop" };
    case "array":
      return { kind: "array", length: shape.length, value: contents(shape) };
    case "variable":
      return {
        kind: "variable",
        schema: schemaOf(shape.shape),
        initial:
          shape.initial instanceof Text ? Buffer.from(shape.initial.bytes).toString() : shape.initial instanceof Bytes ? shape.initial.bytes : shape.initial,
      };
    case "events":
      return { kind: "events", schema: schemaOf(shape.shape) as Extract<Schema, { kind: "struct" }> };
  }
}

const contents = (shape: { readonly value: Shape | undefined; readonly aggregate: AggregateSpec | undefined }): Schema | AggregateSpec =>
  shape.aggregate ?? schemaOf(shape.value!);
