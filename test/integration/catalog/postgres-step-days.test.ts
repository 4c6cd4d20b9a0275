import pg from "pg";
import { expect, test } from "vitest";
import { day, held, Scene, step } from "../../../src/catalog/contract/scene.contract.ts";
import { createIds, type ExecutionId } from "../../../src/foundation/ids.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";

const postgres = postgresForFile();

const ages = { ledgerMs: 40 * day, bodiesMs: 40 * day, executionsMs: 30 * day };

/** A catalog on a database of its own, at noon of a day after `days` more have begun. */
async function openScene(days: number) {
  const url = await postgres.newDatabase();
  const clock = new ManualClock((Math.floor(Date.now() / day) + days) * day + day / 2);
  const ids = createIds(clock, systemRandom);
  const open = () => postgres.open({ url, ids, now: () => clock.now() });
  const scene = new Scene(await open(), clock, ids);
  await scene.deploy();
  const prune = async () => {
    while ((await scene.catalog.retention.prune(ages, 100)) > 0);
  };
  const partitions = async () => {
    const rows = await postgres.query<{ name: string; rows: number }>(
      "select tableoid::regclass::text as name, count(*)::int as rows from steps group by 1 order by 1",
      url,
    );
    return Object.fromEntries(rows.map(({ name, rows }) => [name, rows]));
  };
  return { scene, clock, url, open, prune, partitions };
}

/** Runs so many executions of one step to their end. */
async function run(scene: Scene, count: number): Promise<void> {
  await scene.route(...Array.from({ length: count }, () => scene.event()));
  const reports = (await scene.claim({ limit: count })).map((claimed) => {
    return { ...held(claimed), steps: [step(1, "completed")], outcome: { kind: "completed" } as const };
  });
  await scene.catalog.leases.finish(reports);
}

function nameOf(time: number): string {
  return `steps_${new Date(time).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

test("D13: steps of a day go with its table once their executions are past their age; those of a later day stay", async () => {
  const { scene, clock, url, prune, partitions } = await openScene(2);
  const first = nameOf(clock.now());
  await run(scene, 5);
  clock.advance(day);
  const second = nameOf(clock.now());
  await run(scene, 3);
  expect(await partitions()).toEqual({ [first]: 5, [second]: 3 });
  clock.advance(30 * day);
  await prune();
  expect(await partitions()).toEqual({ [second]: 3 });
  expect(await postgres.query(`select to_regclass('${first}') as there`, url)).toEqual([{ there: null }]);
  expect(await scene.catalog.executions.count({})).toBe(3);
  clock.advance(day);
  await prune();
  expect([await partitions(), await scene.catalog.executions.count({})]).toEqual([{}, 0]);
});

test("D13: a day with an execution that has not ended keeps the steps of that one, and loses the others'", async () => {
  const { scene, clock, prune, partitions } = await openScene(2);
  const name = nameOf(clock.now());
  const { id } = await scene.start();
  const open = await scene.claimOne();
  await scene.catalog.leases.recordSteps([{ ...held(open), steps: [step(1, "in_progress")] }]);
  await run(scene, 5);
  expect(await partitions()).toEqual({ [name]: 6 });
  clock.advance(32 * day);
  await prune();
  expect(await partitions()).toEqual({ [name]: 1 });
  expect(await scene.catalog.executions.steps(id as ExecutionId)).toMatchObject([{ n: 1, status: "in_progress" }]);
});

test("steps of a day that nobody has made a table for are kept apart, and join it once it is made", async () => {
  const { scene, clock, prune, partitions } = await openScene(60);
  await run(scene, 4);
  expect(await partitions()).toEqual({ steps_other: 4 });
  await prune();
  expect(await partitions()).toEqual({ [nameOf(clock.now())]: 4 });
  await run(scene, 1);
  expect(await partitions()).toEqual({ [nameOf(clock.now())]: 5 });
});

test("a day that somebody reads for long holds nothing up, and goes another time", async () => {
  const { scene, clock, url, prune, partitions } = await openScene(2);
  await run(scene, 2);
  clock.advance(32 * day);
  const reader = new pg.Client({ connectionString: url });
  await reader.connect();
  await reader.query("begin");
  await reader.query("select * from steps");
  await prune();
  await run(scene, 1);
  await reader.query("commit");
  await reader.end();
  await prune();
  expect(await partitions()).toEqual({ [nameOf(clock.now())]: 1 });
});

test("a database from before keeps its steps as they lie, and what comes is by the day", async () => {
  const { scene, clock, url, open, partitions } = await openScene(0);
  const { id } = await scene.start();
  const claimed = await scene.claimOne();
  await scene.finish(claimed, { kind: "completed" }, [step(1, "completed")]);
  await scene.catalog.close();
  await postgres.query(
    `alter table steps detach partition steps_before;
     drop table steps;
     alter table steps_before rename to steps;
     alter table steps rename constraint steps_before_pk to steps_pk;
     drop table alert_rules, alert_states, alert_positions, alert_episodes;
     alter table partitions drop column passed;
     alter table batches drop column passed;
     delete from settings where name = 'alert_epoch';
     delete from kysely_migration where name >= '0011-postgres-step-days'`,
    url,
  );
  const later = scene.over(await open());
  expect(await later.catalog.executions.steps(id as ExecutionId)).toMatchObject([{ n: 1, status: "completed" }]);
  clock.advance(day);
  await run(later, 2);
  expect(await partitions()).toEqual({ steps_before: 1, [nameOf(clock.now())]: 2 });
  clock.advance(32 * day);
  while ((await later.catalog.retention.prune(ages, 100)) > 0);
  expect(await partitions()).toEqual({});
});
