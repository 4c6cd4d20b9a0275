import { once } from "node:events";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openPostgresCatalog } from "../../../src/catalog/postgres.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/**
 * A router's process that has read a batch: `{ url, now, events, dies }` on its arguments. It says `read`, routes at the
 * first word it gets, and says what came of it; or ends with a crash between its decisions and their commit.
 */
interface Given {
  url: string;
  now: number;
  /** Of partition 0, from offset 0. */
  events: CloudEvent[];
  dies: boolean;
}

const { url, now, events, dies } = JSON.parse(process.argv[2] ?? "") as Given;
const ids = createIds(systemClock, systemRandom);
const catalog = await openPostgresCatalog({ url, clock: systemClock, ids, log: silentLog });
const scene = new Scene(catalog, new ManualClock(now), ids);
const batch = scene.batch(events.map((event, offset) => scene.incoming(event, { partition: 0, offset })));
process.stdout.write("read\n");
await once(process.stdin, "data");
const result = await catalog.routing.route(batch, (facts) => {
  const decisions = scene.decide(batch.events, facts);
  if (dies) process.kill(process.pid, "SIGKILL");
  return decisions;
});
process.stdout.write(`${JSON.stringify(result)}\n`);
await catalog.close();
process.exit();
