import { expect, test } from "vitest";
import { countResults } from "../../../scripts/ci/count-results.mjs";
import { suitesOf } from "../../../scripts/ci/suites-of.mjs";

const file = (status: string, ...statuses: string[]) => ({
  name: "a.test.ts",
  status,
  assertionResults: statuses.map((each, index) => ({ fullName: `test ${index}`, status: each })),
});

test("passed, failed and every kind of skip are counted, and what did not pass is named", () => {
  const report = { success: false, testResults: [file("failed", "passed", "failed", "skipped", "todo", "pending")] };
  expect(countResults(report)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 3,
    unmet: ["failed: test 1", "skipped: test 2", "skipped: test 3", "skipped: test 4"],
  });
});

test("a file that could not be run is one failure, though none of its tests failed", () => {
  const counts = countResults({ success: false, testResults: [file("passed", "passed"), file("failed")] });
  expect(counts).toMatchObject({ passed: 1, failed: 1, skipped: 0 });
});

test("an error outside of any test is a failure", () => {
  expect(countResults({ success: false, testResults: [file("passed", "passed")] })).toMatchObject({ failed: 1 });
});

test("a suite that left no report is a failure", () => {
  expect(countResults(undefined)).toMatchObject({ passed: 0, failed: 1 });
});

test("the suites are test and each longer one; the same tests on another Node are none", () => {
  const scripts = { start: "", test: "", "test:node24": "", "test:kill": "", bench: "" };
  expect(suitesOf(scripts)).toEqual(["test", "test:kill"]);
});
