/** The only door to the type checker: facts about names, members and values go through it, no checker's type does, and "unknown" is an answer. */
import { declarations, vocabularyFiles } from "../frontend/package.ts";
import { type TS, ts } from "../frontend/typescript.ts";
import { targetTag } from "./target-tag.ts";

export type VariableNode = TS.VariableDeclaration | TS.BindingElement | TS.ParameterDeclaration;

/** What a name in a script stands for. */
export type Meaning =
  /** A value that the package "sonde" exports. */
  | { readonly kind: "vocabulary"; readonly name: string }
  /** A global of the language or of Node. */
  | { readonly kind: "global"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string; readonly declaration: VariableNode }
  | { readonly kind: "function"; readonly name: string; readonly declaration: TS.FunctionDeclaration }
  /** `export default 5` of a compiled module, or anything of a module that isn't compiled: known by the name it was imported under. */
  | { readonly kind: "import"; readonly name: string; readonly declaration: TS.Node }
  /** `import * as name` of a compiled module or of the vocabulary. */
  | { readonly kind: "namespace"; readonly name: string; readonly declaration: TS.Node }
  | { readonly kind: "class" | "enum"; readonly name: string; readonly declaration: TS.Node }
  | { readonly kind: "unknown"; readonly name: string };

export type Phase = "handler" | "host" | "both";
/** A member that the vocabulary declares: `ReadableMap.entries`, host. */
export interface Member {
  readonly owner: string;
  readonly name: string;
  readonly phase: Phase | undefined;
}

export interface Oracle {
  /** What an identifier in an expression means; of a shorthand property: what its value means. */
  meaning(name: TS.Identifier): Meaning;
  /** What `namespace.name` means, where the object is a namespace import. */
  exported(access: TS.PropertyAccessExpression): Meaning;
  /** The member of the vocabulary's types that a property access names. */
  member(access: TS.PropertyAccessExpression): Member | undefined;
  /** Is this value of a type that the vocabulary declares? Gives its name. */
  vocabularyType(value: TS.Node): string | undefined;
  /** What can be told of a value's type. */
  kind(value: TS.Node): "int" | "bool" | "string" | "bigint" | "unknown";
  /** The class whose instance this is: "Map", "Date", the script's own. */
  instanceOf(value: TS.Node): string | undefined;
  /** Is this an object of the script's own, known through and through (not `any`, not a text)? */
  isPlain(value: TS.Node): boolean;
  /** Is the variable assigned anywhere after its initialiser? */
  assigned(declaration: VariableNode): boolean;
  /** Does the name stand for the same thing where `at` is? */
  visible(declaration: VariableNode, name: string, at: TS.Node): boolean;
  /** Is what an import or export specifier names there at run time? */
  isValue(specifier: TS.ImportSpecifier | TS.ExportSpecifier | TS.ImportClause | TS.Identifier): boolean;
  /** The enumerators (or other literals) that a value's type consists of, if it does. */
  literals(value: TS.Node): readonly string[];
  /** Which structure of the target a type stands for: what its declaration's tag `@sonde` says. */
  targetType(type: TS.TypeNode): string | undefined;
  /** The names of the properties that a value has. */
  properties(value: TS.Node): readonly string[];
}

const isFunctionNode = (node: TS.Node): node is TS.FunctionDeclaration => ts.isFunctionDeclaration(node);

export function createOracle(checker: TS.TypeChecker): Oracle {
  const inVocabulary = (node: TS.Node): boolean => vocabularyFiles.has(node.getSourceFile().fileName);
  const inLibrary = (node: TS.Node): boolean => {
    const path = node.getSourceFile().fileName;
    return path === declarations.es || path === declarations.host;
  };

  const meaningOf = (symbol: TS.Symbol | undefined, name: string): Meaning => {
    if (symbol === undefined) return { kind: "unknown", name };
    const alias = symbol.flags & ts.SymbolFlags.Alias ? symbol.declarations?.[0] : undefined;
    const target = alias === undefined ? symbol : checker.getAliasedSymbol(symbol);
    const all = target.declarations ?? [];
    if (target.flags & ts.SymbolFlags.ValueModule && alias !== undefined) return { kind: "namespace", name, declaration: alias };
    const value = target.valueDeclaration ?? all[0];
    if (value === undefined)
      return alias === undefined
        ? name === "undefined" || name === "globalThis"
          ? { kind: "global", name }
          : { kind: "unknown", name }
        : { kind: "import", name, declaration: alias };
    if (inVocabulary(value)) return { kind: "vocabulary", name: target.name };
    if (inLibrary(value)) return { kind: "global", name };
    const body = all.find((d): d is TS.FunctionDeclaration => isFunctionNode(d) && d.body !== undefined);
    if (body !== undefined) return { kind: "function", name: target.name, declaration: body };
    if (ts.isVariableDeclaration(value) || ts.isBindingElement(value) || ts.isParameter(value)) {
      if (value.getSourceFile().isDeclarationFile && alias !== undefined) return { kind: "import", name, declaration: alias };
      return { kind: "variable", name: target.name, declaration: value };
    }
    if (ts.isClassDeclaration(value) || ts.isClassExpression(value)) return { kind: "class", name, declaration: value };
    if (ts.isEnumDeclaration(value) || ts.isEnumMember(value)) return { kind: "enum", name, declaration: value };
    return alias === undefined ? { kind: "unknown", name } : { kind: "import", name, declaration: alias };
  };

  const assignedIn = new Map<TS.SourceFile, Set<TS.Node>>();
  const assignments = (file: TS.SourceFile): Set<TS.Node> => {
    const known = assignedIn.get(file);
    if (known !== undefined) return known;
    const found = new Set<TS.Node>();
    const note = (target: TS.Node): void => {
      if (ts.isIdentifier(target)) {
        const parent = target.parent;
        const symbol = ts.isShorthandPropertyAssignment(parent) ? checker.getShorthandAssignmentValueSymbol(parent) : checker.getSymbolAtLocation(target);
        if (symbol?.valueDeclaration !== undefined) found.add(symbol.valueDeclaration);
      } else if (ts.isParenthesizedExpression(target) || ts.isAsExpression(target) || ts.isNonNullExpression(target) || ts.isSpreadElement(target))
        note(target.expression);
      else if (ts.isArrayLiteralExpression(target)) target.elements.forEach(note);
      else if (ts.isObjectLiteralExpression(target)) {
        for (const property of target.properties) {
          if (ts.isPropertyAssignment(property)) note(property.initializer);
          else if (ts.isShorthandPropertyAssignment(property)) note(property.name);
          else if (ts.isSpreadAssignment(property)) note(property.expression);
        }
      } else if (ts.isBinaryExpression(target) && target.operatorToken.kind === ts.SyntaxKind.EqualsToken) note(target.left);
    };
    const walk = (node: TS.Node): void => {
      if (ts.isBinaryExpression(node) && node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment && node.operatorToken.kind <= ts.SyntaxKind.LastAssignment)
        note(node.left);
      else if (
        (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) &&
        (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
      )
        note(node.operand);
      else if ((ts.isForOfStatement(node) || ts.isForInStatement(node)) && !ts.isVariableDeclarationList(node.initializer)) note(node.initializer);
      ts.forEachChild(node, walk);
    };
    walk(file);
    assignedIn.set(file, found);
    return found;
  };

  const partsOf = (type: TS.Type): readonly TS.Type[] => (type.flags & ts.TypeFlags.Union ? (type as TS.UnionType).types : [type]);
  const typeAt = (node: TS.Node): TS.Type => checker.getTypeAtLocation(node);
  const nameOfType = (type: TS.Type): { readonly name: string; readonly declaration: TS.Declaration } | undefined => {
    const symbol = type.aliasSymbol ?? (type.symbol as TS.Symbol | undefined);
    const declaration = symbol?.declarations?.[0];
    return symbol === undefined || declaration === undefined ? undefined : { name: symbol.name, declaration };
  };

  return {
    meaning(name) {
      const parent = name.parent;
      const symbol =
        ts.isShorthandPropertyAssignment(parent) && parent.name === name
          ? checker.getShorthandAssignmentValueSymbol(parent)
          : checker.getSymbolAtLocation(name);
      return meaningOf(symbol, name.text);
    },
    exported: (access) => meaningOf(checker.getSymbolAtLocation(access.name), access.name.text),
    member(access) {
      const declaration = checker.getSymbolAtLocation(access.name)?.declarations?.[0];
      if (declaration === undefined || !inVocabulary(declaration)) return undefined;
      const owner = declaration.parent;
      const text = declaration.getSourceFile().text.slice(declaration.pos, declaration.getStart());
      const phase = /\[(handler|host|both)\]/.exec(text)?.[1] as Phase | undefined;
      return { owner: ts.isInterfaceDeclaration(owner) ? owner.name.text : "", name: access.name.text, phase };
    },
    vocabularyType(value) {
      const named = nameOfType(typeAt(value));
      return named !== undefined && inVocabulary(named.declaration) ? named.name : undefined;
    },
    kind(value) {
      const { flags } = checker.getBaseTypeOfLiteralType(typeAt(value));
      if (flags & ts.TypeFlags.NumberLike) return "int";
      if (flags & ts.TypeFlags.BooleanLike) return "bool";
      if (flags & ts.TypeFlags.StringLike) return "string";
      if (flags & ts.TypeFlags.BigIntLike) return "bigint";
      if (partsOf(typeAt(value)).every((part) => part.flags & ts.TypeFlags.BooleanLike)) return "bool";
      return "unknown";
    },
    instanceOf(value) {
      const type = typeAt(value);
      const named = nameOfType(type);
      if (named !== undefined && ts.isClassLike(named.declaration)) return named.name;
      if (named !== undefined && inLibrary(named.declaration)) return /^(Promise|Error|RegExp|Uint8Array)$/.test(named.name) ? named.name : undefined;
      // Classes of the language and of Node are loose: what tells is how the value was made.
      if (!ts.isIdentifier(value)) return undefined;
      const declaration = checker.getSymbolAtLocation(value)?.valueDeclaration;
      const made = declaration !== undefined && ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined;
      return made !== undefined && ts.isNewExpression(made) && ts.isIdentifier(made.expression) && made.expression.text !== "Array"
        ? made.expression.text
        : undefined;
    },
    isPlain(value) {
      const type = typeAt(value);
      return (type.flags & ts.TypeFlags.Object) !== 0 && nameOfType(type) !== undefined;
    },
    assigned: (declaration) => assignments(declaration.getSourceFile()).has(declaration),
    visible: (declaration, name, at) => checker.resolveName(name, at, ts.SymbolFlags.Value, false)?.valueDeclaration === declaration,
    isValue(specifier) {
      const name = ts.isIdentifier(specifier) ? specifier : specifier.name;
      if (name === undefined) return true;
      let symbol = ts.isExportSpecifier(specifier) ? checker.getExportSpecifierLocalTargetSymbol(specifier) : checker.getSymbolAtLocation(name);
      if (symbol === undefined) return true;
      if (symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol);
      return (symbol.declarations ?? []).length === 0 || (symbol.flags & ts.SymbolFlags.Value) !== 0;
    },
    literals(value) {
      const parts = partsOf(checker.getNonNullableType(typeAt(value)));
      return parts.every((part) => part.flags & ts.TypeFlags.StringLiteral) ? parts.map((part) => (part as TS.StringLiteralType).value) : [];
    },
    targetType(type) {
      const declaration = nameOfType(checker.getTypeFromTypeNode(type))?.declaration;
      return declaration === undefined ? undefined : targetTag(declaration);
    },
    properties: (value) =>
      checker
        .getPropertiesOfType(checker.getApparentType(checker.getNonNullableType(typeAt(value))))
        .map((property) => property.name)
        .filter((name) => !name.startsWith("~") && !name.startsWith("__")),
  };
}
