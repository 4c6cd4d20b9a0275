import { existsSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { killServer, signalServer, startServer } from "../../../engines/servers.ts";
import { ownServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const serviceOf = (event: string, text: string) => ({
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: [event] }),
  "main.py": `print('${text}')\n`,
});

async function platformOnBucket() {
  const servers = await ownServers("s3");
  const platform = await TestPlatform.start({}, servers.engine.environment(servers.places));
  onTestFinished(() => platform.stop());
  return { servers, platform };
}

async function printed(platform: TestPlatform, service: string): Promise<string[]> {
  const [run] = await platform.settled(1, `&service=default/${service}`);
  expect(run).toMatchObject({ status: "completed", attempt: 1, losses: 0 });
  return eventually(async () => {
    const outputs = await platform.outputs(run?.id ?? "");
    return outputs.join("") === "" ? undefined : outputs;
  });
}

test("a service's files are in the bucket only, and it runs from there", async () => {
  const { platform } = await platformOnBucket();
  const { body } = await platform.deploy("first", serviceOf("order.placed", "counted"));
  await platform.send({ id: "1", type: "order.placed" });
  expect(await printed(platform, "first")).toEqual(["counted\n"]);
  const file = await platform.request("GET", `/api/v1/services/default/first/versions/${body.version}/files/main.py`);
  expect(file.body).toBe("print('counted')\n");
  expect(existsSync(path.join(platform.directory, "data/artifacts"))).toBe(false);
});

test("D7: while the bucket is away readiness says so, deploys are refused, and runs that need it wait and are not lost", async () => {
  const { servers, platform } = await platformOnBucket();
  await platform.deploy("known", serviceOf("known.asked", "known"));
  await platform.deploy("fresh", serviceOf("fresh.asked", "fresh"));
  await platform.send({ id: "1", type: "known.asked" });
  expect(await printed(platform, "known")).toEqual(["known\n"]);

  await killServer(servers, 0);
  const ready = await platform.request<{ problems: { path: string; message: string }[] }>("GET", "/readyz");
  expect(ready.status).toBe(503);
  expect(ready.body.problems).toEqual([
    {
      path: "artifacts",
      message: expect.stringMatching(/the artifact store "streamzero-fx" at .* cannot be used now/),
    },
  ]);
  expect((await platform.deploy("late", serviceOf("late.asked", "late"))).status).toBe(503);
  await platform.send({ id: "2", type: "known.asked" }, { id: "3", type: "fresh.asked" });
  const runs = await platform.settled(2, "&service=default/known");
  expect(runs.map(({ status }) => status)).toEqual(["completed", "completed"]);
  const waiting = await eventually(async () => {
    const [run] = await platform.executions("&service=default/fresh");
    return run?.status === "in_progress" ? run : undefined;
  });

  await startServer(servers, 0);
  expect(await printed(platform, "fresh")).toEqual(["fresh\n"]);
  expect((await platform.execution(waiting.id)).losses).toBe(0);
  expect((await platform.request("GET", "/readyz")).status).toBe(200);
  expect((await platform.deploy("late", serviceOf("late.asked", "late"))).status).toBe(201);
});

test("readiness names a bucket whose server accepts and says nothing", async () => {
  const { servers, platform } = await platformOnBucket();
  signalServer(servers, 0, "SIGSTOP");
  // It may answer once more before it stands.
  const told = await eventually(async () => {
    const { status, body } = await platform.request<{ detail: string }>("GET", "/readyz");
    return status === 503 ? body.detail : undefined;
  });
  expect(told).toBe("not ready: artifacts: does not answer within 5 s");
  signalServer(servers, 0, "SIGCONT");
  await eventually(async () => (await platform.request("GET", "/readyz")).status === 200);
});

test("a platform whose bucket is wrong does not start, and says what is wrong", async () => {
  const servers = await ownServers("s3");
  const environment = { ...servers.engine.environment(servers.places), FX_ARTIFACT_STORE_BUCKET: "no-such-bucket" };
  await expect(TestPlatform.start({}, environment)).rejects.toThrow(/"no-such-bucket" at .*NoSuchBucket/);
});
