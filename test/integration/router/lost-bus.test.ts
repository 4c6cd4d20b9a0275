import { expect, onTestFinished, test } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { Router } from "../../../src/router/router.ts";
import { eventually } from "../../support/eventually.ts";

const clock = systemClock;
const log = silentLog;

test("D13: events accepted after the bus was lost are decided, though their offsets had been given before", async () => {
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log });
  onTestFinished(() => catalog.close());

  /** A bus that holds nothing yet, and a router on it. */
  const routeOnNewBus = async (events: CloudEvent[]) => {
    const bus = openSqliteBus({ clock, log, partitions: 1 });
    await bus.publish(events.map((event) => encodeRecord(topics.events, event)));
    const limits = { hops: 100, flowExecutions: 100 };
    const router = new Router({ bus, catalog, clock, ids, log, limits, batchSize: 10 });
    await router.start();
    const entries = await eventually(async () => {
      const found = await Promise.all(events.map((event) => catalog.ledger.get(eventKeyOf(event))));
      return found.every((entry) => entry !== undefined) && found;
    });
    await router.stop();
    await bus.close();
    return entries.map(({ outcome }) => outcome);
  };
  const event = (id: string): CloudEvent => ({ specversion: "1.0", id, source: "/test", type: "order.placed" });

  const first = [event("1"), event("2"), event("3")];
  expect(await routeOnNewBus(first)).toEqual(["unmatched", "unmatched", "unmatched"]);
  expect(await routeOnNewBus([event("4"), event("1")])).toEqual(["unmatched", "unmatched"]);
  expect(await catalog.ledger.totals()).toEqual([
    expect.objectContaining({ fromOffset: 0, toOffset: 2, unmatched: 1, duplicate: 1 }),
  ]);
});
