/** Captured names: constants become constants, maps become maps, anything else is said to be neither. */
import * as problem from "../diagnostics/lowering.ts";
import type { Span } from "../hir/types.ts";
import type { CaptureValue } from "./input.ts";
import type { Program } from "./program.ts";
import { bool, constant, I64_MIN, i64, U64_MAX, UNDEFINED, type Value } from "./value.ts";

export function captured(p: Program, id: number, span: Span): Value {
  const capture = p.probe.handler.captures[id];
  const value = p.probe.captures[id] ?? { kind: "unknown" };
  const name = capture ? [capture.name, ...capture.path].join(".") : "it";
  return fromCapture(p, value, name, span);
}

export function fromCapture(p: Program, value: CaptureValue, name: string, span: Span): Value {
  switch (value.kind) {
    case "int":
      if (value.value > U64_MAX || value.value < I64_MIN) p.fail(problem.integerTooLarge(p.place(span), `\`${name}\` (${value.value})`));
      return constant(value.value);
    case "bool":
      return bool(value.value ? 1n : 0n);
    case "string":
      return { k: "text", text: value.value };
    case "undefined":
      return UNDEFINED;
    case "some":
      if (value.type === "int") return i64(p.b.temp());
      if (value.type === "bool") return bool(p.b.temp());
      return { k: "string", base: p.zeroed(72), offset: 0, cap: 64, cut: 0n };
    case "object":
    case "array":
      return { k: "constant", value };
    case "state":
      return { k: "state", state: value.state };
    case "schema":
      return { k: "schema", schema: value.schema };
    case "probe":
      return { k: "probe", probe: value.probe };
    case "unknown":
      return { k: "unknown" };
    case "invalid":
      return p.fail(problem.captureInvalid(p.place(span), name, value.why));
  }
}
