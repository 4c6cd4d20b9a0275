import { expect, onTestFinished, test } from "vitest";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds, type VersionId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { Router } from "../../../src/router/router.ts";
import { manifestSchema } from "../../../src/services/manifest.ts";
import { sharedServers } from "../../support/engines.ts";
import { eventually } from "../../support/eventually.ts";
import { newPrefix, openKafka } from "../../support/kafka-bus.ts";

const clock = systemClock;
const log = silentLog;
const ids = createIds(clock, systemRandom);

test("D2, D13: while routers come and go and partitions are dealt anew, each event is decided once and starts one execution", async () => {
  const servers = sharedServers("kafka");
  const prefix = newPrefix();
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log });
  onTestFinished(() => catalog.close());
  await catalog.services.deploy({
    id: "version-1" as VersionId,
    project: "default",
    name: "hear",
    manifest: manifestSchema.parse({ trigger_events: ["said"] }),
    scripts: ["main.py"],
    files: [{ path: "main.py", sizeBytes: 5, hash: "hash" }],
    warnings: [],
  });
  const startRouter = async () => {
    const bus = await openKafka({ servers, prefix, partitions: 4 });
    const limits = { hops: 100, flowExecutions: 100 };
    const router = new Router({ bus, catalog, clock, ids, log, limits, batchSize: 20 });
    await router.start();
    return { bus, stop: () => router.stop() };
  };

  const sender = await openKafka({ servers, prefix, partitions: 4 });
  const sent: CloudEvent[] = [];
  let isSending = true;
  const sending = (async () => {
    while (isSending) {
      const events = Array.from({ length: 5 }, (_, n): CloudEvent => {
        return { specversion: "1.0", id: `${sent.length + n}`, source: "/test", type: "said" };
      });
      await sender.publish(events.map((event) => encodeRecord(topics.events, event)));
      sent.push(...events);
    }
  })();
  const routed = (count: number) =>
    eventually(async () => {
      const found = (await catalog.ledger.totals()).reduce((sum, { matched }) => sum + matched, 0);
      return found >= count;
    });

  const first = await startRouter();
  await routed(20);
  const second = await startRouter();
  const third = await startRouter();
  await routed(sent.length);
  await first.stop();
  await routed(sent.length);
  // Its bus is closed while it routes.
  await third.bus.close();
  await third.stop();
  isSending = false;
  await sending;
  await routed(sent.length);
  await second.stop();

  const totals = await catalog.ledger.totals();
  expect(totals.reduce((sum, { matched }) => sum + matched, 0)).toBe(sent.length);
  for (const event of sent) expect((await catalog.ledger.get(eventKeyOf(event)))?.outcome).toBe("matched");
  const started: string[] = [];
  for (let after: string | undefined, isLast = false; !isLast; ) {
    const page = await catalog.executions.list({}, { limit: 1000, after });
    started.push(...page.items.map(({ eventKey }) => eventKey));
    after = page.next;
    isLast = after === undefined;
  }
  expect(started.toSorted()).toEqual(sent.map(eventKeyOf).toSorted());
});
