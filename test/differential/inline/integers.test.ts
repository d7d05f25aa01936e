/** The snippets of snippets/integers.ts, as the machine code of the inline engine. */
import { asMachineCode } from "../harness/inline-suite.ts";
import { integers } from "../snippets/integers.ts";

asMachineCode(integers);
