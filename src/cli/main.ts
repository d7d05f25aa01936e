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

process.exitCode = await main(process.argv.slice(2));
