/** Puts back what a tracer that was killed has left: its breakpoints are served by the handler in each target until then. */
import { deadTracers } from "../area/markers.ts";
import { recoverInProcess } from "./tracer-process.ts";

/** Resolves when every target that a dead tracer left behind has its own code again. Costs nothing where there is none. */
export async function recoverWhatIsLeft(): Promise<void> {
  if (deadTracers().length > 0) await recoverInProcess();
}
