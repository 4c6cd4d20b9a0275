import { expect, onTestFinished, test } from "vitest";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { TestScripts, testExecutor } from "../../support/executor.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();
const ids = createIds(systemClock, systemRandom);
const longMs = 600_000;

test("an executor that no signal reaches is told by PostgreSQL that executions came", async () => {
  const url = await postgres.emptyCatalog();
  const catalog = await postgres.open({ url });
  const times = { pollMs: longMs, leaseMs: longMs };
  const runner = new TestScripts();
  const { executor } = await testExecutor(catalog, { ...times, clock: systemClock, slots: 1, runner });
  const elsewhere = new Scene(await postgres.open({ url, ids }), new ManualClock(), ids);
  await elsewhere.deploy();
  executor.start();
  onTestFinished(() => executor.stop(0));
  // More than one: whichever it finds by its first look, the others come later.
  for (let n = 0; n < 3; n += 1) {
    const { id } = await elsewhere.start();
    await eventually(async () => (await elsewhere.status(id)) === "completed");
  }
  expect(await catalog.executions.count({ status: ["completed"] })).toBe(3);
});
