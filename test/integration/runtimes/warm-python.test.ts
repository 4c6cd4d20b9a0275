import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { openRunner } from "./script-runs.ts";
import { warmService } from "./warm-service.ts";

const data = tempDirForFile();
let runner: ProcessStepRunner;
beforeAll(async () => {
  runner = await openRunner(data);
});
afterAll(() => runner.close());

describe("a warm script in Python", () => {
  it("runs in the process of the run before", async () => {
    const service = warmService(runner, { "main.py": "import os\nprint(os.getpid())" });
    const first = service.run();
    expect(await first.result).toMatchObject({ kind: "exited", exitCode: 0, outputBytes: first.bytes().length });
    const second = service.run();
    await second.result;
    expect([first.stderr(), second.stdout()]).toEqual(["", first.stdout()]);
  });
});
