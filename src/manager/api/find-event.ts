import type { Bus } from "../../bus/bus.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { decodeRecord } from "../../events/bus-binding.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import { topics } from "../../events/topics.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { EventKey } from "../../foundation/ids.ts";
import { type EventAnswer, eventAnswerOf, pendingAnswerOf } from "./event-answer.ts";
import type { RecentEvents } from "./recent-events.ts";
import { waitForSignal } from "./wait-for-signal.ts";

export interface FindEventParts {
  bus: Bus;
  catalog: Pick<Catalog, "ledger" | "routing" | "outbox" | "news">;
  clock: Clock;
  recent: RecentEvents;
}

/** Records looked at on the way to an event that this process did not accept itself. */
const maxScannedRecords = 5000;
const pageRecords = 500;
const pollMs = 250;
/** Where routers may be in other processes, which do not tell. */
const untoldPollMs = 50;

/**
 * The event as the ledger tells of it, or pending while it waits for the router. Waits up to `waitMs`
 * for its routing. Undefined when nobody knows the key.
 */
export async function findEvent(
  parts: FindEventParts,
  key: EventKey,
  waitMs: number,
  stopped: AbortSignal,
): Promise<EventAnswer | undefined> {
  const { catalog, clock } = parts;
  const deadline = clock.monotonic() + waitMs;
  for (;;) {
    const entry = await catalog.ledger.get(key);
    if (entry) return eventAnswerOf(entry);
    const leftMs = deadline - clock.monotonic();
    if (leftMs <= 0 || stopped.aborted) break;
    await waitForSignal(parts, "routed", Math.min(leftMs, catalog.news === undefined ? pollMs : untoldPollMs), stopped);
  }
  const pending = await findPending(parts, key);
  if (pending) return pending;
  // It may have been routed while it was looked for on the bus.
  const entry = await catalog.ledger.get(key);
  return entry && eventAnswerOf(entry);
}

async function findPending(parts: FindEventParts, key: EventKey): Promise<EventAnswer | undefined> {
  const recent = parts.recent.get(key);
  if (recent) {
    const event = JSON.parse(Buffer.from(recent.body).toString()) as CloudEvent;
    return pendingAnswerOf(key, event, recent.acceptedAt);
  }
  for (const { event } of await parts.catalog.outbox.peek(pageRecords)) {
    if (eventKeyOf(event) === key) return pendingAnswerOf(key, event, parts.clock.now());
  }
  return findOnBus(parts, key);
}

/** Between where routing has come to and the end: after a restart the recent events are known to the bus alone. */
async function findOnBus({ bus, catalog }: FindEventParts, key: EventKey): Promise<EventAnswer | undefined> {
  const positions = await catalog.routing.positions();
  let left = maxScannedRecords;
  for (const topic of [topics.events, topics.platform]) {
    for (const { partition, earliest, next } of await bus.offsets(topic)) {
      const routed = positions.find((position) => position.topic === topic && position.partition === partition);
      for (let offset = routed?.offset ?? earliest; offset < next && left > 0; ) {
        const records = await bus.peek(topic, partition, offset, Math.min(pageRecords, left));
        if (records.length === 0) break;
        for (const record of records) {
          const decoded = decodeRecord(record);
          if (decoded.ok && eventKeyOf(decoded.event) === key) return pendingAnswerOf(key, decoded.event, record.at);
        }
        left -= records.length;
        offset = (records.at(-1)?.offset ?? offset) + 1;
      }
    }
  }
  return undefined;
}
