/** The snippets of snippets/state.ts, in the interpreter. */
import { inTheInterpreter } from "../harness/interpreter-suite.ts";
import { state } from "../snippets/state.ts";

inTheInterpreter(state);
