/** What declarations say of targets, as signatures: for made-up hits, where no program is at hand that could tell. */
import type { Signature } from "../../../schema/ctypes.ts";
import { createProgram, normalize, type ProgramInput } from "../program.ts";
import { loadTypescript, type TS, ts } from "../typescript.ts";
import { DeclaredTypes } from "./types.ts";

/** The registries that declarations are merged into. */
export type Registry = "Functions" | "Usdts" | "Tracepoints";

export interface DeclaredInput extends ProgramInput {
  readonly cacheFolder?: string | undefined;
}

export interface DeclaredSignatures {
  /** Of a target as scripts write it; undefined where nothing is declared. What is passed by value has a place, for no convention is known. */
  signatureOf(registry: Registry, target: string): Signature | undefined;
}

/** Of the script, the declarations that it imports and those that belong to it without. */
export function readDeclared({ cacheFolder, ...input }: DeclaredInput): DeclaredSignatures {
  loadTypescript(cacheFolder);
  const { program, checker } = createProgram({ ...input, path: normalize(input.path) });
  const types = new DeclaredTypes(checker);
  const merged = program
    .getSourceFiles()
    .map((file) => ({ file, blocks: mergedBlocks(file) }))
    .filter(({ blocks }) => blocks.length > 0);
  const blocks = merged.flatMap((each) => each.blocks);
  // Casts name any of the structures, whether a target leads to them or not.
  for (const { file } of merged) for (const statement of file.statements) if (ts.isInterfaceDeclaration(statement)) types.mention(statement);
  return {
    signatureOf(registry, target) {
      const entry = memberOf(blocks, registry, target);
      return entry?.type === undefined ? undefined : registry === "Tracepoints" ? types.record(entry.type) : types.signature(entry.type);
    },
  };
}

/** Of `declare module "sonde" { … }`, what stands in it. */
const mergedBlocks = ({ statements }: TS.SourceFile): TS.Statement[] =>
  statements.flatMap((one) =>
    ts.isModuleDeclaration(one) && ts.isStringLiteral(one.name) && one.name.text === "sonde" && one.body !== undefined && ts.isModuleBlock(one.body)
      ? [...one.body.statements]
      : [],
  );

/** A registry's entry; of several the first one, as TypeScript takes it. */
function memberOf(blocks: readonly TS.Statement[], registry: Registry, target: string): TS.PropertySignature | undefined {
  for (const statement of blocks) {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== registry) continue;
    for (const member of statement.members) if (ts.isPropertySignature(member) && ts.isStringLiteral(member.name) && member.name.text === target) return member;
  }
  return undefined;
}
