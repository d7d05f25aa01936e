/** Makes a module that Node imports as it is: without types, its handlers and imports handed to the session, every line where it was. */
import type { ScriptBuild } from "../build.ts";
import { type TS, ts } from "../typescript.ts";
import { Edits } from "./edits.ts";
import { declaredNames, exportDeclaration, importDeclaration, importExpression, isExported, type ModuleContext, withoutExport } from "./modules.ts";
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
 * `__sonde` is what the session provides: `vocabulary`, `module(getters, exports)` (the values of the top level by name, read later;
 * exported name → local name) and `handler(id, captures)`, which stands where a handler stood. A script of one file is a function of it,
 * so that every session of a process takes the same module: Node keeps every module that it has imported. The files of others are modules
 * of one session, and ask `globalThis[Symbol.for("sonde.scope")]` for it by `import.meta.url`.
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
    alone: script.files.length === 1,
    hoisted: [],
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
    if (m.alone) withoutExport(m, statement);
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
  const own = `__sonde.module({ ${getters} }, { ${exports} }); ${m.prelude.map((each) => `${each} `).join("")}${edits.apply().trimEnd()}\n`;
  if (!m.alone) return `const __sonde = globalThis[Symbol.for("sonde.scope")](import.meta.url); ${own}`;
  return `${m.hoisted.map((each) => `${each} `).join("")}export default async (__sonde) => { ${own}};\n`;
}
