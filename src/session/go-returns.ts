/** Functions of Go whose returns the kernel is to probe: at each of their `ret` instructions, for their stacks move. */
import type { HandlerHir } from "../compiler/hir/types.ts";
import type { Engine } from "../engines/engine.ts";
import { SondeError } from "../errors/error.ts";
import type { Convention } from "../schema/convention.ts";
import type { FunctionSite } from "../symbols/site.ts";
import type { ProbeEntry } from "./probe.ts";
import type { Scope } from "./scope.ts";
import type { Variant } from "./typed/variants.ts";

export interface ArmedVariant extends Variant {
  /** Entry and return are paired by goroutine. */
  readonly goroutines: boolean;
}

interface Armer {
  readonly handler: HandlerHir;
  readonly scope: Pick<Scope, "notes">;
  readonly engine: Pick<Engine, "name">;
}

/** How many names a note lists. */
const SHOWN_NAMES = 5;

/** A function's return is probed, besides its entry or alone. */
export const hasReturn = (handler: Pick<HandlerHir, "register" | "shape">): boolean => handler.register === "uretprobe" || handler.shape.kind === "call";

/**
 * The variants with those of Go's functions apart, whose handlers are compiled in another way. A function without a
 * `ret`, since it jumps to another one at its end, is left out. Throws SONDE_RETURN_GO where that leaves none.
 */
export function byReturns(variants: readonly Variant[], { sites, probe }: ProbeEntry, { handler, scope, engine }: Armer): ArmedVariant[] {
  const isGo = engine.name === "kernel" && hasReturn(handler) && sites.some(({ go }) => go !== undefined);
  if (!isGo) return variants.map((variant) => ({ ...variant, goroutines: false }));
  const without = sites.filter(({ go }) => go?.returns.length === 0);
  if (without.length === sites.length) throw noReturn(probe.target, without[0]!.display);
  if (without.length > 0) scope.notes.push(`${without[0]!.display}: ${shown(without)} can't have a return probed: no return instruction was found`);
  return variants.flatMap((variant): ArmedVariant[] => {
    const inGo = variant.sites.filter((site) => (sites[site]!.go?.returns.length ?? 0) > 0);
    const others = variant.sites.filter((site) => sites[site]!.go === undefined);
    return [
      { ...variant, sites: inGo, goroutines: true },
      { ...variant, sites: others, goroutines: false },
    ].filter((part) => part.sites.length > 0);
  });
}

/** How the functions of the sites are passed integers; undefined where they don't agree. */
export function conventionOf(sites: readonly Pick<FunctionSite, "go">[]): Convention | undefined {
  const found = new Set(sites.map(({ go }): Convention => (go === undefined ? "c" : go.inRegisters ? "go" : "go-stack")));
  return found.size > 1 ? undefined : ([...found][0] ?? "c");
}

/** Where a goroutine's id is, if that is known and the same for all of the sites. */
export function goroutineIdOf(sites: readonly Pick<FunctionSite, "go">[]): number | undefined {
  const [first] = sites;
  return sites.every(({ go }) => go?.goroutineId === first?.go?.goroutineId) ? first?.go?.goroutineId : undefined;
}

function shown(sites: readonly { readonly name: string }[]): string {
  const names = sites.slice(0, SHOWN_NAMES).map(({ name }) => name);
  return sites.length > names.length ? `${names.join(", ")} and ${sites.length - names.length} more` : names.join(", ");
}

function noReturn(target: string, display: string): SondeError {
  return new SondeError("SONDE_RETURN_GO", `the return of ${target} can't be probed: ${display} is a Go program, and no return instruction was found`, {
    where: target,
    why: "Go moves its stacks, so a return is probed where its instruction is; the function jumps to another one at its end, or its size isn't known",
    mend: "Probe the entry alone, or the return of the function that it jumps to. The engine breakpoint follows every return (--engine breakpoint).",
  });
}
