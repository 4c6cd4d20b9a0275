import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();

const chain = {
  first: {
    "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["order.placed"] }),
    "main.py": "from fx_ef import context\ncontext.events.send('order.counted', {'n': 1})\n",
  },
  second: {
    "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: ["order.counted"] }),
    "main.py": "print('counted')\n",
  },
};

test("the whole platform runs with its catalog on PostgreSQL, and goes on by itself when the server was away", async () => {
  const url = await postgres.newDatabase();
  const environment = { FX_CATALOG_DRIVER: "postgres", FX_CATALOG_URL: url };
  const platform = await TestPlatform.start({}, environment);
  onTestFinished(() => platform.stop());
  await expect(TestPlatform.start({}, environment)).rejects.toMatchObject({ code: "conflict" });
  for (const [name, files] of Object.entries(chain)) expect((await platform.deploy(name, files)).status).toBe(201);
  await platform.send({ id: "1", type: "order.placed" });
  const runs = await platform.settled(2);
  expect(runs.map(({ service, status }) => `${service} ${status}`).sort()).toEqual([
    "first completed",
    "second completed",
  ]);
  const last = runs.find(({ service }) => service === "second");
  await eventually(async () => expect(await platform.outputs(last?.id ?? "")).toEqual(["counted\n"]));

  await postgres.server.crash();
  const refused = await platform.request("GET", "/api/v1/executions");
  expect(refused.status).toBe(503);
  await postgres.server.restart();
  await eventually(() => platform.send({ id: "2", type: "order.placed" }));
  expect((await platform.settled(4)).map(({ status }) => status)).toEqual(Array(4).fill("completed"));
});
