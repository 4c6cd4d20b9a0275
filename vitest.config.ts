import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fixtures/**", "**/node_modules/**"],
    // A process a file: the tests start children, hold ports and open databases, and a crash must not take others along.
    pool: "forks",
    // The smallest machine we promise to test on has two cores.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test that was skipped must be seen, and one marked "only" must not hide the rest.
    allowOnly: false,
    passWithNoTests: false,
  },
});
