import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import type { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { postgresForFile } from "../../support/postgres-catalog.ts";
import { asFarAsItComes, meet, openStoppable } from "../../support/postgres-stops.ts";

const postgres = postgresForFile();

const route = (scene: Scene, attributes: readonly object[]) =>
  scene.route(...attributes.map((each) => scene.event(each)));

test("routers that start runs of the same services in another order wait for each other in no circle", async () => {
  const [executor, router, other] = await openStoppable(postgres);
  const types = ["a", "b", "c"].map((type) => ({ type }));
  for (const { type } of types) await executor.deploy(type, { trigger_events: [type] });
  await executor.start({ type: "b" });
  // Of three services the middle one is held: each router has taken what it wants before it.
  const claim = await executor.stop({ before: /^commit/ }, () => executor.claim());
  const one = await asFarAsItComes(postgres, () => route(router, types));
  const two = await asFarAsItComes(postgres, () => route(other, types.toReversed()));
  await Promise.all([claim.goOn(), one.end, two.end]);
  expect(router.undone + other.undone).toBe(0);
  expect(await executor.catalog.executions.count({})).toBe(7);
});

test("routers that count to the same flows in another order wait for each other in no circle", async () => {
  const [router, other] = await openStoppable(postgres);
  for (const name of ["one", "two"]) await router.deploy(name, { trigger_events: [name] });
  // Three rows are written by two statements.
  const of = (type: string) => ["flow-a", "flow-b", "flow-c"].map((correlationid) => ({ type, correlationid }));
  const counted = { after: /insert into "flows"/ };
  await meet(
    postgres,
    router,
    counted,
    () => route(router, of("one")),
    () => route(other, of("two").reverse()),
  );
  expect(router.undone + other.undone).toBe(0);
  expect(await router.catalog.executions.count({})).toBe(6);
});

test("D4: a claim passes over a run whose row somebody else has locked, and gets it afterwards", async () => {
  const [executor] = await openStoppable(postgres);
  await executor.deploy();
  const [first, second] = [await executor.start(), await executor.start()];
  const client = new pg.Client({ connectionString: postgres.sharedUrl() });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query("begin");
  await client.query("select 1 from executions where id = $1 for update", [first.id]);
  expect((await executor.claim({ limit: 1 })).map(({ execution }) => execution.id)).toEqual([second.id]);
  await client.query("rollback");
  expect((await executor.claim({ limit: 1 })).map(({ execution }) => execution.id)).toEqual([first.id]);
});
