/** The engine that a script gets: the one asked for, or, where that is left to sonde, one that has all that the script uses. */
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import { type ChosenEngine, type EngineChoice, engineNamed } from "../engines/choose.ts";
import type { EngineName } from "../engines/engine.ts";
import { SondeError } from "../errors/error.ts";
import { type LoweredScript, type LowerScriptRequest, lowerScript } from "./arm.ts";
import type { Scope } from "./scope.ts";
import { ScriptErrors } from "./script-errors.ts";

/** An engine that the script needs, and for what. */
interface Need {
  readonly engine: EngineName;
  readonly what: string;
}

const hostHandlers = (scope: Scope): Need | undefined => (scope.intercepts.length > 0 ? { engine: "breakpoint", what: "intercept()" } : undefined);

/** What the compiler complains of is only the engine. */
export const needOf = (diagnostics: readonly Diagnostic[]): Need | undefined =>
  diagnostics.find(({ severity, needs }) => severity === "error" && needs !== undefined)?.needs;

export interface LoweredFor extends ChosenEngine {
  readonly lowered: LoweredScript;
}

async function change({ engine, notes }: ChosenEngine, need: Need): Promise<ChosenEngine> {
  try {
    return { engine: await engineNamed(need.engine), notes: [...notes, `engine ${need.engine}: the engine ${engine.name} lacks ${need.what}`] };
  } catch (error) {
    if (!(error instanceof SondeError)) throw error;
    throw new SondeError("SONDE_ENGINE_UNAVAILABLE", `the script uses ${need.what}, and the engine ${need.engine}, which has it, can't be used here`, {
      ...(error.why === undefined ? {} : { why: error.why }),
      ...(error.mend === undefined ? {} : { mend: error.mend }),
      exit: error.exit,
      cause: error,
    });
  }
}

/** Throws SONDE_ENGINE_LACKS, SONDE_ENGINE_UNAVAILABLE, ScriptErrors. */
export async function lowerForEngine(request: Omit<LowerScriptRequest, "engine">, first: ChosenEngine, choice: EngineChoice): Promise<LoweredFor> {
  let chosen = first;
  const need = hostHandlers(request.scope);
  if (need !== undefined && need.engine !== chosen.engine.name) {
    if (choice !== "auto") {
      throw new SondeError("SONDE_ENGINE_LACKS", `${request.scope.intercepts[0]!.what}: the engine ${chosen.engine.name} runs no host code at a hit`, {
        mend: `The engine ${need.engine} does: --engine ${need.engine}, or leave --engine out.`,
      });
    }
    chosen = await change(chosen, need);
  }
  try {
    return { ...chosen, lowered: lowerScript({ ...request, engine: chosen.engine }) };
  } catch (error) {
    const lacking = error instanceof ScriptErrors && choice === "auto" ? needOf(error.diagnostics) : undefined;
    if (lacking === undefined || lacking.engine === chosen.engine.name) throw error;
    chosen = await change(chosen, lacking);
    return { ...chosen, lowered: lowerScript({ ...request, engine: chosen.engine }) };
  }
}
