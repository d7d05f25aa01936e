/** Which of a file's static probes a target means, and what it could have meant where there is none. */
import { nearNames } from "../../errors/near-names.ts";
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
export function findUsdt({ probes, leftOut }: UsdtProbes, target: UsdtTarget, display: string): readonly UsdtProbe[] | NotFound {
  const [provider, name] = [nameMatcher(target.provider), nameMatcher(target.name)];
  const found = probes.filter((probe) => provider(probe.provider) && name(probe.name));
  if (target.provider === undefined && !isPattern(target.name) && found.length > 1) {
    const written = found.map((probe) => `"${target.file}:${probe.provider}:${probe.name}"`);
    return {
      kind: "several",
      message: `several providers in ${display} have a probe ${JSON.stringify(target.name)}`,
      mend: `Name the one that is meant: ${written.slice(0, SHOWN).join(", ")}; or all of them: "${target.file}:*:${target.name}"`,
    };
  }
  if (found.length > 0) return found;
  const lost = leftOut.reduce((sum, { count }) => sum + count, 0);
  const why = lost === 0 ? undefined : `${lost} of its notes ${lost === 1 ? "was" : "were"} left out: ${leftOut.map((one) => one.why).join("; ")}`;
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
    mend: suggestion(probes, target),
  };
}

const SHOWN = 3;
const plain = (written: string): string => written.replace(/\\(.)/gs, "$1").replaceAll("*", "");

function suggestion(probes: readonly UsdtProbe[], { file, provider, name }: UsdtTarget): string {
  const full = ({ provider, name }: UsdtProbe): string => `${provider}:${name}`;
  const all = `See what there is with the pattern "${file}:*:*": providers are ${listed([...new Set(probes.map((probe) => probe.provider))])}.`;
  const only = provider === undefined ? probes.filter((probe) => probe.provider === plain(name)) : [];
  if (only.length > 0)
    return `${JSON.stringify(plain(name))} is a provider: name its probe, "${file}:${plain(name)}:${only[0]!.name}", or all: "${file}:${plain(name)}:*"`;
  // First by the probe's own name, wherever it is: a wrong provider isn't far from right.
  const named = probes.filter((probe) => probe.name === plain(name)).map(full);
  const near =
    named.length > 0 ? named : nearNames(provider === undefined ? plain(name) : `${plain(provider)}:${plain(name)}`, spellings(probes, provider), SHOWN);
  const written = near.slice(0, SHOWN).map((one) => `"${file}:${one}"`);
  return written.length > 0 ? `Did you mean ${written.join(", ")}?` : all;
}

const spellings = (probes: readonly UsdtProbe[], provider: string | undefined): string[] =>
  probes.map((probe) => (provider === undefined ? probe.name : `${probe.provider}:${probe.name}`));

function listed(names: readonly string[]): string {
  const more = names.length - SHOWN * 2;
  return more > 0 ? `${names.slice(0, SHOWN * 2).join(", ")} and ${more} more` : names.join(", ");
}
