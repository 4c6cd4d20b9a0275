import { expect, onTestFinished, test } from "vitest";
import type { Bus } from "../../../src/bus/bus.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { Scene } from "../../../src/catalog/contract/scene.contract.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { decodeRecord } from "../../../src/events/bus-binding.ts";
import { topics } from "../../../src/events/topics.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { OutboxPublisher } from "../../../src/recovery/outbox-publisher.ts";
import { eventually } from "../../support/eventually.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A catalog with something to send whenever a service is deployed. */
async function open() {
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const bus = openSqliteBus({ path: ":memory:", clock, log: silentLog, partitions: 1 });
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log: silentLog });
  onTestFinished(async () => {
    await bus.close();
    await catalog.close();
  });
  const typesSent = async () => {
    const records = await bus.peek(topics.platform, 0, 0, 100);
    return records.map((record) => {
      const decoded = decodeRecord(record);
      return decoded.ok ? decoded.event.type : decoded.reason;
    });
  };
  const start = (over: Bus = bus) => {
    const publisher = new OutboxPublisher({
      bus: over,
      outbox: catalog.outbox,
      clock,
      log: silentLog,
      pollMs: 600_000,
    });
    publisher.start();
    return publisher;
  };
  return { clock, bus, catalog, scene: new Scene(catalog, clock, ids), typesSent, start };
}

test("D1: what is left in the outbox is sent at a signal, and at the latest by a stop", async () => {
  const { clock, bus, scene, typesSent, start } = await open();
  const publisher = start();
  await scene.deploy("first");
  await eventually(async () => {
    bus.signal("outbox");
    clock.advance(1);
    return (await typesSent()).length > 0;
  });
  const before = await typesSent();
  // Nobody tells of it.
  await scene.deploy("second");
  await publisher.stop();
  expect(await typesSent()).toEqual([...before, ...before]);
  expect(await scene.catalog.outbox.peek(10)).toEqual([]);
});

test("D1: a stop while the backbone is away loses nothing: whoever looks next sends it", async () => {
  const { bus, scene, typesSent, start } = await open();
  const away: Bus = Object.create(bus, {
    onSignal: { value: () => () => {} },
    publish: { value: () => Promise.reject(new PlatformError("unavailable", "away")) },
  });
  const publisher = start(away);
  await scene.deploy("first");
  await publisher.stop();
  expect(await typesSent()).toEqual([]);
  const next = start();
  await eventually(async () => (await typesSent()).length > 0);
  await next.stop();
});
