/** Compiles a script: its handlers to trees, its modules to JavaScript, and everything that is wrong with them to diagnostics. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { FunctionHir, HandlerHir, ScriptUnit, UnitFile } from "../hir/types.ts";
import { createOracle } from "../oracle/oracle.ts";
import type { ScriptBuild } from "./build.ts";
import { emitModule } from "./javascript/emit.ts";
import { oneLinerText } from "./one-liner.ts";
import { keepCompiledCode } from "./package.ts";
import { createProgram, normalize } from "./program.ts";
import { buildHandler, checkHostCalls, findRegistrations } from "./registrations.ts";
import { typeDiagnostics } from "./type-diagnostics.ts";
import { loadTypescript, type TS, ts } from "./typescript.ts";

export interface CompileInput {
  /** Absolute path, or "-e" for a one-liner, which has the whole vocabulary in scope. */
  readonly path: string;
  readonly text: string;
  /** The text of a file by absolute path; undefined if there is none. */
  readFile(path: string): string | undefined;
  /** The folder that a one-liner's relative imports start from. */
  readonly folder?: string;
  /** Declaration files that belong to the script without being imported (absolute paths): what `sonde types` wrote. */
  readonly typeRoots?: readonly string[];
  /** A folder that nobody else can write to, for what V8 compiles of TypeScript. */
  readonly cacheFolder?: string;
  /** Diagnostics only: no JavaScript is made. */
  readonly check?: boolean;
}

export interface CompileOutput {
  /** Undefined if there is an error among the diagnostics. */
  readonly unit: ScriptUnit | undefined;
  /** The handlers in which the front end found nothing wrong, without JavaScript: what can be checked further. */
  readonly accepted: ScriptUnit;
  /** By file and place. */
  readonly diagnostics: Diagnostic[];
  /** Absolute paths of all files that were read besides the script and sonde's own. */
  readonly dependencies: string[];
}

export function compileScript(input: CompileInput): CompileOutput {
  loadTypescript(input.cacheFolder);
  const isOneLiner = input.path === "-e";
  const folder = isOneLiner ? (input.folder ?? "/") : normalize(input.path.slice(0, input.path.lastIndexOf("/")) || "/");
  const path = isOneLiner ? normalize(`${folder}/[-e].ts`) : normalize(input.path);
  const text = isOneLiner ? oneLinerText(input.text) : input.text;
  const { program, checker, compiled, dependencies, resolve } = createProgram({ path, text, readFile: input.readFile, ambient: input.typeRoots ?? [] });

  const diagnostics: Diagnostic[] = [];
  const seen = new Set<string>();
  const nameOf = (file: TS.SourceFile): string => (isOneLiner && file.fileName === path ? "-e" : file.fileName);
  const script: ScriptBuild = {
    oracle: createOracle(checker),
    files: compiled,
    reached: new Set(),
    refused: new Set(),
    place: (node) => ({ file: nameOf(node.getSourceFile()), start: node.getStart(), end: node.end }),
    report(found) {
      // Behind a one-liner stands what brings the vocabulary into scope: a mistake at its end is shown at its end.
      const most = isOneLiner && found.file === "-e" ? input.text.length : Infinity;
      const diagnostic = found.end > most ? { ...found, start: Math.min(found.start, Math.max(0, most - 1)), end: most } : found;
      const key = `${diagnostic.code} ${diagnostic.file} ${diagnostic.start} ${diagnostic.end}`;
      if (seen.has(key)) return;
      seen.add(key);
      diagnostics.push(diagnostic);
    },
  };

  const syntax = compiled.flatMap((file) => program.getSyntacticDiagnostics(file));
  const handlers: HandlerHir[] = [];
  const placed = new Map<TS.Node, string>();
  if (syntax.length === 0) {
    const registered = findRegistrations(script);
    const refused = script.refused;
    for (const each of registered) {
      const built = buildHandler(script, each, handlers.length);
      if (built === undefined) {
        refused.add(each.handler);
        continue;
      }
      handlers.push(built);
      placed.set(each.handler, `__sonde.handler(${built.id}, () => ({ ${registrationNames(built).join(", ")} }))`);
    }
    checkHostCalls(script, registered);
    typeDiagnostics(script, program, { registered, refused, own: diagnostics });
  } else for (const each of syntax) script.report(syntaxDiagnostic(each, nameOf));

  const files: UnitFile[] = compiled.map((file) => {
    const isScript = file.fileName === path;
    const filePath = isScript && isOneLiner ? path : file.fileName;
    const code =
      syntax.length > 0 || input.check === true
        ? ""
        : emitModule({
            script,
            file,
            path: filePath,
            folder: filePath.slice(0, filePath.lastIndexOf("/")) || "/",
            resolve,
            exists: (at) => input.readFile(at) !== undefined,
            handlers: placed,
          });
    return { path: nameOf(file), text: isScript ? input.text : file.text, code };
  });
  diagnostics.sort((a, b) => compiledIndex(files, a) - compiledIndex(files, b) || a.start - b.start);
  if (input.cacheFolder !== undefined) keepCompiledCode(input.cacheFolder);
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  const accepted = { files, handlers: handlers.filter((handler) => !handler.functions.some((fn) => diagnostics.some((each) => isErrorIn(each, files, fn)))) };
  return { unit: failed ? undefined : { files, handlers }, accepted, diagnostics, dependencies: [...dependencies] };
}

const isErrorIn = ({ severity, file, start, end }: Diagnostic, files: readonly UnitFile[], fn: FunctionHir): boolean =>
  severity === "error" && files[fn.file]?.path === file && start >= fn.span[0] && end <= fn.span[1];

const compiledIndex = (files: readonly UnitFile[], diagnostic: Diagnostic): number => files.findIndex((file) => file.path === diagnostic.file);

/** `name: name` for each name that only the registration knows. */
function registrationNames(handler: HandlerHir): string[] {
  const names = new Set(handler.captures.filter((capture) => capture.from.kind === "registration").map((capture) => capture.name));
  return [...names].map((name) => `${name}: ${name}`);
}

function syntaxDiagnostic(diagnostic: TS.DiagnosticWithLocation, nameOf: (file: TS.SourceFile) => string): Diagnostic {
  return {
    code: `TS${diagnostic.code}`,
    severity: "error",
    file: nameOf(diagnostic.file),
    start: diagnostic.start,
    end: diagnostic.start + diagnostic.length,
    message: ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"),
  };
}
