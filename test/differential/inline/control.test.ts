/** The snippets of snippets/control.ts, as the machine code of the inline engine. */
import { asMachineCode } from "../harness/inline-suite.ts";
import { control } from "../snippets/control.ts";

asMachineCode(control);
