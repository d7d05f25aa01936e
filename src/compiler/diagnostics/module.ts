/** Modules: imports that find nothing, and syntax that isn't only types. */
import { error, type Place } from "./place.ts";

export const missingModule = (at: Place, specifier: string) =>
  error("SONDE_C_MODULE", at, { message: `there is no module ${specifier}`, mend: "A relative import names the file with its ending: ./helper.ts." });

export const notErasable = (at: Place, what: string, mend: string) =>
  error("SONDE_C_NOT_ERASABLE", at, {
    message: `${what} is more than a type`,
    cause: "sonde takes types out of a script and changes nothing else, as Node does.",
    mend,
  });
