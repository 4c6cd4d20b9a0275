import { constants, DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { held, Scene, step } from "../../../src/catalog/contract/scene.contract.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import type { ExecutionId } from "../../../src/foundation/ids.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** SQLite asks the authorizer when it prepares a statement, also when it does so again by itself. */
async function openCounting() {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  const prepared = { latest: "", count: 0 };
  database.setAuthorizer((action, first, second) => {
    prepared.latest = `${action} ${first} ${second}`;
    prepared.count += 1;
    return constants.SQLITE_OK;
  });
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ database, clock, ids, log: silentLog });
  return { prepared, scene: new Scene(catalog, clock, ids) };
}

const services = ["hello", "keyed", "limited"];

async function runSome(scene: Scene, count: number): Promise<ExecutionId[]> {
  const { leases } = scene.catalog;
  await scene.route(...Array.from({ length: count }, () => scene.event({ subject: "a" })));
  const ended: ExecutionId[] = [];
  for (
    let claimed = await scene.claim({ limit: count });
    claimed.length > 0;
    claimed = await scene.claim({ limit: count })
  ) {
    await leases.renew(claimed.map(held), 1000);
    await leases.finish(
      claimed.map((one) => ({
        ...held(one),
        steps: [step(1, "completed")],
        captured: undefined,
        outcome: { kind: "completed" as const },
      })),
    );
    ended.push(...claimed.map(({ execution }) => execution.id));
    await leases.nextDue();
    await scene.claim({ limit: 1, except: services.map((service) => ({ project: "default", service })) });
    await leases.nextDue("later");
  }
  await leases.expire(count);
  await scene.sent();
  return ended;
}

test("routing, claiming, ending and sending prepare each statement once, however many there are and whatever they are asked", async () => {
  const { prepared, scene } = await openCounting();
  await scene.deploy("hello");
  await scene.deploy("keyed", { concurrency_key: "event.subject" });
  await scene.deploy("limited", { concurrency: 2, throttle: { limit: 1000, period: 60 }, queue: { limit: 100 } });
  for (const count of [1, 2, 4, 8]) await runSome(scene, count);
  const before = prepared.count;
  const ended = [];
  for (const count of [8, 4, 2, 1]) ended.push(...(await runSome(scene, count)));
  expect(ended).toHaveLength(3 * 15);
  expect(prepared.count - before, prepared.latest).toBe(0);
});
