/** The snippets of snippets/control.ts, in the interpreter. */
import { inTheInterpreter } from "../harness/interpreter-suite.ts";
import { control } from "../snippets/control.ts";

inTheInterpreter(control);
