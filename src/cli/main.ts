/** The command line's entry: parses, runs the command, and turns whatever is thrown into a message and an exit status. */
import { ExitStatus } from "../errors/error.ts";
import { endWithReader } from "./ending.ts";
import { makeProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

endWithReader();

async function main(argv: readonly string[]): Promise<number> {
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

// A script may have left a timer or a socket: the run is over all the same. What was written to pipes and files is written.
process.exit(await main(process.argv.slice(2)));
