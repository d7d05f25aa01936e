/** What of its function's types a handler uses: only for that debug information is opened, and only in that its sites may differ. */
import type { HandlerHir } from "../../compiler/hir/types.ts";

export interface UsedTypes {
  /** Names of parameters and variables; "all" where the handler hands the whole set on. */
  readonly args: ReadonlySet<string> | "all";
  readonly vars: ReadonlySet<string> | "all";
  readonly ret: boolean;
  /** `x as Ptr<T>`: to a structure that the function's types lead to. */
  readonly casts: boolean;
  /** Functions are skipped: `c.unsafe.override()`. */
  readonly skips: boolean;
}

type Names = Set<string> | "all";

/** By the names of members alone: another object's `args` counts too, which costs no more than a look. */
export function usedTypes(handler: HandlerHir): UsedTypes {
  let args: Names = new Set<string>();
  let vars: Names = new Set<string>();
  let ret = false;
  let casts = false;
  let numbered = false;
  let skips = false;
  const note = (set: string, name: string | undefined): void => {
    if (set === "args") args = name === undefined || args === "all" ? "all" : args.add(name);
    if (set === "vars") vars = name === undefined || vars === "all" ? "all" : vars.add(name);
  };
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) {
      for (const item of node) visit(item);
      return;
    }
    const of = setOf(node);
    if (of !== undefined) {
      note(of.set, of.member);
      if (of.member !== undefined) return;
    }
    if ("k" in node && node.k === "member" && "name" in node && node.name === "ret") ret = true;
    if ("k" in node && node.k === "cast") casts = true;
    if ("k" in node && node.k === "member" && "name" in node && node.name === "override") skips = true;
    if ("k" in node && node.k === "member" && "name" in node && /^arg[0-5]?$/.test(String(node.name))) numbered = true;
    for (const value of Object.values(node)) visit(value);
  };
  visit(handler.functions);
  // Of a static probe they have places of their own as well.
  if (handler.register === "usdt" && numbered) args = "all";
  return { args, vars, ret, casts, skips };
}

interface Node {
  readonly k?: unknown;
  readonly object?: unknown;
  readonly name?: unknown;
  readonly index?: unknown;
  readonly value?: unknown;
}

/** `c.args.name`, `c.args["name"]`, or `c.args` itself. */
function setOf(node: Node): { readonly set: string; readonly member?: string } | undefined {
  if (node.k === "member") {
    const inner = wholeSet(node.object);
    if (inner !== undefined && typeof node.name === "string") return { set: inner, member: node.name };
    const own = wholeSet(node);
    return own === undefined ? undefined : { set: own };
  }
  if (node.k !== "index") return undefined;
  const inner = wholeSet(node.object);
  const { k, value } = (node.index ?? {}) as Node;
  return inner === undefined || k !== "string" || typeof value !== "string" ? undefined : { set: inner, member: value };
}

function wholeSet(node: unknown): string | undefined {
  const { k, name } = (node ?? {}) as Node;
  return k === "member" && (name === "args" || name === "vars") ? name : undefined;
}

export const usesAny = ({ args, vars, ret, casts }: UsedTypes): boolean => ret || casts || args === "all" || args.size > 0 || vars === "all" || vars.size > 0;
