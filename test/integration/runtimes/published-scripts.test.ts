import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type { RetryTime } from "../../../src/executor/step-runner.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import { publishedService } from "../../support/published-services.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner, runScript } from "./script-runs.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

describe("a script as people wrote it for the published product", () => {
  it("reads secrets, of objects too, and stores some for its project", async () => {
    const { "secrets.json": given = "{}", ...files } = publishedService("vault-visit");
    const secrets: JsonObject = JSON.parse(given);
    const set: unknown[] = [];
    const run = runScript(runner, files, "visit.py", {
      host: {
        getSecret: async (name) => secrets[name],
        async setSecret(name: string, value: Json, scope) {
          set.push([name, value, scope]);
          secrets[name] = value;
        },
      },
    });
    expect([await run.result, run.stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(run.stdout()).toBe("name ledger length 13\nuser post\nmissing None None\nset project length 8\nof orders\n");
    expect(set).toEqual([
      ["shared_key", { part: "project" }, "project"],
      ["shared_note", "pinewood", "project"],
    ]);
  });

  it.each([
    [{ how: "amount", minutes: 3 }, { delayMs: 180_000 }],
    [{ how: "short" }, { delayMs: 10_800_000 }],
    [{ how: "with" }, { delayMs: 60_000, parameters: { how: "short" } }],
    [{ how: "cron" }, { cron: "56 * * * *", timezone: "UTC" }],
  ])("asks to be run again later: %j", async (params, when) => {
    const asked: (RetryTime & { parameters?: JsonObject })[] = [];
    const run = runScript(runner, publishedService("call-back"), "call.py", {
      params,
      host: {
        async retryLater(time, parameters) {
          asked.push({ ...time, ...(parameters === undefined ? {} : { parameters }) });
          return { jobId: "job-1", at: 0 };
        },
      },
    });
    expect([await run.result, run.stderr()]).toEqual([expect.objectContaining({ kind: "exited", exitCode: 0 }), ""]);
    expect(run.stdout()).toBe("job True True\n");
    expect(asked).toEqual([when]);
  });
});
