/** The host's half of a script: its top level is run as JavaScript with a vocabulary that only notes down what was made. */
import ts from "typescript";
import type { Shape } from "./shape.ts";
import type { AggregateKind, StateShape } from "./state.ts";
import { Bytes, Fields, Text, type Value } from "./value.ts";

/** Marks of what the vocabulary makes. */
export class Schema {
  readonly shape: Shape;
  constructor(shape: Shape) {
    this.shape = shape;
  }
}
export class Made {
  readonly shape: StateShape;
  constructor(shape: StateShape) {
    this.shape = shape;
  }
}
export class Registered {
  readonly index: number;
  readonly register: string;
  readonly targets: readonly string[];
  constructor(index: number, register: string, targets: readonly string[]) {
    this.index = index;
    this.register = register;
    this.targets = targets;
  }
}
export type HandlerFunction = ts.ArrowFunction | ts.FunctionExpression | ts.FunctionDeclaration | ts.MethodDeclaration;

export interface Probe {
  readonly registered: Registered;
  readonly run: HandlerFunction | undefined;
  readonly enter: HandlerFunction | undefined;
  readonly leave: HandlerFunction | undefined;
}

export interface Module {
  readonly source: ts.SourceFile;
  /** What each top-level name is worth. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Top-level functions by name. */
  readonly functions: ReadonlyMap<string, HandlerFunction>;
  readonly probes: readonly Probe[];
}

const ints = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"] as const;
export const intShape = (name: string): Shape & { t: "int" } => ({ t: "int", bits: Number(name.slice(1)) as 8 | 16 | 32 | 64, signed: name.startsWith("i") });
export const isIntName = (name: string): boolean => (ints as readonly string[]).includes(name);

const shapeOf = (schema: unknown): Shape => {
  if (schema instanceof Schema) return schema.shape;
  if (Array.isArray(schema)) return { t: "struct", fields: schema.map((part, i) => [String(i), shapeOf(part)] as const) };
  throw new Error("this isn't a schema");
};
const fieldsOf = (fields: unknown): Shape & { t: "struct" } =>
  fields instanceof Schema && fields.shape.t === "struct"
    ? fields.shape
    : { t: "struct", fields: Object.entries(fields as object).map(([name, schema]) => [name, shapeOf(schema)] as const) };

function vocabulary(registered: Registered[]): { readonly [name: string]: unknown } {
  const aggregate = (kind: AggregateKind): Made => new Made({ s: "aggregate", aggregate: kind });
  const contents = (value: unknown): { value: Shape | undefined; aggregate: AggregateKind | undefined } =>
    value instanceof Made && value.shape.s === "aggregate"
      ? { value: undefined, aggregate: value.shape.aggregate }
      : { value: shapeOf(value), aggregate: undefined };
  const register =
    (name: string) =>
    (target: string | readonly string[]): Registered => {
      const probe = new Registered(registered.length, name, typeof target === "string" ? [target] : target);
      registered.push(probe);
      return probe;
    };
  return {
    ...Object.fromEntries(ints.map((name) => [name, new Schema(intShape(name))])),
    bool: new Schema({ t: "bool" }),
    func: new Schema({ t: "func" }),
    comm: new Schema({ t: "cstring", length: 15 }),
    cstring: (length: number) => new Schema({ t: "cstring", length }),
    bytes: (length: number) => new Schema({ t: "bytes", length }),
    struct: (fields: object) => new Schema(fieldsOf(fields)),
    count: () => aggregate({ kind: "count" }),
    sum: () => aggregate({ kind: "sum" }),
    avg: () => aggregate({ kind: "avg" }),
    min: () => aggregate({ kind: "min" }),
    max: () => aggregate({ kind: "max" }),
    stats: () => aggregate({ kind: "stats" }),
    hist: (options?: { bits?: number }) => aggregate({ kind: "hist", bits: options?.bits ?? 0 }),
    lhist: (min: number, max: number, step: number) => aggregate({ kind: "lhist", min: BigInt(min), max: BigInt(max), step: BigInt(step) }),
    hash: (key: unknown, value: unknown, options?: { capacity?: number; full?: string }) =>
      new Made({ s: "hash", key: shapeOf(key), ...contents(value), capacity: options?.capacity ?? 10_240, evict: options?.full === "evict" }),
    array: (length: number, value: unknown) => new Made({ s: "array", length, ...contents(value) }),
    variable: (schema: unknown, initial: unknown) => new Made({ s: "variable", shape: shapeOf(schema), initial: fromHost(initial) }),
    events: (fields: unknown) => new Made({ s: "events", shape: fieldsOf(fields) }),
    param: (_name: string, otherwise: unknown) => otherwise,
    uprobe: register("uprobe"),
    uretprobe: register("uretprobe"),
  };
}

/** A constant of the host as a handler sees it. */
export function fromHost(value: unknown): Value {
  switch (typeof value) {
    case "number":
      return BigInt(value);
    case "bigint":
    case "boolean":
    case "undefined":
      return value;
    case "string":
      return Text.of(value);
    default: {
      if (value instanceof Uint8Array) return new Bytes(value);
      const fields = new Fields();
      for (const [name, inner] of Object.entries(value as object)) fields.values.set(name, fromHost(inner));
      return fields;
    }
  }
}

let latest: { readonly text: string; readonly module: Module } | undefined;

/** Nothing in a module changes when its handlers run, so that the one read last serves all its probes. */
export function loadModule(text: string): Module {
  if (latest?.text !== text) latest = { text, module: read(text) };
  return latest.module;
}

function read(text: string): Module {
  const source = ts.createSourceFile("script.ts", text, ts.ScriptTarget.ES2022, true);
  const functions = new Map<string, HandlerFunction>();
  const names: string[] = [];
  const calls: ts.CallExpression[] = [];
  let host = text;
  const blank = (from: number, to: number): void => {
    host = host.slice(0, from) + host.slice(from, to).replace(/[^\n]/g, " ") + host.slice(to);
  };
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) blank(statement.getStart(), statement.end);
    const keyword = ts.canHaveModifiers(statement) ? ts.getModifiers(statement)?.find((m) => m.kind === ts.SyntaxKind.ExportKeyword) : undefined;
    if (keyword !== undefined) blank(keyword.getStart(), keyword.end);
    if (ts.isFunctionDeclaration(statement) && statement.name !== undefined) functions.set(statement.name.text, statement);
    if (ts.isVariableStatement(statement)) {
      for (const { name, initializer } of statement.declarationList.declarations) {
        const literal = initializer === undefined ? undefined : bare(initializer);
        if (ts.isIdentifier(name) && literal !== undefined && (ts.isArrowFunction(literal) || ts.isFunctionExpression(literal)))
          functions.set(name.text, literal);
        collect(name, names);
      }
    }
    statement.forEachChild(function visit(node): void {
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && /^u(ret)?probe$/.test(node.expression.text)) calls.push(node);
      else if (!ts.isFunctionLike(node)) node.forEachChild(visit);
    });
  }
  const registered: Registered[] = [];
  const words = vocabulary(registered);
  const code = ts.transpileModule(host, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }).outputText;
  const run = new Function(...Object.keys(words), `"use strict";${code.replace(/^export \{\};?$/m, "")}\nreturn { ${names.join(", ")} };`) as (
    ...words: unknown[]
  ) => object;
  const values = new Map(Object.entries(run(...Object.values(words))));
  if (calls.length !== registered.length) throw new Error("the evaluator reads probes that are registered once each, at the top level");
  const probes = calls.map((call, index): Probe => {
    const given = bare(call.arguments[1]!);
    const literal = asFunction(given, functions);
    const part = (name: string): HandlerFunction | undefined => {
      if (!ts.isObjectLiteralExpression(given)) return undefined;
      const property = given.properties.find((p) => p.name !== undefined && ts.isIdentifier(p.name) && p.name.text === name);
      if (property === undefined) return undefined;
      return ts.isMethodDeclaration(property) ? property : ts.isPropertyAssignment(property) ? asFunction(bare(property.initializer), functions) : undefined;
    };
    return { registered: registered[index]!, run: literal, enter: part("enter"), leave: part("leave") };
  });
  return { source, values, functions, probes };
}

const asFunction = (node: ts.Expression, functions: ReadonlyMap<string, HandlerFunction>): HandlerFunction | undefined =>
  ts.isArrowFunction(node) || ts.isFunctionExpression(node) ? node : ts.isIdentifier(node) ? functions.get(node.text) : undefined;

function collect(name: ts.BindingName, names: string[]): void {
  if (ts.isIdentifier(name)) names.push(name.text);
  else for (const element of name.elements) if (ts.isBindingElement(element)) collect(element.name, names);
}

export function bare(node: ts.Expression): ts.Expression {
  let inner = node;
  while (ts.isParenthesizedExpression(inner) || ts.isAsExpression(inner) || ts.isNonNullExpression(inner) || ts.isSatisfiesExpression(inner))
    inner = inner.expression;
  return inner;
}
