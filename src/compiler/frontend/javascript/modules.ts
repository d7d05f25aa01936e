/** Imports and exports: the vocabulary comes from the session, other specifiers become what Node finds from the cache's folder. */
import { missingModule } from "../../diagnostics/module.ts";
import type { ScriptBuild } from "../build.ts";
import { normalize } from "../program.ts";
import { type TS, ts } from "../typescript.ts";
import { vocabulary } from "../vocabulary.ts";
import type { Edits } from "./edits.ts";

export interface ModuleContext {
  readonly script: ScriptBuild;
  readonly file: TS.SourceFile;
  /** Absolute folder of the module, and its path for `import.meta`. */
  readonly folder: string;
  readonly path: string;
  resolve(specifier: string, from: string): string | undefined;
  exists(path: string): boolean;
  readonly edits: Edits;
  /** The script's only file: a function, in which neither imports nor exports can stand. */
  readonly alone: boolean;
  /** Imports that go before that function. */
  readonly hoisted: string[];
  /** Statements for the first line. */
  readonly prelude: string[];
  /** Names of values at the module's top level, for the session. */
  readonly names: Set<string>;
  /** Exported name → local name. */
  readonly exports: Map<string, string>;
}

/** The specifier that the session completes: a compiled file, a file beside the script, a package. */
export function specifierFor(m: ModuleContext, literal: TS.StringLiteralLike): string | undefined {
  const { text } = literal;
  if (text.startsWith("node:") || text.startsWith("data:") || text.startsWith("file:")) return undefined;
  if (!/^\.{0,2}\//.test(text)) return `__SONDE_BARE_(${text})__`;
  const path = m.resolve(text, m.file.fileName);
  const index = path === undefined ? -1 : m.script.files.findIndex((file) => file.fileName === path);
  if (index >= 0) return `__SONDE_FILE_${index}__`;
  const plain = normalize(text.startsWith("/") ? text : `${m.folder}/${text}`);
  if (/\.[mc]?ts$/.test(plain) && !m.exists(plain)) m.script.report(missingModule(m.script.place(literal), text));
  return `__SONDE_URL_(${plain})__`;
}

function specifierText(m: ModuleContext, expression: TS.Expression): string {
  const specifier = ts.isStringLiteralLike(expression) ? specifierFor(m, expression) : undefined;
  return specifier === undefined ? expression.getText() : JSON.stringify(specifier);
}

function redirect(m: ModuleContext, literal: TS.Expression): void {
  if (ts.isStringLiteralLike(literal)) m.edits.replace(literal.getStart(), literal.end, specifierText(m, literal));
}

const isVocabulary = (node: TS.Expression | undefined): boolean => node !== undefined && ts.isStringLiteralLike(node) && node.text === "sonde";
const blankStatement = (m: ModuleContext, node: TS.Node): void => m.edits.blank(node.getStart(), node.end, ";");
const nameText = (name: TS.ModuleExportName): string => name.text;

export function importDeclaration(m: ModuleContext, node: TS.ImportDeclaration): void {
  const clause = node.importClause;
  if (clause?.phaseModifier === ts.SyntaxKind.TypeKeyword) {
    blankStatement(m, node);
    return;
  }
  const bindings = clause?.namedBindings;
  const fromVocabulary = isVocabulary(node.moduleSpecifier);
  const kept =
    bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements.filter((element) => !element.isTypeOnly && m.script.oracle.isValue(element)) : [];
  if (fromVocabulary) {
    if (bindings !== undefined && ts.isNamespaceImport(bindings)) m.prelude.push(`const ${bindings.name.text} = __sonde.vocabulary;`);
    else if (kept.length > 0) {
      const names = kept.map((element) => (element.propertyName === undefined ? element.name.text : `${nameText(element.propertyName)}: ${element.name.text}`));
      m.prelude.push(`const { ${names.join(", ")} } = __sonde.vocabulary;`);
    }
    blankStatement(m, node);
    return;
  }
  // Declarations only: nothing runs.
  const path = ts.isStringLiteral(node.moduleSpecifier) ? m.resolve(node.moduleSpecifier.text, m.file.fileName) : undefined;
  if (path !== undefined && /\.d\.[mc]?ts$/.test(path) && /^sonde\/types\/|\.d\.[mc]?ts$/.test((node.moduleSpecifier as TS.StringLiteral).text)) {
    blankStatement(m, node);
    return;
  }
  if (clause?.name !== undefined) m.names.add(clause.name.text);
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) m.names.add(bindings.name.text);
  for (const element of kept) m.names.add(element.name.text);
  if (bindings !== undefined && ts.isNamedImports(bindings)) {
    if (kept.length === 0 && clause?.name === undefined && bindings.elements.length > 0) {
      blankStatement(m, node);
      return;
    }
    if (!m.alone) keepElements(m, bindings.elements, kept);
  }
  if (m.alone) hoistImport(m, node, kept);
  else redirect(m, node.moduleSpecifier);
}

/** The import in one line, without its comments. */
function hoistImport(m: ModuleContext, node: TS.ImportDeclaration, kept: readonly TS.ImportSpecifier[]): void {
  const { importClause: clause, attributes } = node;
  const bindings = clause?.namedBindings;
  const taken: string[] = clause?.name === undefined ? [] : [clause.name.text];
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) taken.push(`* as ${bindings.name.text}`);
  else if (kept.length > 0)
    taken.push(
      `{ ${kept.map(({ propertyName, name }) => (propertyName === undefined ? name.text : `${propertyName.getText()} as ${name.text}`)).join(", ")} }`,
    );
  const wanted = attributes === undefined ? "" : ` with { ${attributes.elements.map((each) => each.getText()).join(", ")} }`;
  m.hoisted.push(`import ${taken.join(", ")}${taken.length > 0 ? " from " : ""}${specifierText(m, node.moduleSpecifier)}${wanted};`);
  blankStatement(m, node);
}

/** Blanks the specifiers that are types, with the comma behind each. */
function keepElements(m: ModuleContext, all: TS.NodeArray<TS.ImportSpecifier | TS.ExportSpecifier>, kept: readonly TS.Node[]): void {
  const { text } = m.file;
  for (const element of all) {
    if (kept.includes(element)) continue;
    const comma = /^\s*,/.exec(text.slice(element.end))?.[0].length ?? 0;
    m.edits.blank(element.getStart(), element.end + comma);
  }
}

export function exportDeclaration(m: ModuleContext, node: TS.ExportDeclaration): void {
  const { exportClause: clause } = node;
  if (node.isTypeOnly) {
    blankStatement(m, node);
    return;
  }
  if (m.alone) {
    // Nobody imports a script; what it exports again is run.
    if (clause !== undefined && ts.isNamedExports(clause) && node.moduleSpecifier === undefined) noteExports(m, valuesOf(m, clause));
    if (node.moduleSpecifier !== undefined && !isVocabulary(node.moduleSpecifier)) m.hoisted.push(`import ${specifierText(m, node.moduleSpecifier)};`);
    blankStatement(m, node);
    return;
  }
  if (isVocabulary(node.moduleSpecifier)) {
    exportVocabulary(m, clause);
    blankStatement(m, node);
    return;
  }
  if (clause !== undefined && ts.isNamedExports(clause)) {
    const kept = valuesOf(m, clause);
    if (node.moduleSpecifier === undefined) noteExports(m, kept);
    keepElements(m, clause.elements, kept);
  }
  if (node.moduleSpecifier !== undefined) redirect(m, node.moduleSpecifier);
}

const valuesOf = (m: ModuleContext, clause: TS.NamedExports): TS.ExportSpecifier[] =>
  clause.elements.filter((element) => !element.isTypeOnly && m.script.oracle.isValue(element));

function noteExports(m: ModuleContext, elements: readonly TS.ExportSpecifier[]): void {
  for (const element of elements) m.exports.set(nameText(element.name), nameText(element.propertyName ?? element.name));
}

function exportVocabulary(m: ModuleContext, clause: TS.NamedExportBindings | undefined): void {
  if (clause !== undefined && ts.isNamespaceExport(clause)) {
    m.prelude.push(`const __sonde_all = __sonde.vocabulary; export { __sonde_all as ${clause.name.getText()} };`);
    return;
  }
  const own = exportedNames(m.file);
  const pairs =
    clause === undefined
      ? vocabulary.filter((name) => !own.has(name)).map((name) => [name, name] as const)
      : valuesOf(m, clause).map((element) => [nameText(element.propertyName ?? element.name), element.name.getText()] as const);
  if (pairs.length === 0) return;
  m.prelude.push(
    `const { ${pairs.map(([name], i) => `${name}: __sonde_${i}_${name}`).join(", ")} } = __sonde.vocabulary; export { ${pairs.map(([name, as], i) => `__sonde_${i}_${name} as ${as}`).join(", ")} };`,
  );
}

/** Names that a module exports itself: they go before those of `export *`. */
function exportedNames(file: TS.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause))
        for (const element of statement.exportClause.elements) names.add(nameText(element.name));
    } else if (isExported(statement)) for (const name of declaredNames(statement)) names.add(name);
  }
  return names;
}

export const isExported = (statement: TS.Statement): boolean =>
  ts.canHaveModifiers(statement) && (statement.modifiers ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);

/** `export` goes from what the script's only file declares; a default is evaluated still. */
export function withoutExport(m: ModuleContext, statement: TS.Statement): void {
  if (ts.isExportAssignment(statement)) m.edits.replace(statement.getStart(), statement.expression.getStart(), "void ");
  else if (isExported(statement) && ts.canHaveModifiers(statement)) {
    const words = (statement.modifiers ?? []).filter(({ kind }) => kind === ts.SyntaxKind.ExportKeyword || kind === ts.SyntaxKind.DefaultKeyword);
    const anonymous = (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name === undefined;
    for (const [i, word] of words.entries()) m.edits.blank(word.getStart(), word.end, anonymous && i === 0 ? "void " : "");
  }
}

/** The values that a statement of the top level declares. */
export function declaredNames(statement: TS.Statement): string[] {
  const names: string[] = [];
  const take = (name: TS.BindingName): void => {
    if (ts.isIdentifier(name)) names.push(name.text);
    else for (const element of name.elements) if (!ts.isOmittedExpression(element)) take(element.name);
  };
  const declared = ts.canHaveModifiers(statement) && (statement.modifiers ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword);
  if (declared) return names;
  if (ts.isVariableStatement(statement)) for (const declaration of statement.declarationList.declarations) take(declaration.name);
  else if ((ts.isFunctionDeclaration(statement) && statement.body !== undefined) || ts.isClassDeclaration(statement)) {
    if (statement.name !== undefined) names.push(statement.name.text);
  }
  return names;
}

/** `import("…")` of a literal, and `import.meta` of the original file. */
export function importExpression(m: ModuleContext, node: TS.Node): boolean {
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0] !== undefined) {
    if (isVocabulary(node.arguments[0])) {
      m.edits.replace(node.getStart(), node.end, "Promise.resolve(__sonde.vocabulary)");
      return true;
    }
    redirect(m, node.arguments[0]);
    return false;
  }
  if (!ts.isPropertyAccessExpression(node) || !ts.isMetaProperty(node.expression) || node.expression.keywordToken !== ts.SyntaxKind.ImportKeyword) return false;
  const values: { readonly [name: string]: string } = {
    url: `file://${encodeURI(m.path).replace(/[?#]/g, encodeURIComponent)}`,
    dirname: m.folder,
    filename: m.path,
  };
  const value = values[node.name.text];
  if (value === undefined) return false;
  m.edits.replace(node.getStart(), node.end, JSON.stringify(value));
  return true;
}
