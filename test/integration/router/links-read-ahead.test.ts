import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { Router } from "../../../src/router/router.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();
const ids = createIds(systemClock, systemRandom);
const around = { clock: systemClock, log: silentLog };

test("a router that has nothing to route reads links that another process made, as PostgreSQL tells of them", async () => {
  const bus = openSqliteBus({ ...around, partitions: 1 });
  const url = await postgres.emptyCatalog();
  const catalog = await postgres.open({ url });
  const epochs: number[] = [];
  const snapshot = async () => {
    const read = await catalog.links.snapshot();
    epochs.push(read.epoch);
    return read;
  };
  const links = Object.assign(Object.create(catalog.links) as typeof catalog.links, { snapshot });
  const limits = { hops: 100, flowExecutions: 100 };
  const parts = { ...around, bus, ids, limits, batchSize: 10 };
  const router = new Router({ ...parts, catalog: { routing: catalog.routing, links, news: catalog.news } });
  await router.start();
  onTestFinished(async () => {
    await router.stop();
    await bus.close();
  });
  const [atStart = -1] = epochs;
  const elsewhere = new Scene(await postgres.open({ url, ids }), new ManualClock(), ids);
  await elsewhere.deploy();
  await eventually(async () => (epochs.at(-1) ?? -1) > atStart);
  expect(epochs.at(-1)).toBe(await catalog.links.epoch());
});
