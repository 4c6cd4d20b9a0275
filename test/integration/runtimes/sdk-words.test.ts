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
    lambda: context.events.send(None, {"n": 1}),
    lambda: context.events.send("a.b", "/shop", {"n": 1}, data={"n": 2}),
    lambda: context.events.send("a.b", "/shop", {"n": 1}, source="/till"),
    lambda: context.events.send("a.b", "/shop", {"n": 1}, "order/1"),
):
    try:
        call()
    except FxError as error:
        print(error.code, error)
`,
    [
      "invalid-input the event's source must be a str, not dict: ",
      "invalid-input the event's subject must be a str, not int: ",
      "invalid-input the event's type must be a str, not NoneType: ",
      "invalid-input the event's data was given twice: ",
      "invalid-input the event's source was given twice: ",
      "invalid-input send takes a type, a source and data; 4 values were given: ",
    ],
  ],
  [
    "a.mjs",
    `import { context } from "@streamzero/fx";
for (const given of [
  ["a.b", { n: 1 }, "order/1"],
  ["a.b", 1, { subject: 7 }],
  [null, { n: 1 }],
  ["a.b", "/shop", { n: 1 }],
  ["a.b", "/shop", { n: 1 }, "order/1"],
  ["a.b", () => 1],
])
  await context.events.send(...given).catch((error) => console.log(error.name, error.code, error.message));
`,
    [
      "FxError invalid-input options are an object, not string: ",
      "FxError invalid-input the event's subject must be a string, not number: ",
      "FxError invalid-input the event's type must be a string, not null: ",
      "FxError invalid-input there is no option 'n'; there are source, subject, id, correlationId: ",
      "FxError invalid-input send takes a type, data and options; 4 values were given: ",
      "FxError invalid-input the event's data must be a JSON value, not function: ",
    ],
  ],
])(
  "%s: an event with a value of the wrong kind in its place is refused in words that name the forms",
  async (script, source, expected) => {
    const run = runScript(runner, { [script]: source }, script);
    expect(await run.result).toMatchObject({ kind: "exited", exitCode: 0 });
    const lines = run.stdout().trimEnd().split("\n");
    expect(lines).toEqual(expected.map((beginning) => expect.stringContaining(`${beginning}send(type, data`)));
    expect(run.emitted).toEqual([]);
  },
);

test("a later run asked for by a name that there is not is refused, and none is asked for", async () => {
  const source = `import { context } from "@streamzero/fx";
for (const when of [{ minutes: 5, parameter: { n: 1 } }, 5])
  await context.scheduler.retry(when).catch((error) => console.log(error.code, error.message));
`;
  const run = runScript(runner, { "a.mjs": source }, "a.mjs");
  await run.result;
  expect(run.stdout()).toMatch(
    /^invalid-input there is no option 'parameter'; there are minutes, .*: retry\(\{ minutes.*\ninvalid-input options are an object, not number: /,
  );
});

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
