/** The snippets of snippets/control.ts, in the kernel. */
import { themesInTheKernel } from "../harness/kernel-suite.ts";
import { control } from "../snippets/control.ts";

themesInTheKernel(control);
