/** What handlers captured, turned into values that the compiler takes; read when the session arms. */
import type { Capture } from "../compiler/hir/types.ts";
import type { CaptureValue } from "../compiler/lower/input.ts";
import { RegisteredProbe } from "./probe.ts";
import type { Registration } from "./registration.ts";
import type { Scope } from "./scope.ts";
import { State } from "./state/state.ts";
import { schemaOf } from "./vocabulary/schemas.ts";

/** The session's lists that captures index. */
export interface CaptureIndex {
  /** The state's index, made if new; `name` is what the capture calls it. */
  state(state: State, name: string): number;
  probe(probe: RegisteredProbe): number;
}

const MOST = 2n ** 64n - 1n;
const LEAST = -(2n ** 63n);
const invalid = (why: string): CaptureValue => ({ kind: "invalid", why });

function numberValue(value: number): CaptureValue {
  if (Number.isSafeInteger(value)) return { kind: "int", value: BigInt(value) };
  return invalid(Number.isInteger(value) ? `${value}, beyond 2^53 where numbers aren't exact (write it as a bigint)` : `${value}, not a whole number`);
}

function objectName(value: object): string {
  const name = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  const shown = typeof name === "string" && name !== "" ? name : "class instance";
  return `${/^[AEIOU]/.test(shown) ? "an" : "a"} ${shown}`;
}

function convert(value: unknown, name: string, scope: Scope, index: CaptureIndex, above: readonly object[]): CaptureValue {
  switch (typeof value) {
    case "undefined":
      return { kind: "undefined" };
    case "boolean":
      return { kind: "bool", value };
    case "string":
      return { kind: "string", value };
    case "number":
      return numberValue(value);
    case "bigint":
      return value >= LEAST && value <= MOST ? { kind: "int", value } : invalid(`${value}, beyond 64 bits`);
    case "symbol":
      return invalid("a symbol");
    default:
      break;
  }
  const schema = schemaOf(value);
  if (schema !== undefined) return { kind: "schema", schema };
  if (value === null) return invalid("null");
  if (typeof value === "function") return invalid("a function");
  const object = value as object;
  if (object instanceof State)
    return State.scopeOf(object) === scope ? { kind: "state", state: index.state(object, name) } : invalid("a map of another session");
  if (object instanceof RegisteredProbe) return { kind: "probe", probe: index.probe(object) };
  if (above.includes(object)) return invalid("a part of itself");
  const within = [...above, object];
  if (Array.isArray(object)) return { kind: "array", items: object.map((item, i) => convert(item, `${name}[${i}]`, scope, index, within)) };
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && prototype !== Object.prototype) return invalid(objectName(object));
  const properties: { [name: string]: CaptureValue } = Object.create(null);
  for (const [key, item] of Object.entries(object)) properties[key] = convert(item, `${name}.${key}`, scope, index, within);
  return { kind: "object", properties };
}

/** Own properties only: `limits.toString` names nothing. */
function follow(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as { readonly [name: string]: unknown })[name];
  }
  return value;
}

export function captureValues(captures: readonly Capture[], registration: Registration, scope: Scope, index: CaptureIndex): CaptureValue[] {
  const own = registration.captures();
  return captures.map((capture) => {
    const root = capture.from.kind === "module" ? scope.binding(capture.from.file, capture.name) : own[capture.name];
    return convert(follow(root, capture.path), [capture.name, ...capture.path].join("."), scope, index, []);
  });
}
