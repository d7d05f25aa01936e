/** The snippets of snippets/integers.ts, in the kernel. */
import { themesInTheKernel } from "../harness/kernel-suite.ts";
import { integers } from "../snippets/integers.ts";

themesInTheKernel(integers);
