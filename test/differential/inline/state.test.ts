/** The snippets of snippets/state.ts, as the machine code of the inline engine. */
import { asMachineCode } from "../harness/inline-suite.ts";
import { state } from "../snippets/state.ts";

asMachineCode(state);
