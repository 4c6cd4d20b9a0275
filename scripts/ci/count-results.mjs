// @ts-check

/** @typedef {{ fullName: string, status: string }} TestResult */
/** @typedef {{ name: string, status: string, message?: string, assertionResults: TestResult[] }} FileResult */

/**
 * Counts the tests of one vitest JSON report. A file that could not be run has no tests to fail, so it counts as one
 * failure itself; so does a suite that left no report. Every status but passed and failed is a skip.
 *
 * @param {{ success?: boolean, testResults?: FileResult[] } | undefined} report
 * @returns {{ passed: number, failed: number, skipped: number, unmet: string[] }} `unmet` names what did not pass
 */
export function countResults(report) {
  if (!report?.testResults) return { passed: 0, failed: 1, skipped: 0, unmet: ["failed: the suite left no report"] };
  const counts = { passed: 0, failed: 0, skipped: 0, unmet: /** @type {string[]} */ ([]) };
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      const kind = test.status === "passed" || test.status === "failed" ? test.status : "skipped";
      counts[kind] += 1;
      if (kind !== "passed") counts.unmet.push(`${kind}: ${test.fullName}`);
    }
    if (file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")) {
      counts.failed += 1;
      counts.unmet.push(`failed: ${file.name}: ${file.message || "the file could not be run"}`);
    }
  }
  if (report.success === false && counts.failed === 0) {
    counts.failed += 1;
    counts.unmet.push("failed: the suite says so, though each of its tests passed (an error outside of any test)");
  }
  return counts;
}
