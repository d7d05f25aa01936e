/** The snippets of snippets/corners.ts, in the kernel. */
import { themesInTheKernel } from "../harness/kernel-suite.ts";
import { corners } from "../snippets/corners.ts";

themesInTheKernel(corners);
