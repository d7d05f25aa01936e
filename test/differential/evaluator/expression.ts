/** Expressions of the handler language, translated to functions that compute them. */
import ts from "typescript";
import { call } from "./call.ts";
import { contextMember } from "./context.ts";
import { cut, int, join, OTHER, ofConstant, type Type } from "./kind.ts";
import { bare, fromHost, type HandlerFunction, Registered, Schema } from "./module.ts";
import { arithmetic, equal, kindOf, ordered, resultType } from "./operator.ts";
import { stored, truthy } from "./shape.ts";
import { type Code, type Frame, isCode, isThing, type Scope, type Thing, type Translation, typeOf, unsupported } from "./translate.ts";
import { Bytes, Fields, Text, type Value } from "./value.ts";

/** What `?.` gives inside a chain when there is nothing to go on with. */
export const SHORT = Symbol("short");

export const constant = (value: Value, type: Type = OTHER): Code => ({ type, run: () => value });

/** The static type of a constant, objects and all. */
export function typeOfValue(value: Value): Type {
  if (typeof value === "bigint") return ofConstant(value);
  if (value instanceof Fields) return { k: "object", fields: new Map([...value.values].map(([name, v]) => [name, typeOfValue(v)])) };
  return OTHER;
}

/** A function literal, or the name of a function. */
export function functionThing(node: ts.Expression, scope: Scope): Thing | undefined {
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return { thing: "function", node: node as HandlerFunction, scope };
  if (!ts.isIdentifier(node)) return undefined;
  const binding = scope.find(node.text);
  return isThing(binding) && binding.thing === "function" ? binding : undefined;
}

/** What an expression stands for, if it isn't a value. */
export function thing(t: Translation, written: ts.Expression, scope: Scope): Thing | undefined {
  const node = bare(written);
  const fn = functionThing(node, scope);
  if (fn !== undefined) return fn;
  if (ts.isIdentifier(node)) {
    const binding = scope.find(node.text);
    if (binding !== undefined) return isThing(binding) ? binding : undefined;
    if (t.module.values.has(node.text)) {
      const value = t.module.values.get(node.text);
      const state = t.run.states.get(node.text);
      if (state !== undefined) return { thing: "state", state };
      if (value instanceof Schema) return { thing: "schema", shape: value.shape };
      if (value instanceof Registered) return { thing: "probe", index: value.index };
      return undefined;
    }
    return node.text === "undefined" ? undefined : { thing: "builtin", name: node.text };
  }
  if (ts.isPropertyAccessExpression(node)) {
    const object = thing(t, node.expression, scope);
    const part = object === undefined ? undefined : thingMember(t, object, node.name.text);
    return isThing(part) ? part : undefined;
  }
  return undefined;
}

export function thingMember(t: Translation, object: Thing, name: string): Code | Thing | undefined {
  switch (object.thing) {
    case "context":
    case "args":
    case "regs":
      return contextMember(t, object.thing, name);
    case "state":
      return name === "length" && object.state.shape.s === "array" ? constant(BigInt(object.state.shape.length), int("either")) : undefined;
    default:
      return undefined;
  }
}

/** `discarded`: a statement, whose value nobody sees. */
export function expression(t: Translation, node: ts.Expression, scope: Scope, discarded = false): Code {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isNonNullExpression(node) || ts.isSatisfiesExpression(node))
    return expression(t, node.expression, scope, discarded);
  if (ts.isNumericLiteral(node)) return constant(BigInt(node.text), int("either"));
  if (ts.isBigIntLiteral(node)) {
    const value = BigInt(node.text.slice(0, -1));
    return constant(value, ofConstant(value));
  }
  if (ts.isStringLiteralLike(node)) return constant(Text.of(node.text));
  if (node.kind === ts.SyntaxKind.TrueKeyword) return constant(true);
  if (node.kind === ts.SyntaxKind.FalseKeyword) return constant(false);
  if (node.kind === ts.SyntaxKind.NullKeyword) return constant(undefined);
  if (ts.isIdentifier(node)) return identifier(t, node, scope);
  if (ts.isPrefixUnaryExpression(node)) return prefix(t, node, scope);
  if (ts.isPostfixUnaryExpression(node)) return step(t, node.operand, node.operator === ts.SyntaxKind.PlusPlusToken ? "+" : "-", scope, true);
  if (ts.isBinaryExpression(node)) return binary(t, node, scope);
  if (ts.isConditionalExpression(node)) {
    const [test, then, otherwise] = [expression(t, node.condition, scope), expression(t, node.whenTrue, scope), expression(t, node.whenFalse, scope)];
    return { type: discarded ? OTHER : join(then.type, otherwise.type), run: (frame) => (truthy(test.run(frame)) ? then : otherwise).run(frame) };
  }
  if (ts.isVoidExpression(node)) {
    const code = expression(t, node.expression, scope, true);
    return { type: OTHER, run: (frame) => void code.run(frame) };
  }
  if (ts.isTypeOfExpression(node)) {
    const code = expression(t, node.expression, scope);
    return { type: OTHER, run: (frame) => Text.of(code.run(frame) === undefined ? "undefined" : "something") };
  }
  if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node)) {
    const code = link(t, node, scope);
    // Only the end of a chain turns what was cut short into undefined.
    const inside = ts.isOptionalChain(node.parent) && (node.parent as { expression?: ts.Node }).expression === node;
    return inside
      ? (code as Code)
      : {
          type: code.type,
          run: (frame) => {
            const value = code.run(frame) as Value | typeof SHORT;
            return value === SHORT ? undefined : value;
          },
        };
  }
  if (ts.isTaggedTemplateExpression(node)) return call.print(t, node, scope);
  if (ts.isObjectLiteralExpression(node)) return objectLiteral(t, node, scope);
  if (ts.isArrayLiteralExpression(node)) return fields(node.elements.map((element, index) => [String(index), expression(t, element, scope)] as const));
  if (ts.isTemplateExpression(node)) {
    const values = node.templateSpans.map((span) => expression(t, span.expression, scope));
    return {
      type: OTHER,
      run: (frame) => Text.of(node.head.text + node.templateSpans.map((span, i) => show(values[i]!.run(frame)) + span.literal.text).join("")),
    };
  }
  return unsupported(node);
}

const show = (value: Value): string => (value instanceof Text ? Buffer.from(value.bytes).toString() : String(value));

function identifier(t: Translation, node: ts.Identifier, scope: Scope): Code {
  const binding = scope.find(node.text);
  if (isCode(binding)) return binding;
  if (binding !== undefined && "cell" in binding) {
    const { cell } = binding;
    return { type: typeOf(cell), run: (frame) => frame.get(cell) };
  }
  if (node.text === "undefined") return constant(undefined);
  if (binding === undefined && t.module.values.has(node.text)) {
    const value = fromHost(t.module.values.get(node.text));
    return constant(value, typeOfValue(value));
  }
  return unsupported(node);
}

function prefix(t: Translation, node: ts.PrefixUnaryExpression, scope: Scope): Code {
  if (node.operator === ts.SyntaxKind.PlusPlusToken) return step(t, node.operand, "+", scope, false);
  if (node.operator === ts.SyntaxKind.MinusMinusToken) return step(t, node.operand, "-", scope, false);
  const operand = expression(t, node.operand, scope);
  const kind = kindOf(operand.type);
  switch (node.operator) {
    case ts.SyntaxKind.MinusToken:
      return { type: int("i64"), run: (frame) => cut("i64", -number(operand.run(frame))) };
    case ts.SyntaxKind.PlusToken:
      return operand;
    case ts.SyntaxKind.TildeToken: {
      const result = kind === "u64" ? "u64" : "i64";
      return { type: int(result), run: (frame) => cut(result, ~number(operand.run(frame))) };
    }
    default:
      return { type: OTHER, run: (frame) => !truthy(operand.run(frame)) };
  }
}

export function number(value: Value): bigint {
  if (typeof value !== "bigint") throw new Error(`an integer was expected, and there was ${String(value)}`);
  return value;
}

function binary(t: Translation, node: ts.BinaryExpression, scope: Scope): Code {
  const op = node.operatorToken.getText();
  if (op === ",") {
    const [first, second] = [expression(t, node.left, scope, true), expression(t, node.right, scope)];
    return {
      type: second.type,
      run: (frame) => {
        first.run(frame);
        return second.run(frame);
      },
    };
  }
  if (op === "=") return assignment(t, node, scope, (_, value) => value, false);
  if (op === "&&=" || op === "||=" || op === "??=") return logicalAssignment(t, node, op, scope);
  if (op.endsWith("=") && !["===", "!==", "==", "!=", "<=", ">="].includes(op))
    return assignment(t, node, scope, (before, value) => operate(op.slice(0, -1), before, value), true);
  const [left, right] = [expression(t, node.left, scope), expression(t, node.right, scope)];
  switch (op) {
    case "&&":
      return {
        type: join(left.type, right.type),
        run: (frame) => {
          const value = left.run(frame);
          return truthy(value) ? right.run(frame) : value;
        },
      };
    case "||":
      return {
        type: join(left.type, right.type),
        run: (frame) => {
          const value = left.run(frame);
          return truthy(value) ? value : right.run(frame);
        },
      };
    case "??":
      return { type: join(left.type, right.type), run: (frame) => left.run(frame) ?? right.run(frame) };
    case "===":
    case "==":
      return { type: OTHER, run: (frame) => equal(left.run(frame), right.run(frame)) };
    case "!==":
    case "!=":
      return { type: OTHER, run: (frame) => !equal(left.run(frame), right.run(frame)) };
    case "<":
    case "<=":
    case ">":
    case ">=":
      return {
        type: OTHER,
        run: (frame) => {
          const a = number(left.run(frame));
          return ordered(op, a, number(right.run(frame)));
        },
      };
    default:
      return operate(op, left, right);
  }
}

function operate(op: string, left: Code, right: Code): Code {
  const type = resultType(op, left.type, right.type);
  const [kind, leftKind] = [kindOf(type), kindOf(left.type)];
  return {
    type,
    run: (frame) => {
      const a = number(left.run(frame));
      return arithmetic(op, a, number(right.run(frame)), kind, leftKind);
    },
  };
}

/** A place that can be written: how to read it, and how to write it; the object and the key are found once. */
interface Place {
  readonly type: Type;
  open(frame: Frame): { read(): Value; write(value: Value): void };
}

function place(t: Translation, written: ts.Expression, scope: Scope): Place & { assigned(type: Type): void } {
  const node = bare(written);
  if (ts.isIdentifier(node)) {
    const binding = scope.find(node.text);
    if (binding === undefined || !("cell" in binding)) return unsupported(node);
    const { cell } = binding;
    return {
      type: typeOf(cell),
      assigned: (type) => t.assign(cell, type),
      open: (frame) => ({ read: () => frame.get(cell), write: (value) => void frame.set(cell, value) }),
    };
  }
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return unsupported(node);
  const object = expression(t, node.expression, scope);
  const key = ts.isPropertyAccessExpression(node) ? constant(Text.of(node.name.text)) : expression(t, node.argumentExpression, scope);
  const staticName = ts.isPropertyAccessExpression(node)
    ? node.name.text
    : ts.isStringLiteralLike(node.argumentExpression) || ts.isNumericLiteral(node.argumentExpression)
      ? node.argumentExpression.text
      : undefined;
  const type = object.type.k === "object" && staticName !== undefined ? (object.type.fields.get(staticName) ?? OTHER) : OTHER;
  return {
    type,
    assigned: () => {},
    open: (frame) => {
      const target = object.run(frame) as Fields;
      const name = show(key.run(frame));
      const shape = target.shape?.fields.find(([field]) => field === name)?.[1];
      return { read: () => target.get(name), write: (value) => void target.values.set(name, shape === undefined ? value : stored(shape, value)) };
    },
  };
}

function assignment(t: Translation, node: ts.BinaryExpression, scope: Scope, compute: (before: Code, value: Code) => Code, reads: boolean): Code {
  const target = place(t, node.left, scope);
  const value = expression(t, node.right, scope);
  const { type } = compute(constant(undefined, target.type), value);
  target.assigned(type);
  return {
    type,
    run: (frame) => {
      const at = target.open(frame);
      // The old value is taken before the right side is computed, as JavaScript does.
      const before = reads ? at.read() : undefined;
      const after = compute(constant(before, target.type), value).run(frame);
      at.write(after);
      return after;
    },
  };
}

function logicalAssignment(t: Translation, node: ts.BinaryExpression, op: "&&=" | "||=" | "??=", scope: Scope): Code {
  const target = place(t, node.left, scope);
  const value = expression(t, node.right, scope);
  target.assigned(value.type);
  return {
    type: join(target.type, value.type),
    run: (frame) => {
      const at = target.open(frame);
      const before = at.read();
      const done = op === "??=" ? before !== undefined : truthy(before) === (op === "||=");
      if (done) return before;
      const after = value.run(frame);
      at.write(after);
      return after;
    },
  };
}

/** `++` and `--`: as `+ 1` and `- 1`. */
function step(t: Translation, operand: ts.Expression, op: "+" | "-", scope: Scope, postfix: boolean): Code {
  const target = place(t, operand, scope);
  const one = constant(1n, int("either"));
  const type = resultType(op, target.type, one.type);
  target.assigned(type);
  return {
    type: postfix ? target.type : type,
    run: (frame) => {
      const at = target.open(frame);
      const before = at.read();
      const after = operate(op, { type: target.type, run: () => before }, one).run(frame);
      at.write(after);
      return postfix ? before : after;
    },
  };
}

function objectLiteral(t: Translation, node: ts.ObjectLiteralExpression, scope: Scope): Code {
  const parts = node.properties.map((property) => {
    if (ts.isSpreadAssignment(property)) return { spread: expression(t, property.expression, scope) };
    if (ts.isShorthandPropertyAssignment(property)) return { name: property.name.text, code: expression(t, property.name, scope) };
    if (ts.isPropertyAssignment(property)) return { name: (property.name as ts.Identifier).text, code: expression(t, property.initializer, scope) };
    return unsupported(property);
  });
  const types = new Map<string, Type>();
  for (const part of parts) {
    if (part.spread === undefined) types.set(part.name!, part.code!.type);
    else if (part.spread.type.k === "object") for (const [name, type] of part.spread.type.fields) types.set(name, type);
  }
  return {
    type: { k: "object", fields: types },
    run: (frame) => {
      const result = new Fields();
      for (const part of parts) {
        if (part.spread === undefined) result.values.set(part.name!, part.code!.run(frame));
        else for (const [name, value] of (part.spread.run(frame) as Fields).values) result.values.set(name, value);
      }
      return result;
    },
  };
}

function fields(parts: readonly (readonly [string, Code])[]): Code {
  return {
    type: { k: "object", fields: new Map(parts.map(([name, code]) => [name, code.type])) },
    run: (frame) => {
      const result = new Fields();
      for (const [name, code] of parts) result.values.set(name, code.run(frame));
      return result;
    },
  };
}

/** One link of a chain: a member, an index, a call. */
function link(t: Translation, node: ts.PropertyAccessExpression | ts.ElementAccessExpression | ts.CallExpression, scope: Scope): Code {
  if (ts.isCallExpression(node)) return call.any(t, node, scope);
  if (ts.isPropertyAccessExpression(node)) {
    const object = thing(t, node.expression, scope);
    if (object !== undefined) {
      const part = thingMember(t, object, node.name.text);
      if (isCode(part)) return part;
      return unsupported(node);
    }
  }
  const object = expression(t, node.expression, scope);
  const optional = node.questionDotToken !== undefined;
  const guard =
    (read: (object: Value, frame: Frame) => Value) =>
    (frame: Frame): Value => {
      const value = object.run(frame) as Value | typeof SHORT;
      if (value === SHORT || (optional && value === undefined)) return SHORT as unknown as Value;
      return read(value, frame);
    };
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.name.text;
    const known = object.type.k === "object" ? object.type.fields : undefined;
    if (name === "length" && known === undefined) return { type: int("i64"), run: guard((value) => lengthOf(value)) };
    if (name === "length" && known?.has("length") === false) return constant(BigInt(known.size), int("either"));
    return { type: known?.get(name) ?? OTHER, run: guard((value) => member(value, name)) };
  }
  const index = expression(t, node.argumentExpression, scope);
  let type: Type | undefined;
  const name = ts.isStringLiteralLike(node.argumentExpression) || ts.isNumericLiteral(node.argumentExpression) ? node.argumentExpression.text : undefined;
  if (object.type.k !== "object") type = int("i64");
  else if (name !== undefined) type = object.type.fields.get(name);
  else for (const item of object.type.fields.values()) type = join(type, item);
  return {
    type: type ?? OTHER,
    run: guard((value, frame) => {
      const key = index.run(frame);
      if (value instanceof Bytes) return value.bytes[Number(key)] === undefined ? undefined : BigInt(value.bytes[Number(key)]!);
      return member(value, show(key));
    }),
  };
}

function member(value: Value, name: string): Value {
  if (!(value instanceof Fields)) throw new Error(`.${name} of what isn't an object`);
  return value.get(name);
}

function lengthOf(value: Value): bigint {
  if (value instanceof Text || value instanceof Bytes) return BigInt(value.bytes.length);
  throw new Error("the length of what has none");
}
