/** Takes the engine that a session asked for, or the first that works here; says why not otherwise. */
import { ExitStatus, SondeError } from "../errors/error.ts";
import type { Availability, Engine, EngineName } from "./engine.ts";

/** What may be asked for. */
export type EngineChoice = "auto" | EngineName;

const loaders: { readonly [name in EngineName]?: () => Promise<Engine> } = {
  kernel: async () => new (await import("./kernel/kernel-engine.ts")).KernelEngine(),
};

/** In this order for `auto`; `inline` is only taken when asked for. */
const automatic: readonly EngineName[] = ["kernel", "breakpoint"];

function unavailable(name: EngineName, { rights, why, mend }: Omit<Availability, "ok">): SondeError {
  return new SondeError("SONDE_ENGINE_UNAVAILABLE", `the engine ${name} can't be used here`, {
    ...(why === undefined ? {} : { why }),
    mend: mend ?? "`sonde doctor` shows what works here.",
    exit: rights ? ExitStatus.rights : ExitStatus.fault,
  });
}

export async function chooseEngine(choice: EngineChoice): Promise<Engine> {
  if (choice !== "auto" && loaders[choice] === undefined) {
    const known = ["kernel", "breakpoint", "inline"].includes(choice);
    throw known
      ? new SondeError("SONDE_ENGINE_MISSING", `the engine ${choice} isn't in this version of sonde`, {
          mend: "Use the engine kernel.",
          exit: ExitStatus.usage,
        })
      : new SondeError("SONDE_ENGINE_UNKNOWN", `there is no engine ${String(choice)}`, { mend: "The engines are: auto, kernel.", exit: ExitStatus.usage });
  }
  let first: SondeError | undefined;
  for (const name of choice === "auto" ? automatic : [choice]) {
    const engine = await loaders[name]?.();
    if (engine === undefined) continue;
    const available = engine.available();
    if (available.ok) return engine;
    first ??= unavailable(name, available);
  }
  throw first ?? unavailable("kernel", {});
}
