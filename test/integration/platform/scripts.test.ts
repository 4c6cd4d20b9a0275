import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

/** Deploys one Python script, runs it, and waits for its end. */
async function run(name: string, script: string, manifest: object = {}) {
  const files = { "manifest.json": JSON.stringify({ entrypoint: "main.py", ...manifest }), "main.py": script };
  const deployed = await platform.deploy(name, files);
  expect(deployed.status).toBe(201);
  const { body } = await platform.request<{ executionId: string }>("POST", `/api/v1/services/default/${name}/run`, {
    json: {},
  });
  await platform.settled(1, `&service=default/${name}`);
  return platform.execution(body.executionId);
}

describe("a script", () => {
  test("that fails is retried as its manifest says, then the execution has failed with exit code and traceback", async () => {
    const execution = await run("fails", "raise ValueError('out of coffee')\n", { retries: { count: 2, delay: 0.01 } });
    expect(execution).toMatchObject({ status: "failed", attempt: 3, losses: 0, error: { kind: "exit" } });
    expect(execution.steps).toHaveLength(3);
    expect(execution.steps[2]).toMatchObject({ exitCode: 1, status: "failed" });
    expect(execution.steps[2]?.output.preview).toContain("out of coffee");
  });

  test("that never ends is ended at its timeout, and the message names the manifest's key", async () => {
    const execution = await run("endless", "while True: pass\n", { timeout: 0.5 });
    expect(execution).toMatchObject({
      status: "failed",
      error: { kind: "timeout", message: expect.stringContaining("timeout") },
    });
  });

  test("that prints 100 MB is cut at 10 MiB with a visible mark, and the rest of the platform goes on", async () => {
    const execution = await run("loud", "import sys\nfor _ in range(1600): sys.stdout.write('x' * 65535 + '\\n')\n");
    expect(execution.status).toBe("completed");
    expect(execution.steps[0]?.output).toMatchObject({ truncated: true });
    const whole = await platform.request<string>("GET", `/api/v1/executions/${execution.id}/steps/1/output`);
    expect(whole.body.length).toBeGreaterThanOrEqual(10 * 1024 * 1024);
    expect(whole.body.length).toBeLessThan(11 * 1024 * 1024);
  });

  test("that kills its parent and forks daemons harms only itself", async () => {
    const execution = await run(
      "violent",
      `import os, signal, sys, time
try:
    os.kill(os.getppid(), signal.SIGKILL)
except PermissionError:
    print("not permitted", flush=True)
if os.fork() == 0:
    os.setsid()
    time.sleep(600)
print("parent ends", flush=True)
`,
    );
    expect(execution.status).toBe("completed");
    const after = await run("unharmed", "print('still here')\n");
    expect(after).toMatchObject({ status: "completed", losses: 0 });
  });

  test("stops at the first step that fails", async () => {
    await platform.deploy("steps", {
      "manifest.json": JSON.stringify({ execution_order: ["one.py", "two.py", "three.py"] }),
      "one.py": "print('one')\n",
      "two.py": "import sys; sys.exit(7)\n",
      "three.py": "print('three')\n",
    });
    await platform.request("POST", "/api/v1/services/default/steps/run", { json: {} });
    const [found] = await platform.settled(1, "&service=default/steps");
    const { steps } = await platform.execution(found?.id ?? "");
    expect(steps.map(({ script, exitCode }) => [script, exitCode])).toEqual([
      ["one.py", 0],
      ["two.py", 7],
    ]);
  });

  test("can be cancelled while it runs", async () => {
    await platform.deploy("long", { "main.py": "import time\nprint('started', flush=True)\ntime.sleep(600)\n" });
    const { body } = await platform.request<{ executionId: string }>("POST", "/api/v1/services/default/long/run", {
      json: {},
    });
    await eventually(async () => expect((await platform.execution(body.executionId)).status).toBe("in_progress"));
    const cancelled = await platform.request("POST", `/api/v1/executions/${body.executionId}/cancel`);
    expect(cancelled.status).toBeLessThan(300);
    const [execution] = await platform.settled(1, "&service=default/long");
    expect(execution?.status).toBe("cancelled");
  });

  test("keeps its state from run to run", async () => {
    const counter = `from fx_ef import context
seen = context.state.get().get("seen", 0) + 1
context.state.put("seen", seen)
print(seen)
`;
    await platform.deploy("counter", { "main.py": counter });
    for (let round = 1; round <= 3; round += 1) {
      await platform.request("POST", "/api/v1/services/default/counter/run", { json: {} });
      await platform.settled(round, "&service=default/counter");
    }
    const executions = await platform.executions("&service=default/counter");
    const outputs = await Promise.all(executions.map(({ id }) => platform.outputs(id)));
    expect(outputs.flat()).toEqual(["3\n", "2\n", "1\n"]);
  });
});

describe("a manual run", () => {
  test("D17: with one Idempotency-Key is one run, however often it is asked for", async () => {
    await platform.deploy("manual", { "main.py": "import sys\nprint(sys.argv[1])\n" });
    const ask = () =>
      platform.request<{ executionId: string; eventKey: string }>("POST", "/api/v1/services/default/manual/run", {
        json: { data: { a: 1 } },
        headers: { "idempotency-key": "ask-1" },
      });
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(answers.map(({ body }) => body.executionId)).size).toBe(1);
    await platform.settled(1, "&service=default/manual");
    expect(await platform.executions("&service=default/manual")).toHaveLength(1);
    expect(await platform.event(answers[0]?.body.eventKey ?? "")).toMatchObject({
      outcome: "matched",
      links: [{ service: "manual", matched: true, executionId: answers[0]?.body.executionId }],
    });
  });

  test("D6: a retry by a person is a new execution that names the old one", async () => {
    const failed = await run("again", "raise SystemExit(3)\n");
    const { body } = await platform.request<{ id: string }>("POST", `/api/v1/executions/${failed.id}/retry`, {
      json: {},
    });
    const executions = await platform.settled(2, "&service=default/again");
    expect(executions.map(({ id, retryOf, status }) => [id, retryOf, status])).toEqual([
      [body.id, failed.id, "failed"],
      [failed.id, null, "failed"],
    ]);
  });
});
