/**
 * How tests run: pure ones (beside the source) and those of commands that need no rights (test/cli) in parallel; those that
 * face the kernel (the rest of test/) one file after the other.
 */
import { defineConfig } from "vitest/config";

const JSON_RESULTS = process.env.SONDE_TEST_RESULTS;

export default defineConfig({
  test: {
    pool: "forks",
    reporters: JSON_RESULTS ? ["default", ["json", { outputFile: JSON_RESULTS }]] : ["default"],
    projects: [
      { extends: true, test: { name: "pure", include: ["src/**/*.test.ts", "scripts/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      { extends: true, test: { name: "commands", include: ["test/cli/**/*.test.ts"], testTimeout: 60_000, sequence: { groupOrder: 1 } } },
      {
        extends: true,
        test: {
          name: "kernel",
          include: ["test/**/*.test.ts"],
          exclude: ["test/cli/**"],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
