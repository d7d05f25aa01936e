/** Asking for what may not be there, where its absence is no news. */
import { SondeError } from "./error.ts";

/** What `look` gives; undefined where it throws a SondeError. */
export function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof SondeError) return undefined;
    throw error;
  }
}
