import { defineConfig } from "vitest/config";

/** `npm run test:engines`: on the real servers, which are started before. */
const onEngines = process.env.FX_ENGINES !== undefined;

/** `npm run test:chaos`: an installation on real servers, which it kills, pauses and cuts off. */
const inChaos = process.env.FX_CHAOS !== undefined;
const everyday = ["test/**/*.test.ts"];
const chosen = onEngines ? ["test/engines/**/*.test.ts"] : inChaos ? ["test/chaos/**/*.test.ts"] : everyday;

export default defineConfig({
  test: {
    include: chosen,
    globalSetup: onEngines ? ["test/engines/setup.ts"] : [],
    exclude: [
      "test/fixtures/**",
      "**/node_modules/**",
      ...(onEngines || inChaos ? [] : ["test/engines/**", "test/chaos/**"]),
      // Tests of the simulation, minutes long: `npm run test:bugs` asks for them.
      ...(process.env.FX_SIM_BUGS ? [] : ["test/simulation/planted-bugs.test.ts"]),
    ],
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
