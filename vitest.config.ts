/**
 * How tests run: pure ones (beside the source) and those that need no rights (test/cli, test/testing) in parallel; those that
 * face the kernel (the rest of test/) one file after the other; handlers compared in all ways of running in parallel again.
 */
import { defineConfig } from "vitest/config";

const JSON_RESULTS = process.env.SONDE_TEST_RESULTS;

export default defineConfig({
  test: {
    pool: "forks",
    reporters: JSON_RESULTS ? ["default", ["json", { outputFile: JSON_RESULTS }]] : ["default"],
    projects: [
      { extends: true, test: { name: "pure", include: ["src/**/*.test.ts", "scripts/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "commands", include: ["test/{cli,testing}/**/*.test.ts"], testTimeout: 60_000, sequence: { groupOrder: 1 } } },
      {
        extends: true,
        test: {
          name: "kernel",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{cli,testing,differential}/**"],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      // Each file probes a fixture of its own, and waits for the kernel most of the time.
      {
        extends: true,
        test: {
          name: "differential",
          include: ["test/differential/**/*.test.ts"],
          maxWorkers: 3,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
