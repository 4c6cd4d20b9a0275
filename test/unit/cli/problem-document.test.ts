import { expect, test } from "vitest";
import { errorOfAnswer } from "../../../src/cli/connection/problem-document.ts";

test.each([
  [400, "invalid-input", 1],
  [404, "not-found", 3],
  [401, "unauthenticated", 6],
  [403, "forbidden", 6],
  [409, "conflict", 1],
  [503, "unavailable", 4],
  [413, "limit-exceeded", 1],
])("a refusal with status %d and code %s ends with exit code %d", (status, code, exit) => {
  expect(errorOfAnswer(status, { code, detail: "no" }, "GET /x").exitCode).toBe(exit);
});

test("each problem has its own line, and is not told twice", () => {
  const problems = [{ path: "main.py:3", message: "invalid syntax" }];
  const error = errorOfAnswer(
    400,
    { code: "invalid-input", detail: "the scripts cannot run: main.py:3 invalid syntax", problems },
    "POST /x",
  );
  expect(error.lines()).toEqual(["error: the scripts cannot run", "  main.py:3: invalid syntax"]);
});

test("what a new link names and what is not there is looked for among the services", () => {
  const problem = { code: "not-found", detail: "there is no service default/x" };
  expect(errorOfAnswer(404, problem, "POST /api/v1/links").lines()).toContain("  fix: fx services");
  expect(errorOfAnswer(404, problem, "DELETE /api/v1/links/1").lines()).toContain("  fix: fx links");
});

test("an answer that is no problem document still has a message and an exit code", () => {
  expect(errorOfAnswer(502, { detail: "Bad gateway" }, "GET /x").lines()).toContain("error: Bad gateway");
  expect(errorOfAnswer(502, {}, "GET /x").exitCode).toBe(4);
});
