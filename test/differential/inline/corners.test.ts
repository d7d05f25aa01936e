/** The snippets of snippets/corners.ts, as the machine code of the inline engine. */
import { asMachineCode } from "../harness/inline-suite.ts";
import { corners } from "../snippets/corners.ts";

asMachineCode(corners);
