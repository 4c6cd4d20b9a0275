import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { encodeRecord } from "../../../src/events/bus-binding.ts";
import { eventKeyOf } from "../../../src/events/event-key.ts";
import { scheduleFiredEvent } from "../../../src/events/platform-events.ts";
import { topics } from "../../../src/events/topics.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { eventually } from "../../support/eventually.ts";
import { TestPlatform } from "../../support/platform.ts";

const tick = { project: "default", service: "nightly", cron: "0 3 * * *", timezone: "UTC", nominal: 1_893_466_800_000 };

it("D3: nobody takes the place of an event that the platform will make: over HTTP its source is refused", async () => {
  const platform = await TestPlatform.start();
  onTestFinished(() => platform.stop());
  const { source, id } = scheduleFiredEvent(tick);
  const answer = await platform.request<{ detail: string }>("POST", "/api/v1/events", {
    body: JSON.stringify({ specversion: "1.0", type: "order.placed", source, id }),
    headers: { "content-type": "application/cloudevents+json" },
  });
  expect([answer.status, answer.body.detail]).toEqual([403, expect.stringContaining("source of the platform's own")]);
});

it("D3: on the topic itself its record goes to the dead letters and takes no key", async () => {
  const platform = await TestPlatform.start();
  onTestFinished(() => platform.stop());
  const forged = { ...scheduleFiredEvent(tick), type: "order.placed" };
  // Another program that writes to the topic, as Kafka would let it: into the file, while the platform is down.
  await platform.restartAround(async (directory) => {
    const bus = openSqliteBus({
      path: join(directory, "data", "bus.db"),
      partitions: 8,
      clock: systemClock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
      retentionMs: {},
    });
    await bus.publish([encodeRecord(topics.events, forged)]);
    await bus.close();
  });
  await eventually(async () => {
    const { body } = await platform.request<{ items: { rejected: number }[] }>("GET", "/api/v1/ledger/reconcile");
    return JSON.stringify(body).includes('"rejected":1');
  });
  expect((await platform.request("GET", `/api/v1/events/${eventKeyOf(forged)}`)).status).toBe(404);
});
