/** The command line's entry: parses, runs the command, and turns whatever is thrown into a message and an exit status. */
import { ExitStatus } from "../errors/error.ts";
import { makeProgram } from "./program.ts";
import { reportError } from "./report-error.ts";

// `sonde … | head`: the reader is gone, which is no fault. A run ends itself and still takes its probes out.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.emit("SIGPIPE");
  else throw error;
});

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
