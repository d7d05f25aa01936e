/** Takes the engine that a session asked for, or the first that works here; says why not otherwise. */
import { ExitStatus, SondeError } from "../errors/error.ts";
import type { Availability, Engine, EngineName } from "./engine.ts";

/** What may be asked for. */
export type EngineChoice = "auto" | EngineName;

/** An engine, and what is said of how it came to be chosen. */
export interface ChosenEngine {
  readonly engine: Engine;
  readonly notes: readonly string[];
}

const loaders: { readonly [name in EngineName]: () => Promise<Engine> } = {
  kernel: async () => new (await import("./kernel/kernel-engine.ts")).KernelEngine(),
  breakpoint: async () => new (await import("./breakpoint/breakpoint-engine.ts")).BreakpointEngine(),
  inline: async () => new (await import("./inline/inline-engine.ts")).InlineEngine(),
};

/** In this order for `auto`; `inline` is only taken when asked for. */
const automatic: readonly EngineName[] = ["kernel", "breakpoint"];

type Lack = Omit<Availability, "ok">;

function unavailable(name: EngineName, { rights, why, mend }: Lack): SondeError {
  return new SondeError("SONDE_ENGINE_UNAVAILABLE", `the engine ${name} can't be used here`, {
    ...(why === undefined ? {} : { why }),
    mend: mend ?? "`sonde doctor` shows what works here.",
    exit: rights ? ExitStatus.rights : ExitStatus.fault,
  });
}

function noneAvailable(lacks: readonly (readonly [EngineName, Lack])[]): SondeError {
  const [first] = lacks;
  if (first === undefined || lacks.length === 1) return unavailable(...(first ?? ["kernel", {}]));
  return new SondeError("SONDE_ENGINE_UNAVAILABLE", "no engine can be used here", {
    why: lacks.map(([name, { why }]) => `${name}: ${why ?? "not available"}`).join("; "),
    mend: lacks.find(([, { mend }]) => mend !== undefined)?.[1].mend ?? "`sonde doctor` shows what works here.",
    exit: lacks.some(([, { rights }]) => rights) ? ExitStatus.rights : ExitStatus.fault,
  });
}

/** To compile for it: whether it works here isn't asked. Throws SONDE_ENGINE_UNKNOWN. */
export async function loadEngine(name: EngineName): Promise<Engine> {
  if (Object.hasOwn(loaders, name)) return await loaders[name]();
  throw new SondeError("SONDE_ENGINE_UNKNOWN", `there is no engine ${String(name)}`, {
    mend: `The engines are: auto, ${Object.keys(loaders).join(", ")}.`,
    exit: ExitStatus.usage,
  });
}

/** This engine and no other. Throws SONDE_ENGINE_UNKNOWN, _UNAVAILABLE. */
export async function engineNamed(name: EngineName): Promise<Engine> {
  const engine = await loadEngine(name);
  const available = engine.available();
  if (!available.ok) throw unavailable(name, available);
  return engine;
}

export async function chooseEngine(choice: EngineChoice): Promise<ChosenEngine> {
  if (choice !== "auto") return { engine: await engineNamed(choice), notes: [] };
  const lacks: [EngineName, Lack][] = [];
  for (const name of automatic) {
    const engine = await loaders[name]();
    const available = engine.available();
    if (available.ok)
      return {
        engine,
        notes: lacks.map(([other, { why }]) => `engine ${name}: the engine ${other} can't be used here${why === undefined ? "" : `, for ${why}`}`),
      };
    lacks.push([name, available]);
  }
  throw noneAvailable(lacks);
}
