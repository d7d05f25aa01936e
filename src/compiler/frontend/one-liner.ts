/** A one-liner has the whole vocabulary in scope: its import stands at the end, so that every position stays. */

import { declaredNames } from "./javascript/modules.ts";
import { type TS, ts } from "./typescript.ts";
import { vocabulary } from "./vocabulary.ts";

/** Types that a one-liner may want to name. */
const types = ["EnterHit", "LeaveHit", "Hit", "UserHit", "Ptr"];

export function oneLinerText(text: string): string {
  const file = ts.createSourceFile("/-e.ts", text, ts.ScriptTarget.ESNext);
  const own = new Set(file.statements.flatMap((statement) => [...declaredNames(statement), ...importedNames(statement), ...typeName(statement)]));
  // Only what is mentioned: each name costs a little time to resolve.
  const words = new Set(text.match(/[A-Za-z_$][\w$]*/g));
  const names = [
    ...vocabulary.filter((name) => words.has(name) && !own.has(name)),
    ...types.filter((name) => words.has(name) && !own.has(name)).map((name) => `type ${name}`),
  ];
  return `${text}\n;import { ${names.join(", ")} } from "sonde";`;
}

const typeName = (statement: TS.Statement): string[] =>
  ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) ? [statement.name.text] : [];

function importedNames(statement: TS.Statement): string[] {
  if (!ts.isImportDeclaration(statement) || statement.importClause === undefined) return [];
  const { name, namedBindings } = statement.importClause;
  const names = name === undefined ? [] : [name.text];
  if (namedBindings === undefined) return names;
  return [...names, ...(ts.isNamespaceImport(namedBindings) ? [namedBindings.name.text] : namedBindings.elements.map((element) => element.name.text))];
}
