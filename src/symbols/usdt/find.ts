/** Which of a file's static probes a target means, and what it could have meant where there is none. */
import { nearNames } from "../../errors/near-names.ts";
import { patternPieces } from "../target.ts";
import type { UsdtProbe, UsdtProbes } from "./probes.ts";
import { isPattern, nameMatcher, type UsdtTarget } from "./target.ts";

/** Words for an error. */
export interface NotFound {
  /** `none`: the file has no probes; `name`: none of these names; `several`: a name without a provider that several have. */
  readonly kind: "none" | "name" | "several";
  readonly message: string;
  readonly why?: string;
  readonly mend: string;
}

/**
 * At least one probe, or why there is none. `display` is the file as a person knows it. A name without a provider is that of
 * one provider's probe; patterns mean all that they match.
 */
export function findUsdt(all: UsdtProbes, target: UsdtTarget, display: string): readonly UsdtProbe[] | NotFound {
  const { probes } = all;
  const [provider, name] = [nameMatcher(target.provider), nameMatcher(target.name)];
  const file = target.file.replaceAll(":", "\\:");
  const found = probes.filter((probe) => provider(probe.provider) && name(probe.name));
  if (target.provider === undefined && !isPattern(target.name) && found.length > 1) {
    const written = found.map((probe) => `"${file}:${fully(probe)}"`);
    return {
      kind: "several",
      message: `several providers in ${display} have a probe ${JSON.stringify(target.name)}`,
      mend: `Name the one that is meant: ${written.slice(0, SHOWN).join(", ")}; or all of them: "${file}:*:${target.name}"`,
    };
  }
  if (found.length > 0) return found;
  const why = leftOutText(all);
  if (probes.length === 0) {
    return {
      kind: "none",
      message: `${display} has no static probes`,
      why: why ?? "it was built without them: they are an option of most programs (--enable-dtrace, --with-dtrace), and noted in its section .note.stapsdt",
      mend: "Name another build of it, or probe a function of it with uprobe().",
    };
  }
  const asked = target.provider === undefined ? target.name : `${target.provider}:${target.name}`;
  const patterned = isPattern(target.name) || (target.provider !== undefined && isPattern(target.provider));
  return {
    kind: "name",
    message: patterned ? `no static probe of ${display} matches ${JSON.stringify(asked)}` : `${display} has no static probe ${JSON.stringify(asked)}`,
    ...(why !== undefined && { why }),
    mend: suggestion(probes, { ...target, file }),
  };
}

/** How many of its notes couldn't be read, and why; undefined if none. */
export function leftOutText({ leftOut }: UsdtProbes): string | undefined {
  const lost = leftOut.reduce((sum, { count }) => sum + count, 0);
  if (lost === 0) return undefined;
  return `${lost} of its notes of static probes ${lost === 1 ? "was" : "were"} left out: ${leftOut.map(({ why }) => why).join("; ")}`;
}

const SHOWN = 3;
/** Without its wildcards. */
const plain = (written: string): string => patternPieces(written).join("");
/** As a target has it. */
const escaped = (name: string): string => name.replace(/[\\:*]/g, "\\$&");
const fully = ({ provider, name }: UsdtProbe): string => `${escaped(provider)}:${escaped(name)}`;

function suggestion(probes: readonly UsdtProbe[], { file, provider, name }: UsdtTarget): string {
  const [wanted, from] = [plain(name), provider === undefined ? undefined : plain(provider)];
  const only = from === undefined ? probes.find((probe) => probe.provider === wanted) : undefined;
  if (only !== undefined) {
    return `${JSON.stringify(wanted)} is a provider: name its probe, "${file}:${fully(only)}", or all: "${file}:${escaped(wanted)}:*"`;
  }
  // First by the probe's own name, whoever provides it: then only the provider is wrong.
  const named = probes.filter((probe) => probe.name === wanted).map(fully);
  const spelled = new Map(probes.map((probe) => (from === undefined ? [probe.name, escaped(probe.name)] : [`${probe.provider}:${probe.name}`, fully(probe)])));
  const near = named.length > 0 ? named : nearNames(from === undefined ? wanted : `${from}:${wanted}`, spelled.keys(), SHOWN).map((one) => spelled.get(one));
  if (near.length > 0) {
    return `Did you mean ${near
      .slice(0, SHOWN)
      .map((one) => `"${file}:${one}"`)
      .join(", ")}?`;
  }
  return `See what there is with the pattern "${file}:*:*": providers are ${listed([...new Set(probes.map((probe) => probe.provider))])}.`;
}

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN * 2;
  return more > 0 ? `${names.slice(0, SHOWN * 2).join(", ")} and ${more} more` : names.join(", ");
}
