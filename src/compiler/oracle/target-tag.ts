/** `@sonde NAME` before a declaration: which structure of the target it stands for. */
import type { TS } from "../frontend/typescript.ts";

/** In the comment before a declaration, where an end of a comment in the name is written "*\/". */
const TARGET_TAG = /@sonde[ \t]+(.+?)[ \t]*(?:\*\/|[\r\n])/;

export function targetTag(declaration: TS.Node): string | undefined {
  const { text } = declaration.getSourceFile();
  return TARGET_TAG.exec(text.slice(declaration.pos, declaration.getStart()))?.[1]?.replaceAll("*\\/", "*/");
}
