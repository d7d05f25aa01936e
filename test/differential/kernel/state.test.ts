/** The snippets of snippets/state.ts, in the kernel. */
import { themesInTheKernel } from "../harness/kernel-suite.ts";
import { state } from "../snippets/state.ts";

themesInTheKernel(state);
