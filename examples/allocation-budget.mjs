// From a plain Node program, without the command line: does a command stay within a number of allocations?
//   node examples/allocation-budget.mjs 200 ls -l /
// It ends with status 1 if not: a probe as an assertion, in a build or a test.
import { open } from "sonde";

const [budget, ...command] = process.argv.slice(2);
if (!(Number(budget) >= 0) || command.length === 0) {
  console.error("usage: node allocation-budget.mjs BUDGET COMMAND ARG…");
  process.exit(2);
}

const session = await open(new URL("./malloc-sizes.probe.ts", import.meta.url), { command });
const { lost } = await session.done;
const { calls, size } = session.maps;
for (const [program, h] of size) console.log(`${program}: ${h.count} allocations, ${h.sum} bytes, half of them up to ${h.percentile(50)} bytes`);
const made = calls.read();
const isWithin = made <= BigInt(budget) && lost === 0n;
console.log(`${made} allocations: ${isWithin ? "within" : "beyond"} the budget of ${budget}`);
process.exitCode = isWithin ? 0 : 1;
