/** How tests run: pure ones (beside the source) in parallel; those that face the kernel (test/) one file after the other. */
import { defineConfig } from "vitest/config";

const JSON_RESULTS = process.env.SONDE_TEST_RESULTS;

export default defineConfig({
  test: {
    pool: "forks",
    reporters: JSON_RESULTS ? ["default", ["json", { outputFile: JSON_RESULTS }]] : ["default"],
    projects: [
      { extends: true, test: { name: "pure", include: ["src/**/*.test.ts", "scripts/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: {
          name: "kernel",
          include: ["test/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
