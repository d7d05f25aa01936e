/** Calls: of maps and aggregates, of the vocabulary, of text, of helper functions. */
import ts from "typescript";
import { constant, expression, number, SHORT, thing } from "./expression.ts";
import { int, join, OTHER, ofShape, type Type } from "./kind.ts";
import { intShape, isIntName } from "./module.ts";
import { kindOf } from "./operator.ts";
import { encode, type Shape, sizeOf, stored, truthy } from "./shape.ts";
import { Slot, type State } from "./state.ts";
import { functionBody } from "./statement.ts";
import { type Code, type Frame, type Scope, type Thing, type Translation, unsupported } from "./translate.ts";
import { Bytes, Fields, Formatted, Text, type Value } from "./value.ts";

export const call = { any, print };

const MATH = new Set(["min", "max", "abs", "trunc", "clz32", "floor", "ceil", "round"]);

function any(t: Translation, node: ts.CallExpression, scope: Scope): Code {
  const callee = node.expression;
  const target = thing(t, callee, scope);
  if (target?.thing === "function") return helper(t, node, target, scope);
  if (target?.thing === "schema" || (target?.thing === "builtin" && isIntName(target.name))) {
    const shape = target.thing === "schema" ? target.shape : intShape(target.name);
    const value = expression(t, node.arguments[0]!, scope);
    return { type: ofShape(shape), run: (frame) => stored(shape, value.run(frame)) };
  }
  if (target?.thing === "builtin") return builtin(t, node, target.name, scope);
  if (ts.isPropertyAccessExpression(callee)) {
    const object = thing(t, callee.expression, scope);
    const method = callee.name.text;
    if (object?.thing === "state") return stateCall(t, node, object.state, method, scope);
    if (object?.thing === "context" && method === "arg") {
      const index = expression(t, node.arguments[0]!, scope);
      return { type: int("i64"), run: (frame) => BigInt.asIntN(64, t.hit.args[Number(number(index.run(frame)))]!) };
    }
    if (object?.thing === "probe" && method === "detach") return { type: OTHER, run: () => void t.run.outputs.push({ o: "detach", probe: object.index }) };
    if (object?.thing === "builtin" && object.name === "Math" && MATH.has(method)) return math(t, node, method, scope);
    const inner = ts.isCallExpression(callee.expression) ? callee.expression : undefined;
    if (method === "add" && inner !== undefined && ts.isPropertyAccessExpression(inner.expression) && inner.expression.name.text === "at") {
      const state = thing(t, inner.expression.expression, scope);
      if (state?.thing === "state") return addAt(t, node, inner, state.state, scope);
    }
    return textCall(t, node, callee, method, scope);
  }
  return unsupported(node);
}

function helper(t: Translation, node: ts.CallExpression, target: Thing & { thing: "function" }, scope: Scope): Code {
  const args = node.arguments.map((argument) => thing(t, argument, scope) ?? expression(t, argument, scope));
  const path = t.path;
  t.path = `${path}>${node.pos}`;
  const body = functionBody(t, target.node, target.scope, args);
  t.path = path;
  return body;
}

const miss = (t: Translation): undefined => void t.run.misses++;

/** A key as it is stored, or undefined if a part of it is. */
const keyOf = (state: State, value: Value): Value => (state.shape.s === "hash" ? stored(state.shape.key, value) : value);

function addAt(t: Translation, node: ts.CallExpression, at: ts.CallExpression, state: State, scope: Scope): Code {
  const key = expression(t, at.arguments[0]!, scope);
  const value = node.arguments.length === 0 ? constant(1n) : expression(t, node.arguments[0]!, scope);
  const shape = state.shape;
  return {
    type: OTHER,
    run: (frame) => {
      const k = keyOf(state, key.run(frame));
      const v = value.run(frame);
      if (k === undefined || v === undefined) return miss(t);
      if (shape.s === "array") {
        const slot = state.entries.get(String(k))?.value;
        if (slot === undefined) return miss(t);
        return void (slot as Slot).add(number(v));
      }
      if (shape.s !== "hash" || shape.aggregate === undefined) return unsupported(node);
      const entry = state.find(k) ?? state.insert(k, new Slot(shape.aggregate));
      return void (entry?.value as Slot | undefined)?.add(number(v));
    },
  };
}

function stateCall(t: Translation, node: ts.CallExpression, state: State, method: string, scope: Scope): Code {
  const args = node.arguments.map((argument) => expression(t, argument, scope));
  const arg = (index: number, frame: Frame): Value => args[index]?.run(frame);
  const { shape } = state;
  const valueShape: Shape | undefined = shape.s === "hash" || shape.s === "array" ? shape.value : shape.s === "variable" ? shape.shape : undefined;
  const valueType: Type = valueShape === undefined ? OTHER : ofShape(valueShape);
  const plain = (run: (frame: Frame) => Value, type: Type = OTHER): Code => ({ type, run });

  if (shape.s === "aggregate" && method === "add") {
    return plain((frame) => {
      const value = args.length === 0 ? 1n : arg(0, frame);
      return value === undefined ? miss(t) : void state.slot!.add(number(value));
    });
  }
  if (shape.s === "variable") {
    if (method === "get") return plain(() => state.current, valueType);
    if (method === "set")
      return plain((frame) => {
        const value = stored(shape.shape, arg(0, frame));
        if (value === undefined) return miss(t);
        state.current = value;
        return undefined;
      });
  }
  if (shape.s === "events" && method === "emit") {
    return plain((frame) => {
      const value = stored(shape.shape, arg(0, frame));
      if (value === undefined) return miss(t);
      t.run.outputs.push({ o: "event", state: state.name, bytes: Buffer.from(encodeAs(t, shape.shape, value)).toString("hex") });
      return undefined;
    });
  }
  if (shape.s === "hash" || shape.s === "array") {
    const key = (frame: Frame): Value => keyOf(state, arg(0, frame));
    switch (method) {
      case "get":
        return plain((frame) => {
          const k = key(frame);
          return k === undefined ? miss(t) : (state.find(k)?.value as Value);
        }, valueType);
      case "has":
        return plain((frame) => {
          const k = key(frame);
          if (k !== undefined) return state.find(k) !== undefined;
          miss(t);
          return false;
        });
      case "delete":
        return plain((frame) => {
          const k = key(frame);
          if (k !== undefined) return state.entries.delete(state.keyName(k));
          miss(t);
          return false;
        });
      case "set":
        return plain((frame) => {
          const k = key(frame);
          const value = stored(valueShape!, arg(1, frame));
          if (k === undefined || value === undefined) return miss(t);
          const entry = state.find(k);
          if (entry !== undefined) entry.value = value;
          else if (shape.s === "array") return miss(t);
          else state.insert(k, value);
          return undefined;
        });
      case "getOrInsert":
        return plain((frame) => {
          const k = key(frame);
          const value = stored(valueShape!, arg(1, frame));
          if (k === undefined || value === undefined) return miss(t);
          return (state.find(k) ?? state.insert(k, value))?.value as Value;
        }, valueType);
    }
  }
  return unsupported(node);
}

const encodeAs = (t: Translation, shape: Shape, value: Value): Uint8Array => encode(shape, value, t.run.functions);

function builtin(t: Translation, node: ts.CallExpression, name: string, scope: Scope): Code {
  const states = (): string[] =>
    node.arguments.flatMap((argument) => {
      const what = thing(t, argument, scope);
      return what?.thing === "state" ? [what.state.name] : [];
    });
  switch (name) {
    case "str":
      return text(t, node, scope);
    case "buf":
      return bytes(t, node, scope);
    case "read":
      return readValue(t, node, scope);
    case "hex":
    case "duration":
    case "sym": {
      const value = expression(t, node.arguments[0]!, scope);
      return { type: value.type, run: (frame) => new Formatted(name, value.run(frame)) };
    }
    case "exit": {
      const status = node.arguments.length === 0 ? constant(0n) : expression(t, node.arguments[0]!, scope);
      return {
        type: OTHER,
        run: (frame) => {
          t.run.outputs.push({ o: "exit", status: number(status.run(frame)) });
          t.run.stopped = true;
          return undefined;
        },
      };
    }
    case "clear": {
      const names = states();
      return { type: OTHER, run: () => void t.run.outputs.push({ o: "clear", states: names }) };
    }
    case "show": {
      const [state] = states();
      const options = node.arguments[1];
      const top =
        options !== undefined && ts.isObjectLiteralExpression(options)
          ? Number((options.properties[0] as ts.PropertyAssignment).initializer.getText())
          : undefined;
      return { type: OTHER, run: () => void t.run.outputs.push({ o: "show", state: state!, top }) };
    }
    case "Number": {
      const value = expression(t, node.arguments[0]!, scope);
      return {
        type: value.type.k === "int" ? value.type : int("i64"),
        run: (frame) => {
          const v = value.run(frame);
          return typeof v === "boolean" ? (v ? 1n : 0n) : v;
        },
      };
    }
    case "Boolean": {
      const value = expression(t, node.arguments[0]!, scope);
      return { type: OTHER, run: (frame) => truthy(value.run(frame)) };
    }
    default:
      return unsupported(node);
  }
}

function math(t: Translation, node: ts.CallExpression, name: string, scope: Scope): Code {
  const args = node.arguments.map((argument) => expression(t, argument, scope));
  const values = (frame: Frame): bigint[] => args.map((arg) => number(arg.run(frame)));
  const type = args.map((arg) => arg.type).reduce((a, b) => join(a, b));
  switch (name) {
    case "min":
      return { type, run: (frame) => values(frame).reduce((a, b) => (a < b ? a : b)) };
    case "max":
      return { type, run: (frame) => values(frame).reduce((a, b) => (a > b ? a : b)) };
    case "abs":
      return {
        type,
        run: (frame) => {
          const v = values(frame)[0]!;
          return v < 0n && kindOf(type) !== "u64" ? BigInt.asIntN(64, -v) : v;
        },
      };
    case "clz32":
      return { type: int("i64"), run: (frame) => BigInt(Math.clz32(Number(BigInt.asUintN(32, values(frame)[0]!)))) };
    default:
      return { type, run: (frame) => values(frame)[0] };
  }
}

/** `str(address, max = 64, length?)`. */
function text(t: Translation, node: ts.CallExpression, scope: Scope): Code {
  const [address, most, length] = node.arguments.map((argument) => expression(t, argument, scope));
  return {
    type: OTHER,
    run: (frame) => {
      const at = address!.run(frame);
      const max = most === undefined ? 64 : Number(most.run(frame));
      if (at === undefined) return undefined;
      const start = BigInt.asUintN(64, number(at));
      if (length !== undefined) {
        const given = number(length.run(frame));
        const data = readSome(t, start, given, max);
        if (data === undefined) return undefined;
        return new Text(data, BigInt(data.length) < given && data.indexOf(0) < 0);
      }
      const data: number[] = [];
      for (;;) {
        const byte = t.run.memory.read(start + BigInt(data.length), 1);
        if (byte === undefined) return undefined;
        if (byte[0] === 0) return new Text(Uint8Array.from(data));
        if (data.length === max) return new Text(Uint8Array.from(data), true);
        data.push(byte[0]!);
      }
    },
  };
}

/** `buf(address, max, length?)`. */
function bytes(t: Translation, node: ts.CallExpression, scope: Scope): Code {
  const [address, most, length] = node.arguments.map((argument) => expression(t, argument, scope));
  return {
    type: OTHER,
    run: (frame) => {
      const at = address!.run(frame);
      const max = Number(most!.run(frame));
      const given = length === undefined ? BigInt(max) : number(length.run(frame));
      if (at === undefined) return undefined;
      const data = readSome(t, BigInt.asUintN(64, number(at)), given, max);
      return data === undefined ? undefined : new Bytes(data);
    },
  };
}

const PAGE = 4096n;

/** `length` bytes, at most `max`; if they run into an unreadable page, those before it. A negative length is nothing at all. */
function readSome(t: Translation, start: bigint, length: bigint, max: number): Uint8Array | undefined {
  if (length < 0n) return undefined;
  if (length === 0n) return new Uint8Array();
  const size = length < BigInt(max) ? Number(length) : max;
  const whole = t.run.memory.read(start, size);
  const left = Number(PAGE - (start % PAGE));
  return whole ?? (left < size ? t.run.memory.read(start, left) : undefined);
}

/** `read(address, schema)`: raw bytes of the target by natural layout. */
function readValue(t: Translation, node: ts.CallExpression, scope: Scope): Code {
  const address = expression(t, node.arguments[0]!, scope);
  const what = thing(t, node.arguments[1]!, scope);
  const shape = what?.thing === "schema" ? what.shape : what?.thing === "builtin" && isIntName(what.name) ? intShape(what.name) : undefined;
  if (shape === undefined) return unsupported(node);
  return {
    type: ofShape(shape),
    run: (frame) => {
      const at = address.run(frame);
      if (at === undefined) return undefined;
      const data = t.run.memory.read(BigInt.asUintN(64, number(at)), sizeOf(shape));
      return data === undefined ? undefined : decode(shape, data, 0);
    },
  };
}

function decode(shape: Shape, data: Uint8Array, at: number): Value {
  switch (shape.t) {
    case "int": {
      let value = 0n;
      for (let i = shape.bits / 8 - 1; i >= 0; i--) value = (value << 8n) | BigInt(data[at + i]!);
      return shape.signed ? BigInt.asIntN(shape.bits, value) : value;
    }
    case "bool":
      return data[at] !== 0;
    case "struct": {
      const fields = new Fields(shape);
      let offset = 0;
      for (const [name, s] of shape.fields) {
        const align = s.t === "int" ? s.bits / 8 : s.t === "bool" ? 1 : 8;
        offset = Math.ceil(offset / align) * align;
        fields.values.set(name, decode(s, data, at + offset));
        offset += sizeOf(s);
      }
      return fields;
    }
    default:
      throw new Error(`read of ${shape.t} isn't among the evaluator's`);
  }
}

/** Methods of text and bytes. */
function textCall(t: Translation, node: ts.CallExpression, callee: ts.PropertyAccessExpression, method: string, scope: Scope): Code {
  const object = expression(t, callee.expression, scope);
  const args = node.arguments.map((argument) => expression(t, argument, scope));
  const optional = callee.questionDotToken !== undefined;
  return {
    type: OTHER,
    run: (frame) => {
      const value = object.run(frame) as Value | typeof SHORT;
      if (value === SHORT || (optional && value === undefined)) return SHORT as unknown as Value;
      const given = args.map((arg) => arg.run(frame));
      if (value instanceof Bytes && method === "equals") {
        const other = given[0];
        return other instanceof Bytes && Buffer.compare(value.bytes, other.bytes) === 0;
      }
      if (!(value instanceof Text)) return unsupported(node);
      const [mine, other] = [Buffer.from(value.bytes), given[0] instanceof Text ? Buffer.from(given[0].bytes) : Buffer.alloc(0)];
      switch (method) {
        case "startsWith":
          return mine.subarray(0, other.length).equals(other);
        case "endsWith":
          // The end of a cut text isn't known.
          return !value.cut && mine.length >= other.length && mine.subarray(mine.length - other.length).equals(other);
        case "includes":
          return mine.includes(other);
        case "slice": {
          const [from, to] = [given[0] === undefined ? 0 : Number(given[0]), given[1] === undefined ? mine.length : Number(given[1])];
          const end = to < 0 ? mine.length + to : Math.min(to, mine.length);
          return new Text(
            Uint8Array.from(mine.subarray(from < 0 ? Math.max(0, mine.length + from) : from, Math.max(0, end))),
            value.cut && end === mine.length,
          );
        }
        default:
          return unsupported(node);
      }
    },
  };
}

/** `` print`…` ``: the texts and the values between them. */
function print(t: Translation, node: ts.TaggedTemplateExpression, scope: Scope): Code {
  const template = node.template;
  const texts = ts.isNoSubstitutionTemplateLiteral(template)
    ? [template.text]
    : [template.head.text, ...template.templateSpans.map((span) => span.literal.text)];
  const values = ts.isNoSubstitutionTemplateLiteral(template) ? [] : template.templateSpans.map((span) => expression(t, span.expression, scope));
  return {
    type: OTHER,
    run: (frame) =>
      void t.run.outputs.push({ o: "print", texts, values: values.map((code) => copy(code.run(frame))), kinds: values.map((code) => kindOf(code.type)) }),
  };
}

const copy = (value: Value): Value => (value instanceof Fields ? value.copy() : value);
