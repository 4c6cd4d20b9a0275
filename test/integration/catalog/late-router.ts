import { once } from "node:events";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openPostgresCatalog } from "../../../src/catalog/postgres.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { isPlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/**
 * A router's process that has read a batch: `{ url, now, events, signal }` on its arguments. It says `read`, routes at the
 * first word it gets, and says what came of it. The signal strikes it between its first decisions and their commit.
 */
interface Given {
  url: string;
  now: number;
  /** Of partition 0, from offset 0. */
  events: CloudEvent[];
  signal?: "SIGKILL" | "SIGSTOP";
}

const { url, now, events, signal } = JSON.parse(process.argv[2] ?? "") as Given;
const ids = createIds(systemClock, systemRandom);
const catalog = await openPostgresCatalog({ url, clock: systemClock, ids, log: silentLog });
const scene = new Scene(catalog, new ManualClock(now), ids);
const batch = scene.batch(events.map((event, offset) => scene.incoming(event, { partition: 0, offset })));
process.stdout.write("read\n");
await once(process.stdin, "data");
let isStruck = false;
const route = () =>
  catalog.routing.route(batch, (facts) => {
    const decisions = scene.decide(batch.events, facts);
    if (signal !== undefined && !isStruck) process.kill(process.pid, signal);
    isStruck = true;
    return decisions;
  });
// As a router does with what fails for a passing reason.
const result = await route().catch((error: unknown) => {
  if (!isPlatformError(error, "unavailable")) throw error;
  process.stdout.write("undone\n");
  return route();
});
process.stdout.write(`${JSON.stringify(result)}\n`);
await catalog.close();
process.exit();
