/** TypeScript's own diagnostics: all of them in handlers and what they reach, and those of the host's part that concern the vocabulary. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { ScriptBuild } from "./build.ts";
import type { Registered } from "./registrations.ts";
import { reworded } from "./type-messages.ts";
import { type TS, ts } from "./typescript.ts";

/** Names and modules that only the host's own types would tell; and `any`, which is the compiler's business, not the script's. */
const OTHERS = new Set([
  2304, 2307, 2318, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2664, 2665, 2686, 2792, 2835, 6133, 7005, 7006, 7016, 7031, 7034,
]);
/** What a missing name is called, inside a handler. */
const NO_NAME = new Set([2304, 2552]);

export interface Checked {
  readonly registered: readonly Registered[];
  /** Handlers and functions that our own diagnostics have dealt with. */
  readonly refused: ReadonlySet<TS.Node>;
  readonly own: readonly Diagnostic[];
}

export function typeDiagnostics(script: ScriptBuild, program: TS.Program, { registered, refused, own }: Checked): void {
  const handlers = [...script.reached, ...registered.map((each) => each.handler)];
  const ours = [...own];
  for (const file of script.files) {
    const path = script.place(file).file;
    for (const diagnostic of program.getSemanticDiagnostics(file)) {
      const start = diagnostic.start ?? 0;
      const end = start + (diagnostic.length ?? 0);
      const covers = (node: TS.Node): boolean => node.getSourceFile() === file && node.getStart() <= start && end <= node.end;
      if ([...refused].some(covers)) continue;
      if (ours.some((each) => each.file === path && each.severity === "error" && each.start < end && start < each.end)) continue;
      const node = nodeAt(file, start, end);
      const inHandler = handlers.some(covers);
      if (OTHERS.has(diagnostic.code) && !(inHandler && NO_NAME.has(diagnostic.code))) continue;
      if (!inHandler && !concernsVocabulary(script, node, diagnostic.code)) continue;
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
      script.report(
        reworded(script, { code: diagnostic.code, message, node, inHandler }) ?? {
          code: `TS${diagnostic.code}`,
          severity: "error",
          file: path,
          start,
          end,
          message,
        },
      );
    }
  }
}

/** The innermost node with exactly this range, or the innermost around it. */
function nodeAt(file: TS.SourceFile, start: number, end: number): TS.Node {
  let found: TS.Node = file;
  const visit = (node: TS.Node): void => {
    if (node.getStart() > start || node.end < end) return;
    if (!(found !== file && found.getStart() === start && found.end === end && ts.isIdentifier(found))) found = node;
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return found;
}

/** Of the host's part: is this about something that the vocabulary gave or takes? */
function concernsVocabulary(script: ScriptBuild, node: TS.Node, code: number): boolean {
  if (ts.isImportSpecifier(node.parent) || ts.isImportSpecifier(node)) return code === 2305 || code === 2614 || code === 2724;
  if (code === 2339 || code === 2551) {
    const access = node.parent;
    return ts.isPropertyAccessExpression(access) && script.oracle.vocabularyType(access.expression) !== undefined;
  }
  let whole = node;
  while (!ts.isSourceFile(whole.parent) && !ts.isStatement(whole) && !ts.isVariableDeclaration(whole) && !ts.isFunctionLike(whole.parent)) whole = whole.parent;
  return mentions(script, whole);
}

/** Is the vocabulary, or a member of one of its types, used here? Bodies of inner functions don't count. */
function mentions(script: ScriptBuild, node: TS.Node): boolean {
  if (ts.isPropertyAccessExpression(node) && script.oracle.member(node) !== undefined) return true;
  if (
    ts.isIdentifier(node) &&
    (ts.isCallExpression(node.parent) || ts.isTaggedTemplateExpression(node.parent)) &&
    script.oracle.meaning(node).kind === "vocabulary"
  )
    return true;
  return ts.forEachChild(node, (child) => (ts.isFunctionLike(child) ? undefined : mentions(script, child) || undefined)) === true;
}
