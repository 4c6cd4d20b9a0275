import type { BusRecord } from "../bus/bus.ts";
import type { IncomingEvent } from "../catalog/routing.ts";
import { decodeRecord } from "../events/bus-binding.ts";
import { derivedEventId, eventDigestOf, eventKeyOf } from "../events/event-key.ts";

export interface ReadEvent {
  record: BusRecord;
  incoming: IncomingEvent;
}

/** Part of a batch that is written together: events, or one record that holds none. */
export type Segment =
  | { kind: "events"; events: ReadEvent[] }
  | { kind: "unreadable"; record: BusRecord; reason: string; receivedAt: number };

/**
 * Records off the bus as events, validated again on this side because outside programs write to the
 * topic as well (rule D12). A record that holds no event splits the batch, so that positions move
 * past it in order.
 */
export function readRecords(records: readonly BusRecord[]): Segment[] {
  const segments: Segment[] = [];
  let events: ReadEvent[] = [];
  for (const record of records) {
    const decoded = decodeRecord(record);
    if (decoded.ok) {
      events.push({ record, incoming: toIncoming(record, decoded) });
      continue;
    }
    if (events.length > 0) segments.push({ kind: "events", events });
    events = [];
    segments.push({ kind: "unreadable", record, reason: decoded.reason, receivedAt: record.at });
  }
  if (events.length > 0) segments.push({ kind: "events", events });
  return segments;
}

function toIncoming(record: BusRecord, decoded: Extract<ReturnType<typeof decodeRecord>, { ok: true }>): IncomingEvent {
  let { event, body } = decoded;
  const key = eventKeyOf(event);
  if (event.correlationid === undefined) {
    // It starts a flow. The same on every redelivery.
    event = { ...event, correlationid: derivedEventId("flow", key) };
    body = Buffer.from(JSON.stringify(event));
  }
  const { topic, partition, offset, at } = record;
  return { key, digest: eventDigestOf(event), event, body, topic, partition, offset, receivedAt: at };
}
