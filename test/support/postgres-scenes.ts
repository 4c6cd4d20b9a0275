import { Scene } from "../../src/catalog/contract/scene.contract.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { ManualClock } from "./manual-clock.ts";
import type { PostgresForTests } from "./postgres-catalog.ts";

/** One database, several processes' catalogs on it. */
export async function openScenes(postgres: PostgresForTests, count: number): Promise<[Scene, ...Scene[]]> {
  const url = await postgres.emptyCatalog();
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const open = async () => new Scene(await postgres.open({ url, ids, now: () => clock.now() }), clock, ids);
  return [await open(), ...(await Promise.all(Array.from({ length: count - 1 }, open)))];
}
