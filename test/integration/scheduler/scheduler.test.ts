import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const minute = 60_000;

/** A catalog and schedulers under a clock that a test moves. */
async function open() {
  const clock = new ManualClock(Date.UTC(2026, 0, 1, 12));
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log: silentLog });
  const bus = openSqliteBus({ clock, log: silentLog, partitions: 1 });
  const schedulers: Scheduler[] = [];
  onTestFinished(async () => {
    await Promise.all(schedulers.map((scheduler) => scheduler.stop()));
    await Promise.all([bus.close(), catalog.close()]);
  });
  const startScheduler = () => {
    const catchUp = { toleranceMs: minute, runs: 1000 };
    const scheduler = new Scheduler({ bus, catalog, clock, ids, log: silentLog, pollMs: 1000, catchUp });
    schedulers.push(scheduler);
    scheduler.start();
    return scheduler;
  };
  /** Lets time pass, a little at a time, until so many runs were started. */
  const untilRuns = (count: number) =>
    eventually(async () => {
      clock.advance(100);
      const found = await catalog.executions.count({ trigger: "schedule" });
      return found === count;
    });
  return { clock, catalog, scene: new Scene(catalog, clock, ids), startScheduler, untilRuns };
}

test("D18: two schedulers on one catalog make one run of each time, in order, also of those to catch up with", async () => {
  const { clock, catalog, scene, startScheduler, untilRuns } = await open();
  await scene.deploy("tick", { schedule: "* * * * *", catch_up: "all", trigger_events: [] });
  clock.advance(50 * minute);
  startScheduler();
  startScheduler();
  await untilRuns(50);
  clock.advance(minute);
  await untilRuns(51);
  const { items } = await catalog.executions.list({ trigger: "schedule" }, { limit: 100 });
  expect(new Set(items.map(({ eventId }) => eventId)).size).toBe(51);
  const fired = (await scene.sent()).filter(({ type }) => type === "fx.schedule.fired").map(({ time }) => time);
  expect(fired).toEqual([...fired].sort());
});

test("a clock that is set back fires nothing twice; one that jumps ahead is made up as a downtime", async () => {
  const { clock, catalog, scene, startScheduler, untilRuns } = await open();
  await scene.deploy("tick", { schedule: "* * * * *", trigger_events: [] });
  startScheduler();
  clock.advance(minute);
  await untilRuns(1);
  clock.setBack(30 * minute);
  clock.advance(minute);
  await scene.deploy("later", { schedule: "* * * * *", trigger_events: [] });
  clock.advance(minute);
  // The other service's run shows that the schedulers have looked.
  await untilRuns(2);
  expect(await catalog.executions.count({ service: "default/tick" })).toBe(1);
  clock.setBack(-3 * 60 * minute);
  clock.advance(1000);
  await untilRuns(4);
  expect((await catalog.schedules.get("default", "tick"))?.missed?.count).toBeGreaterThan(100);
});

test("schedules that are not due are not read", async () => {
  const { clock, catalog, scene, startScheduler, untilRuns } = await open();
  for (let n = 0; n < 30; n += 1) await scene.deploy(`s${n}`, { schedule: "0 0 1 1 *", trigger_events: [] });
  await scene.deploy("tick", { schedule: "* * * * *", trigger_events: [] });
  expect((await catalog.schedules.due(clock.now() + minute, 100)).map(({ service }) => service)).toEqual(["tick"]);
  startScheduler();
  clock.advance(minute);
  await untilRuns(1);
});
