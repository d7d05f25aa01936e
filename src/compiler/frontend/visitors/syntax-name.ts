/** What a piece of syntax is called, for messages about pieces that have no name of their own. */
import { type TS, ts } from "../typescript.ts";

export function syntaxName(node: TS.Node): string {
  const words = ts.SyntaxKind[node.kind]?.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase() ?? "this";
  return /^[aeiou]/.test(words) ? `an ${words}` : `a ${words}`;
}
