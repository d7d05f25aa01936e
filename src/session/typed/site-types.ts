/** What is known of the function at a site: from the shipped prototypes. */
import type { Signature } from "../../schema/ctypes.ts";
import type { FunctionSite } from "../../symbols/site.ts";
import { prototypeOf } from "../signatures.ts";

/** `file` as the target names it. */
export function signatureOfSite(file: string, site: FunctionSite): Signature | undefined {
  return prototypeOf(file, site);
}
