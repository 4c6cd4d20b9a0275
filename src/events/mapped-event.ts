import type { EventKey } from "../foundation/ids.ts";
import { type CloudEvent, maxEventBytes } from "./cloud-event.ts";
import { derivedEventId } from "./event-key.ts";
import type { Mapping } from "./mapping.ts";
import { readCloudEvent } from "./read-cloud-event.ts";

/** The part of an event that a mapping computes. */
export type MappedContent = Pick<CloudEvent, "data" | "data_base64" | "datacontenttype" | "subject">;

/** What of an event's place in its flow goes on to what is made of it. */
export interface MappedFrom {
  key: EventKey;
  /** The event's own step; what is made of it is the next (rule D14). */
  sequence: number;
  /** The flow whose budget it counts for. */
  rootFlow: string;
  /** It is an execution event, or was made of one: runs that it starts do not start others. */
  lifecycle: boolean;
  now: number;
}

export type MappedReading = { ok: true; event: CloudEvent } | { ok: false; reason: string };

/**
 * The event that a mapping makes of another. Its id derives from both, so that a redelivery makes no
 * second one (rule D1). It travels on the platform's topic, where nobody else writes: the router
 * believes what it says of its flow.
 */
export function mappedEvent(
  event: CloudEvent,
  { id, project, toType }: Pick<Mapping, "id" | "project" | "toType">,
  content: MappedContent,
  from: MappedFrom,
): MappedReading {
  const fxproject = event.fxproject ?? project;
  const { partitionkey, traceparent } = event;
  const made: CloudEvent = {
    specversion: "1.0",
    id: derivedEventId("mapped", from.key, id),
    source: `/mappings/${id}`,
    type: toType,
    // It tells of the same occurrence.
    time: event.time ?? new Date(from.now).toISOString(),
    ...content,
    correlationid: event.correlationid ?? from.rootFlow,
    causationid: event.id,
    sequence: String(from.sequence + 1),
    ...(partitionkey === undefined ? {} : { partitionkey }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(fxproject === undefined ? {} : { fxproject }),
    fxmapping: id,
    fxmappedfrom: from.key,
    fxrootflow: from.rootFlow,
    ...(from.lifecycle ? { fxlifecycle: true } : {}),
  };
  const reading = readCloudEvent(made);
  if (!reading.ok) {
    const text = reading.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
    return { ok: false, reason: `what it makes is no valid event: ${text}` };
  }
  const sizeBytes = Buffer.byteLength(JSON.stringify(made));
  if (sizeBytes <= maxEventBytes) return { ok: true, event: made };
  return {
    ok: false,
    reason: `what it makes is larger than an event may be: ${sizeBytes} bytes, at most ${maxEventBytes}`,
  };
}
