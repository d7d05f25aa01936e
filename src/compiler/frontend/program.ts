/** Makes TypeScript's program of a script: our own small library, the vocabulary, and the modules that the script imports by a relative path. */
import { declarations, packageText } from "./package.ts";
import { type TS, ts } from "./typescript.ts";

export interface ProgramInput {
  /** Absolute path of the script; for a one-liner a made-up one in its folder. */
  readonly path: string;
  readonly text: string;
  readFile(path: string): string | undefined;
  /** Declaration files that belong to the script besides those it imports: absolute paths. */
  readonly ambient: readonly string[];
}

export interface Program {
  readonly program: TS.Program;
  readonly checker: TS.TypeChecker;
  /** The script first, then the modules that it imports and that are compiled with it. */
  readonly compiled: readonly TS.SourceFile[];
  /** Files outside the package that were read. */
  readonly dependencies: readonly string[];
  /** The file of the program that a module specifier leads to. */
  resolve(specifier: string, from: string): string | undefined;
}

/** Parsed declarations of the package, kept for the next script of this process. */
const parsed = new Map<string, TS.SourceFile>();

const options = (): TS.CompilerOptions => ({
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  noLib: true,
  types: [],
  strict: true,
  noImplicitAny: false,
  useUnknownInCatchVariables: false,
  strictPropertyInitialization: false,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
});

const isSource = (path: string): boolean => /\.[mc]?ts$/.test(path);
export const isDeclaration = (path: string): boolean => /\.d\.[mc]?ts$/.test(path);

export function createProgram(input: ProgramInput): Program {
  const read = new Map<string, string | undefined>();
  const textOf = (path: string): string | undefined => {
    if (path === input.path) return input.text;
    const own = packageText(path);
    if (own !== undefined) return own;
    if (!read.has(path)) read.set(path, input.readFile(path));
    return read.get(path);
  };
  const resolve = (specifier: string, from: string): string | undefined => {
    if (specifier === "sonde") return declarations.sonde;
    const types = /^sonde\/types\/([\w./-]+)$/.exec(specifier)?.[1];
    if (types !== undefined) {
      const path = normalize(`${declarations.types}/${types}.d.ts`);
      return packageText(path) === undefined ? undefined : path;
    }
    if (!/^(\.{0,2}\/|file:)/.test(specifier)) return undefined;
    const path = normalize(specifier.startsWith("/") ? specifier : `${from.slice(0, from.lastIndexOf("/"))}/${specifier}`);
    if (isSource(path)) return textOf(path) === undefined ? undefined : path;
    const stem = path.replace(/\.([mc]?)js$/, "");
    const candidates = stem === path ? [`${path}.ts`, `${path}.d.ts`, `${path}/index.ts`] : [`${stem}.d.ts`];
    if (/\.[a-z]+$/i.test(path) && textOf(path) !== undefined && stem === path) return undefined;
    return candidates.find((candidate) => textOf(candidate) !== undefined);
  };

  const host: TS.CompilerHost = {
    getSourceFile(path) {
      const known = parsed.get(path);
      if (known !== undefined) return known;
      const text = textOf(path);
      if (text === undefined) return undefined;
      const file = ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseNone });
      if (packageText(path) !== undefined) parsed.set(path, file);
      return file;
    },
    resolveModuleNameLiterals: (literals, from) =>
      literals.map((literal) => {
        const path = resolve(literal.text, from);
        if (path === undefined) return { resolvedModule: undefined };
        const extension = isDeclaration(path)
          ? ts.Extension.Dts
          : path.endsWith(".mts")
            ? ts.Extension.Mts
            : path.endsWith(".cts")
              ? ts.Extension.Cts
              : ts.Extension.Ts;
        return { resolvedModule: { resolvedFileName: path, extension, isExternalLibraryImport: false } };
      }),
    resolveTypeReferenceDirectiveReferences: (references) => references.map(() => ({ resolvedTypeReferenceDirective: undefined })),
    getDefaultLibFileName: () => declarations.es,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (path) => textOf(path) !== undefined,
    readFile: textOf,
    writeFile: () => {},
    directoryExists: () => true,
    getDirectories: () => [],
  };
  const roots = [declarations.es, declarations.host, ...input.ambient, input.path];
  const program = ts.createProgram({ rootNames: roots, options: options(), host });
  const compiled: TS.SourceFile[] = [];
  const reach = (path: string): void => {
    const file = program.getSourceFile(path);
    if (file === undefined || file.isDeclarationFile || compiled.includes(file)) return;
    compiled.push(file);
    for (const specifier of runtimeImports(file)) {
      const target = resolve(specifier, path);
      if (target !== undefined) reach(target);
    }
  };
  reach(input.path);
  return {
    program,
    checker: program.getTypeChecker(),
    compiled,
    dependencies: [...read].filter(([, text]) => text !== undefined).map(([path]) => path),
    resolve,
  };
}

/** What a module imports when it runs: `typeof import("…")` and `import type` are for the checker alone. */
function runtimeImports(file: TS.SourceFile): string[] {
  const found: string[] = [];
  const take = (node: TS.Node | undefined): void => {
    if (node !== undefined && ts.isStringLiteralLike(node)) found.push(node.text);
  };
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement) && statement.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword) take(statement.moduleSpecifier);
    else if (ts.isExportDeclaration(statement) && !statement.isTypeOnly) take(statement.moduleSpecifier);
  }
  if (file.text.includes("import(")) {
    const walk = (node: TS.Node): void => {
      if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) take(node.arguments[0]);
      if (!ts.isTypeNode(node)) ts.forEachChild(node, walk);
    };
    walk(file);
  }
  return found;
}

/** Takes `.` and `..` out of an absolute path. */
export function normalize(path: string): string {
  const out: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") out.pop();
    else if (part !== "." && part !== "") out.push(part);
  }
  return `/${out.join("/")}`;
}
