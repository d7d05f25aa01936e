// Prints the last line of a check, `N passed, N failed`, from the results that vitest wrote. No results are a failure.
import { existsSync, readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const text = existsSync(file) ? readFileSync(file, "utf8") : "";
if (text === "") {
  process.stdout.write("no test results were written\n0 passed, 1 failed\n");
  process.exit(1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(text);
/** A file that couldn't be loaded has no failed test, but isn't well either. */
const broken = testResults.filter((result) => result.status === "failed" && !result.assertionResults.some((test) => test.status === "failed"));
for (const { name } of broken) process.stdout.write(`did not run: ${name}\n`);
const skipped = numPendingTests + numTodoTests;
const failed = numFailedTests + broken.length;
process.stdout.write(`${numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
process.exit(failed > 0 ? 1 : 0);
