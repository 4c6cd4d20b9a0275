import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

test.each([
  [
    "a.py",
    `from fx_ef import context, FxError
for call in (
    lambda: context.events.send("a.b", {"n": 1}, "order/1"),
    lambda: context.events.send("a.b", data=1, subject=7),
):
    try:
        call()
    except FxError as error:
        print(error.code, error)
`,
    [
      "invalid-input the event's source must be a str, not dict: ",
      "invalid-input the event's subject must be a str, not int: ",
    ],
  ],
  [
    "a.mjs",
    `import { context } from "@streamzero/fx";
for (const given of [[{ n: 1 }, "order/1"], [{ data: 1, subject: 7 }]])
  await context.events.send("a.b", ...given).catch((error) => console.log(error.name, error.code, error.message));
`,
    [
      "FxError invalid-input the event's source must be a string, not object: ",
      "FxError invalid-input the event's subject must be a string, not number: ",
    ],
  ],
])(
  "%s: an event with a value of the wrong kind in its place is refused in words that name the forms",
  async (script, source, expected) => {
    const run = runScript(runner, { [script]: source }, script);
    expect(await run.result).toMatchObject({ kind: "exited", exitCode: 0 });
    const lines = run.stdout().trimEnd().split("\n");
    expect(lines).toEqual(expected.map((beginning) => expect.stringContaining(`${beginning}send(type, data)`)));
    expect(run.emitted).toEqual([]);
  },
);

test("Python's logging.exception adds the exception that is being handled, and nothing where there is none", async () => {
  const source = `from fx_ef import context
context.logging.exception("alone")
try:
    1 / 0
except ZeroDivisionError:
    context.logging.exception("handled")
`;
  const run = runScript(runner, { "a.py": source }, "a.py");
  await run.result;
  expect(run.logged).toMatchObject([
    { level: "error", message: "alone" },
    { level: "error", message: expect.stringMatching(/^handled\nTraceback[\s\S]*ZeroDivisionError/) },
  ]);
});
