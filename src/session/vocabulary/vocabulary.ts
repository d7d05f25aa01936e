/** The whole vocabulary for one session's script. */
import { SondeError } from "../../errors/error.ts";
import type { Scope } from "../scope.ts";
import { outputVocabulary } from "./output.ts";
import { probeVocabulary } from "./probes.ts";
import { schemas } from "./schemas.ts";
import { stateVocabulary } from "./state.ts";

export type Vocabulary = ReturnType<typeof makeVocabulary>;

export function makeVocabulary(scope: Scope) {
  const open = (): never => {
    throw new SondeError("SONDE_NESTED", "a script can't open another one", {
      mend: "open() is for programs; run both scripts, or import the one as a module of the other.",
    });
  };
  return Object.freeze({ ...schemas, ...stateVocabulary(scope), ...outputVocabulary(scope), ...probeVocabulary(scope), open, SondeError });
}
