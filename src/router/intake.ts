import type { BusRecord } from "../bus/bus.ts";
import type { IncomingEvent } from "../catalog/routing.ts";
import { decodeRecord } from "../events/bus-binding.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { derivedEventId, eventKeyOf } from "../events/event-key.ts";
import { isReservedSource, isServiceSource } from "../events/reserved-sources.ts";
import { topics } from "../events/topics.ts";

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
    const refusal = decoded.ok ? forgedSource(record.topic, decoded.event) : decoded.reason;
    if (decoded.ok && refusal === undefined) {
      events.push({ record, incoming: toIncoming(record, decoded) });
      continue;
    }
    if (events.length > 0) segments.push({ kind: "events", events });
    events = [];
    segments.push({ kind: "unreadable", record, reason: refusal ?? "is no event", receivedAt: record.at });
  }
  if (events.length > 0) segments.push({ kind: "events", events });
  return segments;
}

/**
 * An outsider's event under a source of the platform's own takes no key, or the true event of that key would be
 * taken for its repeat (rule D3). What scripts sent is told by its execution, which the decision checks.
 */
function forgedSource(topic: string, { source, fxexecution }: CloudEvent): string | undefined {
  if (topic !== topics.events || !isReservedSource(source)) return undefined;
  if (fxexecution !== undefined && isServiceSource(source)) return undefined;
  return `its source "${source}" is the platform's own`;
}

function toIncoming(record: BusRecord, decoded: Extract<ReturnType<typeof decodeRecord>, { ok: true }>): IncomingEvent {
  let { event, body } = decoded;
  const key = eventKeyOf(event);
  if (event.correlationid === undefined) {
    // It starts a flow. The same on every redelivery.
    event = { ...event, correlationid: derivedEventId("flow", key) };
    body = Buffer.from(JSON.stringify(event));
  }
  const { topic, partition, offset, passed = 0, at } = record;
  return { key, event, body, topic, partition, offset, passed, receivedAt: at };
}
