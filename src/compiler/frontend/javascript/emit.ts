/** Makes a module that Node imports as it is: without types, its handlers and imports handed to the session, every line where it was. */
import type { ScriptBuild } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import { Edits } from "./edits.ts";
import { declaredNames, exportDeclaration, importDeclaration, importExpression, isExported, type ModuleContext } from "./modules.ts";
import { stripTypes } from "./types.ts";

export interface EmitInput {
  readonly script: ScriptBuild;
  readonly file: TS.SourceFile;
  /** Path and folder that `import.meta` speaks of. */
  readonly path: string;
  readonly folder: string;
  resolve(specifier: string, from: string): string | undefined;
  exists(path: string): boolean;
  /** What stands in the place of a handler. */
  readonly handlers: ReadonlyMap<TS.Node, string>;
}

/**
 * The session provides `globalThis[Symbol.for("sonde.scope")]`. It is called with `import.meta.url` and gives
 * `vocabulary`, `module(getters, exports)` (the values of the top level by name, read later; exported name → local name)
 * and `handler(id, captures)`, which stands where a handler stood.
 */
export function emitModule(input: EmitInput): string {
  const { script, file } = input;
  const edits = new Edits(file.text);
  const m: ModuleContext = {
    script,
    file,
    folder: input.folder,
    path: input.path,
    resolve: input.resolve,
    exists: input.exists,
    edits,
    prelude: [],
    names: new Set(),
    exports: new Map(),
  };
  for (const statement of file.statements) {
    const names = declaredNames(statement);
    for (const name of names) m.names.add(name);
    if (isExported(statement)) for (const name of names) m.exports.set(name, name);
    else if (ts.isExportAssignment(statement) && ts.isIdentifier(statement.expression) && script.oracle.meaning(statement.expression).kind === "variable")
      m.exports.set("default", statement.expression.text);
  }
  const visit = (node: TS.Node): void => {
    const handler = input.handlers.get(node);
    if (handler !== undefined) {
      edits.replace(node.getStart(), node.end, handler);
      return;
    }
    if (ts.isImportDeclaration(node)) importDeclaration(m, node);
    else if (ts.isExportDeclaration(node)) exportDeclaration(m, node);
    else if (!ts.isTypeNode(node) && !importExpression(m, node) && !stripTypes(script, node, edits)) ts.forEachChild(node, visit);
    else if (ts.isExpressionWithTypeArguments(node)) {
      stripTypes(script, node, edits);
      visit(node.expression);
    }
  };
  ts.forEachChild(file, visit);
  const hashbang = /^#!.*/.exec(file.text)?.[0];
  if (hashbang !== undefined) edits.blank(0, hashbang.length);
  const getters = [...m.names].map((name) => `${name}: () => ${name}`).join(", ");
  const exports = [...m.exports].map(([name, local]) => `${JSON.stringify(name)}: ${JSON.stringify(local)}`).join(", ");
  const first = ['const __sonde = globalThis[Symbol.for("sonde.scope")](import.meta.url);', `__sonde.module({ ${getters} }, { ${exports} });`, ...m.prelude];
  return `${first.join(" ")} ${edits.apply().trimEnd()}\n`;
}
