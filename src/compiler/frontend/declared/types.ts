/**
 * Declared types as the target's. Declarations know no offsets and no enumerators' numbers: structures are laid out as C would lay out
 * fields in this order, and enumerators are numbered from 0. That is right for made-up memory, which is written by the same layout.
 */
import type { CType, RecordField, Signature } from "../../../schema/ctypes.ts";
import { targetTag } from "../../oracle/target-tag.ts";
import { vocabularyFiles } from "../package.ts";
import { type TS, ts } from "../typescript.ts";
import { byAddress, recordFields, StructLayouts } from "./layout.ts";

const INTEGER = /^[ui](?:8|16|32|64)$/;
const I64: CType = { k: "int", name: "i64" };
const ADDRESS: CType = { k: "pointer", to: undefined };

const unknown = (what: string): CType => ({ k: "unknown", size: 8, what });

export class DeclaredTypes {
  readonly #checker: TS.TypeChecker;
  readonly #layouts = new StructLayouts();
  /** By the interface's or the literal's first declaration. */
  readonly #names = new Map<TS.Node, string>();
  /** Aliases that are being followed: one may lead to itself. */
  readonly #following = new Set<TS.Node>();

  constructor(checker: TS.TypeChecker) {
    this.#checker = checker;
  }

  /** An interface is among the structures of every signature. */
  mention(declaration: TS.InterfaceDeclaration): void {
    const symbol = this.#checker.getSymbolAtLocation(declaration.name);
    if (symbol !== undefined) this.#interface(symbol);
  }

  /** Of `{ args: { … }; ret: … }`. */
  signature(entry: TS.TypeNode): Signature {
    const [args, ret] = ["args", "ret"].map((name) => this.#members(entry).find((member) => member.name === name)?.type);
    const params = args === undefined ? [] : this.#members(args).map(({ name, type }) => ({ name, type: type === undefined ? I64 : this.#type(type) }));
    return byAddress({ params, ret: ret === undefined ? { k: "void" } : this.#type(ret), structs: this.#layouts.all() });
  }

  /** Of a tracepoint's. */
  record(entry: TS.TypeNode): Signature {
    const args = this.#members(entry).find((member) => member.name === "args")?.type;
    const fields = (args === undefined ? [] : this.#members(args)).map(({ name, type }): Pick<RecordField, "name" | "type"> => {
      const isText = type?.kind === ts.SyntaxKind.StringKeyword;
      return { name, type: isText ? "text" : type === undefined ? I64 : this.#type(type) };
    });
    const structs = this.#layouts.all();
    return { params: [], ret: { k: "void" }, structs, record: recordFields(fields, structs) };
  }

  #type(node: TS.TypeNode): CType {
    if (ts.isParenthesizedTypeNode(node)) return this.#type(node.type);
    if (ts.isTypeLiteralNode(node)) return { k: "struct", name: this.#structure(node, "a structure without a name", [node]) };
    if (ts.isUnionTypeNode(node)) return this.#union(node);
    if (ts.isLiteralTypeNode(node)) return enumeration(this.#literals(node)) ?? unknown("a literal");
    if (ts.isTypeReferenceNode(node)) return this.#reference(node);
    switch (node.kind) {
      case ts.SyntaxKind.VoidKeyword:
        return { k: "void" };
      case ts.SyntaxKind.BooleanKeyword:
        return { k: "bool" };
      case ts.SyntaxKind.NumberKeyword:
      case ts.SyntaxKind.BigIntKeyword:
        return I64;
      default:
        return unknown(`declared as ${node.getText()}`);
    }
  }

  /** An enumeration; or what may be absent, as a variant's fields. */
  #union(node: TS.UnionTypeNode): CType {
    const named = enumeration(this.#literals(node));
    if (named !== undefined) return named;
    const [only, ...others] = node.types.filter((each) => each.kind !== ts.SyntaxKind.UndefinedKeyword);
    return only !== undefined && others.length === 0 ? this.#type(only) : unknown(`declared as ${node.getText()}`);
  }

  /** The texts that a type consists of; undefined if it has anything else. */
  #literals(node: TS.TypeNode): readonly string[] | undefined {
    if (ts.isParenthesizedTypeNode(node)) return this.#literals(node.type);
    if (ts.isLiteralTypeNode(node)) return ts.isStringLiteral(node.literal) ? [node.literal.text] : undefined;
    if (ts.isUnionTypeNode(node)) {
      const all = node.types.map((each) => this.#literals(each));
      return all.every((each) => each !== undefined) ? all.flat() : undefined;
    }
    const alias = ts.isTypeReferenceNode(node) ? this.#declarationOf(node.typeName) : undefined;
    if (alias === undefined || !ts.isTypeAliasDeclaration(alias) || vocabularyFiles.has(alias.getSourceFile().fileName)) return undefined;
    return this.#followed(alias, () => this.#literals(alias.type));
  }

  #reference(node: TS.TypeReferenceNode): CType {
    const declaration = this.#declarationOf(node.typeName);
    if (declaration === undefined) return unknown(`declared as ${node.getText()}, of which nothing is known`);
    const { name } = declaration;
    if (vocabularyFiles.has(declaration.getSourceFile().fileName)) return this.#ofVocabulary(name.text, node);
    if (ts.isTypeAliasDeclaration(declaration))
      return this.#followed(declaration, () => this.#type(declaration.type)) ?? unknown(`declared as ${name.text}, which leads to itself`);
    const symbol = ts.isInterfaceDeclaration(declaration) ? this.#checker.getSymbolAtLocation(declaration.name) : undefined;
    return symbol === undefined ? unknown(`declared as ${node.getText()}`) : { k: "struct", name: this.#interface(symbol) };
  }

  #ofVocabulary(name: string, { typeArguments }: TS.TypeReferenceNode): CType {
    const [first, second] = typeArguments ?? [];
    const inner = first === undefined ? undefined : this.#type(first);
    if (INTEGER.test(name)) return { k: "int", name: name as Extract<CType, { k: "int" }>["name"] };
    switch (name) {
      case "bool":
        return { k: "bool" };
      case "f64":
        return { k: "float", size: 8 };
      case "Ptr":
        return inner === undefined || inner.k === "unknown" ? ADDRESS : { k: "pointer", to: inner };
      case "CArray": {
        const length = second !== undefined && ts.isLiteralTypeNode(second) && ts.isNumericLiteral(second.literal) ? Number(second.literal.text) : 0;
        return { k: "array", of: inner ?? I64, length };
      }
      default:
        return unknown(`declared as ${name}`);
    }
  }

  #interface(symbol: TS.Symbol): string {
    const all = (symbol.declarations ?? []).filter((each) => ts.isInterfaceDeclaration(each));
    return this.#structure(all[0]!, targetTag(all[0]!) ?? symbol.name, all);
  }

  /** The name of the structure that `node` declares, which is laid out when it is asked for. */
  #structure(node: TS.Node, wanted: string, declared: readonly (TS.InterfaceDeclaration | TS.TypeLiteralNode)[]): string {
    const known = this.#names.get(node);
    if (known !== undefined) return known;
    const name = this.#layouts.take(wanted);
    this.#names.set(node, name);
    const fields = declared
      .flatMap((each) => this.#members(each))
      .map((one) => ({ name: one.name, type: one.type === undefined ? I64 : this.#type(one.type) }));
    const isSlice = declared.some((each) => basesOf(each).some(({ expression }) => ts.isIdentifier(expression) && expression.text === "Slice"));
    this.#layouts.add(name, fields, isSlice);
    return name;
  }

  /** Each name once, those of a base first. */
  #members(node: TS.Node): { readonly name: string; readonly type: TS.TypeNode | undefined }[] {
    if (ts.isTypeReferenceNode(node)) {
      const declaration = this.#declarationOf(node.typeName);
      if (declaration === undefined || vocabularyFiles.has(declaration.getSourceFile().fileName)) return [];
      return this.#followed(declaration, () => this.#members(ts.isTypeAliasDeclaration(declaration) ? declaration.type : declaration)) ?? [];
    }
    if (!ts.isTypeLiteralNode(node) && !ts.isInterfaceDeclaration(node)) return [];
    const bases = basesOf(node).flatMap(({ expression }) => this.#declarationOf(expression) ?? []);
    const inherited = bases
      .filter((base) => !vocabularyFiles.has(base.getSourceFile().fileName))
      .flatMap((base) => this.#followed(base, () => this.#members(base)) ?? []);
    const found = new Map(inherited.map(({ name, type }) => [name, type]));
    for (const member of node.members)
      if (ts.isPropertySignature(member) && (ts.isIdentifier(member.name) || ts.isStringLiteral(member.name))) found.set(member.name.text, member.type);
    return [...found].map(([name, type]) => ({ name, type }));
  }

  #declarationOf(name: TS.Node): TS.InterfaceDeclaration | TS.TypeAliasDeclaration | undefined {
    let symbol = this.#checker.getSymbolAtLocation(name);
    if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias) symbol = this.#checker.getAliasedSymbol(symbol);
    return symbol?.declarations?.find((each) => ts.isInterfaceDeclaration(each) || ts.isTypeAliasDeclaration(each));
  }

  #followed<T>(node: TS.Node, follow: () => T): T | undefined {
    if (this.#following.has(node)) return undefined;
    this.#following.add(node);
    try {
      return follow();
    } finally {
      this.#following.delete(node);
    }
  }
}

const basesOf = (node: TS.InterfaceDeclaration | TS.TypeLiteralNode): readonly TS.ExpressionWithTypeArguments[] =>
  ts.isInterfaceDeclaration(node) ? (node.heritageClauses ?? []).flatMap(({ types }) => [...types]) : [];

function enumeration(names: readonly string[] | undefined): CType | undefined {
  return names === undefined ? undefined : { k: "enum", size: 4, signed: true, names: names.map((name, i) => [name, BigInt(i)] as const) };
}
