/**
 * From a handler's syntax tree to functions that compute it. Every integer has a kind before it runs (the operator
 * table asks for it), so a handler is translated again and again until the kinds of its locals settle.
 */
import ts from "typescript";
import { join, OTHER, same, type Type } from "./kind.ts";
import type { HandlerFunction, Module } from "./module.ts";
import type { Hit, Run } from "./run.ts";
import type { Shape } from "./shape.ts";
import type { State } from "./state.ts";
import type { Value } from "./value.ts";

/** A local: all its assignments give it one kind. */
export class Cell {
  type: Type | undefined;
}
/** There is no recursion, so each local lives once. */
export type Frame = Map<Cell, Value>;

/** An expression, translated. */
export interface Code {
  readonly type: Type;
  run(frame: Frame): Value;
}

/** What only has a meaning, not a value: the context, maps, types, functions. */
export type Thing =
  | { readonly thing: "context" }
  | { readonly thing: "args" }
  | { readonly thing: "regs" }
  | { readonly thing: "state"; readonly state: State }
  | { readonly thing: "schema"; readonly shape: Shape }
  | { readonly thing: "probe"; readonly index: number }
  | { readonly thing: "builtin"; readonly name: string }
  | { readonly thing: "function"; readonly node: HandlerFunction; readonly scope: Scope };

export type Binding = { readonly cell: Cell } | Thing | Code;

export class Scope {
  readonly names = new Map<string, Binding>();
  readonly parent: Scope | undefined;
  constructor(parent?: Scope) {
    this.parent = parent;
  }
  find(name: string): Binding | undefined {
    return this.names.get(name) ?? this.parent?.find(name);
  }
}

export interface Prototype {
  readonly params: readonly { readonly name: string; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }[];
  readonly ret: { readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean };
}

/** What is at hand while one handler is translated. */
export class Translation {
  readonly module: Module;
  readonly run: Run;
  readonly global: Scope;
  readonly prototype: Prototype | undefined;
  readonly phase: "entry" | "return";
  readonly cells = new Map<string, Cell>();
  /** Which calls led here: helpers are translated anew for each. */
  path = "";
  changed = false;
  /** The hit that is being handled, while the translated code runs. */
  hit!: Hit;
  probe = "";

  constructor(module: Module, run: Run, global: Scope, prototype: Prototype | undefined, phase: "entry" | "return") {
    this.module = module;
    this.run = run;
    this.global = global;
    this.prototype = prototype;
    this.phase = phase;
  }

  cell(node: ts.Node): Cell {
    const key = `${this.path}:${node.pos}`;
    const cell = this.cells.get(key) ?? new Cell();
    this.cells.set(key, cell);
    return cell;
  }

  assign(cell: Cell, type: Type): void {
    const joined = join(cell.type, type);
    if (!same(cell.type, joined)) {
      cell.type = joined;
      this.changed = true;
    }
  }
}

export function unsupported(node: ts.Node): never {
  throw new Error(`the evaluator doesn't know ${ts.SyntaxKind[node.kind]}: ${node.getText()}`);
}

export const typeOf = (cell: Cell): Type => cell.type ?? OTHER;
export const isThing = (binding: Binding | undefined): binding is Thing => binding !== undefined && "thing" in binding;
export const isCode = (binding: Binding | undefined): binding is Code => binding !== undefined && "run" in binding;
