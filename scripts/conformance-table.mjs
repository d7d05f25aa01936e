// Writes docs/conformance.md: which behaviours each engine shows, from the suite's last results. `node scripts/conformance-table.mjs
// [RESULTS.json]`: vitest's JSON results; without, the suite is run for them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SUITE = join(root, "test/conformance");
const TABLE = join(root, "docs/conformance.md");

/** The claims are TypeScript that imports nothing: its types are taken off, and it is imported as it stands. */
async function claimsOf() {
  const { default: ts } = await import("typescript");
  const source = readFileSync(join(SUITE, "claims.ts"), "utf8");
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
  return await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}

function runSuite() {
  const folder = mkdtempSync(join(tmpdir(), "sonde-results-"));
  const file = join(folder, "results.json");
  try {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    spawnSync(process.execPath, [vitest, "run", "--project", "kernel", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, SUITE], {
      cwd: root,
      stdio: "inherit",
    });
    return readFileSync(file, "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By engine and number: how many tests passed, failed and were skipped. */
function tally(results) {
  const counts = new Map();
  for (const { assertionResults } of results.testResults) {
    for (const { ancestorTitles, status } of assertionResults) {
      const found = /^(\w+): (\d\d) /.exec(ancestorTitles.find((title) => /^\w+: \d\d /.test(title)) ?? "");
      if (found === null) continue;
      const key = `${found[1]} ${Number(found[2])}`;
      const count = counts.get(key) ?? { passed: 0, failed: 0, skipped: 0 };
      count[status === "passed" ? "passed" : status === "failed" ? "failed" : "skipped"]++;
      counts.set(key, count);
    }
  }
  return counts;
}

function cell(count, exempt) {
  if (exempt !== undefined) return "exempt";
  if (count === undefined || count.passed + count.failed === 0) return "**not run**";
  if (count.failed > 0) return `**fails** (${count.failed} of ${count.failed + count.passed})`;
  return count.skipped > 0 ? "passes, in part not run" : "passes";
}

function table({ behaviours, claims }, counts) {
  const engines = Object.keys(claims);
  const numbers = Object.keys(behaviours).map(Number);
  const padded = (number) => String(number).padStart(2, "0");
  const rows = numbers.map(
    (n) => `| ${padded(n)} | ${behaviours[n]} | ${engines.map((engine) => cell(counts.get(`${engine} ${n}`), claims[engine].exempt[n])).join(" | ")} |`,
  );
  const remarks = (kind, words) =>
    engines.flatMap((engine) => Object.entries(claims[engine][kind]).map(([n, text]) => `- ${padded(n)}, \`${engine}\`, ${words}${text}.`));
  const list = (title, lines) => (lines.length === 0 ? [] : ["", `## ${title}`, "", ...lines]);
  return [
    "# What each engine shows",
    "",
    "Made by `node scripts/conformance-table.mjs` from a run of `test/conformance`, against real processes on a real kernel; the claims are in",
    "`test/conformance/claims.ts`. A behaviour has one test or several, the same for every engine that claims it.",
    "",
    `| | behaviour | ${engines.map((engine) => `\`${engine}\``).join(" | ")} |`,
    `|---|---|${engines.map(() => "---|").join("")}`,
    ...rows,
    ...list("Exempt, because", remarks("exempt", "")),
    ...list("Limits", remarks("limits", "")),
    "",
  ].join("\n");
}

const [file] = process.argv.slice(2);
const results = JSON.parse(file === undefined ? runSuite() : readFileSync(file, "utf8"));
const counts = tally(results);
writeFileSync(TABLE, table(await claimsOf(), counts));
process.stdout.write(`written: ${TABLE}\n`);
process.exitCode = [...counts.values()].some(({ failed }) => failed > 0) ? 1 : 0;
