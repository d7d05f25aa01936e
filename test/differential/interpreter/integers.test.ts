/** The snippets of snippets/integers.ts, in the interpreter. */
import { inTheInterpreter } from "../harness/interpreter-suite.ts";
import { integers } from "../snippets/integers.ts";

inTheInterpreter(integers);
