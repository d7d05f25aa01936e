/** The command line: parses, runs the command, and turns whatever is thrown into a message and an exit status. */
import { ExitStatus } from "../errors/error.ts";
import { type Importer, importThrough } from "../session/script/native-import.ts";
import { endWithReader } from "./ending.ts";
import { makeProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

/** Gives the exit status. `importer` is `import()`, from a module that Node has loaded itself. */
export async function main(argv: readonly string[], importer: Importer): Promise<number> {
  importThrough(importer);
  endWithReader();
  try {
    let status: number = ExitStatus.ok;
    await makeProgram((result) => {
      status = result;
    }).parseAsync(argv, { from: "user" });
    return status;
  } catch (error) {
    return reportError(error, argv);
  }
}
