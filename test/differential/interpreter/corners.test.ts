/** The snippets of snippets/corners.ts, in the interpreter. */
import { inTheInterpreter } from "../harness/interpreter-suite.ts";
import { corners } from "../snippets/corners.ts";

inTheInterpreter(corners);
