// @ts-check
/**
 * Prints `N passed, N failed, N skipped`, summed over the vitest results of the named suites, and fails when any test
 * failed or was skipped, or when a suite left no results.
 *
 *   node scripts/ci/sum-results.mjs <folder> <suite...>
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countResults } from "./count-results.mjs";

const [folder = ".", ...suites] = process.argv.slice(2);
const sums = { passed: 0, failed: 0, skipped: 0 };

for (const suite of suites) {
  const counts = countResults(read(join(folder, `${suite.replaceAll(":", "-")}.json`)));
  for (const name of counts.unmet) process.stdout.write(`${suite}: ${name}\n`);
  sums.passed += counts.passed;
  sums.failed += counts.failed;
  sums.skipped += counts.skipped;
}

process.stdout.write(`${sums.passed} passed, ${sums.failed} failed, ${sums.skipped} skipped\n`);
process.exitCode = sums.failed + sums.skipped === 0 && sums.passed > 0 ? 0 : 1;

/** @param {string} file */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
