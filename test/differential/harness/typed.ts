/** Typed cases as scripts: compiled for a target, and what they print and miss. */
import type { SessionImage } from "../../../src/compiler/image.ts";
import type { Target } from "../../../src/compiler/target.ts";
import type { Hit } from "../evaluator/run.ts";
import { IMPORTS } from "../snippets/snippet.ts";
import type { TypedCase } from "../snippets/typed.ts";
import { type CompiledScript, compileText, FUNCTIONS, lowerProbe } from "./compile.ts";
import { fromMemories, type Memories } from "./outcome.ts";

const DECLARATIONS = `${IMPORTS.replace("import {", "import { type Ptr,")}
/** @sonde node */
interface TheNode { readonly id: any }
interface point { readonly x: any }
export const total = sum(), byKind = hash(i32, count()), byPointer = hash(u64, count());
`;

const isCall = ({ body }: TypedCase): boolean => body.startsWith("{ enter");

export const scriptOf = (one: TypedCase): CompiledScript =>
  compileText(`${DECLARATIONS}uprobe("fixture:probed", ${isCall(one) ? one.body : `(c) => { ${one.body} }`});\n`);

/** A call's return follows its entry. */
export function hitsOf(one: TypedCase, common: Omit<Hit, "args">): Hit[] {
  return one.hits.flatMap(([args]): Hit[] => {
    const entry: Hit = { ...common, at: "entry", args: [...args.map(BigInt), 0n, 0n, 0n, 0n, 0n, 0n].slice(0, 6) };
    return isCall(one) ? [entry, { ...entry, at: "return" }] : [entry];
  });
}

export const standard: Omit<Hit, "args"> = {
  at: "entry",
  ret: 0n,
  pid: 4242,
  tid: 4243,
  uid: 1000,
  gid: 100,
  cpu: 0,
  comm: "fixture",
  time: 1_000_000n,
  cgroup: 77n,
  func: FUNCTIONS[0]!,
  probe: 0,
};

export const wanted = (one: TypedCase): { readonly prints: readonly string[]; readonly misses: number } => ({
  prints: one.hits.flatMap(([, prints]) => (prints === "" ? [] : prints.split("|"))),
  misses: one.misses ?? 0,
});

/** The case's image for a target, and how its outcome is read. */
export function lowered(one: TypedCase, script: CompiledScript, target: Target): SessionImage {
  const errors = script.diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ code, message }) => `${code} ${message}`).join("\n"));
  const { image, result } = lowerProbe(script, 0, target, one.signature);
  if (image === undefined) throw new Error(result.diagnostics.map(({ code, message }) => `${code} ${message}`).join("\n"));
  return image;
}

export function outcomeOf(image: SessionImage, memories: Memories): ReturnType<typeof wanted> {
  const { outputs, misses } = fromMemories(image, memories);
  return { prints: outputs.map((output) => output.replace(/^print /, "")), misses };
}
