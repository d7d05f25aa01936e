/** The passes in their order. */
import type { MirFunction } from "../mir/types.ts";
import { removeDead } from "./dead-code.ts";
import { clean } from "./flow.ts";
import { numberValues } from "./value-numbering.ts";

export function optimize(fn: MirFunction): void {
  clean(fn);
  numberValues(fn);
  clean(fn);
  numberValues(fn);
  removeDead(fn);
  clean(fn);
}
