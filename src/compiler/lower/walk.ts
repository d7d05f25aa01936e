/** Walks over the handler's tree. */
import type { Expr, Stmt } from "../hir/types.ts";

export function walkStatements(body: readonly Stmt[], onStatement: (s: Stmt) => void, onExpr: (e: Expr) => void): void {
  for (const s of body) {
    onStatement(s);
    switch (s.k) {
      case "let":
        if (s.init) walkExpr(s.init, onExpr);
        break;
      case "expr":
        walkExpr(s.expr, onExpr);
        break;
      case "return":
        if (s.value) walkExpr(s.value, onExpr);
        break;
      case "if":
        walkExpr(s.test, onExpr);
        walkStatements(s.then, onStatement, onExpr);
        walkStatements(s.else, onStatement, onExpr);
        break;
      case "block":
        walkStatements(s.body, onStatement, onExpr);
        break;
      case "switch":
        walkExpr(s.value, onExpr);
        for (const c of s.clauses) {
          if (c.test) walkExpr(c.test, onExpr);
          walkStatements(c.body, onStatement, onExpr);
        }
        break;
      case "loop":
        walkStatements(s.init, onStatement, onExpr);
        if (s.test) walkExpr(s.test, onExpr);
        if (s.update) walkExpr(s.update, onExpr);
        walkStatements(s.body, onStatement, onExpr);
        break;
      case "forOf":
        walkExpr(s.of, onExpr);
        walkStatements(s.bind, onStatement, onExpr);
        walkStatements(s.body, onStatement, onExpr);
        break;
      default:
    }
  }
}

export function walkExpr(e: Expr, visit: (e: Expr) => void): void {
  visit(e);
  for (const value of Object.values(e)) {
    const many = Array.isArray(value) ? value : [value];
    for (const inner of many) {
      if (inner && typeof inner === "object" && "k" in inner && "span" in inner) walkExpr(inner as Expr, visit);
      else if (inner && typeof inner === "object" && "value" in inner && typeof inner.value === "object" && inner.value && "k" in inner.value)
        walkExpr(inner.value as Expr, visit);
    }
  }
}

/** Evaluating it changes no variable. */
export function quiet(e: Expr): boolean {
  let changes = false;
  walkExpr(e, (x) => {
    if (x.k === "assign" || x.k === "update" || (x.k === "call" && x.callee.k !== "builtin" && x.callee.k !== "member")) changes = true;
  });
  return !changes;
}
