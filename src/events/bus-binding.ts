import { isUtf8 } from "node:buffer";
import { messageOf } from "../foundation/errors.ts";
import { type CloudEvent, maxEventBytes } from "./cloud-event.ts";
import { readEventData } from "./event-data.ts";
import { partitionKeyOf } from "./partition-key.ts";
import { readCloudEvent } from "./read-cloud-event.ts";

/** CloudEvents on the backbone, as the Kafka protocol binding 1.0 writes them: structured by us, either mode by others. */
export interface EventRecord {
  topic: string;
  key: string;
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
}

export type DecodedRecord =
  /** `body` is the event's JSON. */
  { ok: true; event: CloudEvent; body: Uint8Array } | { ok: false; reason: string };

const structuredType = "application/cloudevents+json";
const structuredHeaders = Object.freeze({ "content-type": structuredType });

/** A record for `Bus.publish`. `body` is the event's JSON where the caller has it already. */
export function encodeRecord(topic: string, event: CloudEvent, body?: Uint8Array): EventRecord {
  const value = body ?? Buffer.from(JSON.stringify(event));
  return { topic, key: partitionKeyOf(event), value, headers: structuredHeaders };
}

/** Never throws: outside programs write to the topic, and one of them may write anything (rule D12). */
export function decodeRecord(record: { value: Uint8Array; headers: Readonly<Record<string, string>> }): DecodedRecord {
  const { value, headers } = record;
  if (value.length > maxEventBytes) {
    return refuse(`is larger than an event may be: ${value.length} bytes, at most ${maxEventBytes}`);
  }
  const contentType = headers["content-type"] ?? headers["Content-Type"];
  if (contentType?.toLowerCase().startsWith(structuredType)) return decodeStructured(value);
  if (headers.ce_specversion !== undefined) return decodeBinary(value, headers, contentType);
  return refuse(
    `is not a CloudEvent: it has neither the header content-type "${structuredType}" nor the header ce_specversion`,
  );
}

function decodeStructured(value: Uint8Array): DecodedRecord {
  if (!isUtf8(value)) return refuse("is not a CloudEvent: its JSON is not UTF-8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString());
  } catch (error) {
    return refuse(`is not a CloudEvent: its JSON cannot be read: ${messageOf(error)}`);
  }
  return decodeParsed(parsed, value);
}

function decodeBinary(
  value: Uint8Array,
  headers: Readonly<Record<string, string>>,
  contentType: string | undefined,
): DecodedRecord {
  const attributes: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(headers)) {
    if (name.startsWith("ce_")) attributes[name.slice(3)] = headerText(text);
  }
  if (contentType !== undefined) attributes.datacontenttype = contentType;
  const data = readEventData(contentType, value);
  if ("problem" in data) return refuse(`is not a valid CloudEvent: data ${data.problem}`);
  return decodeParsed("none" in data ? attributes : { ...attributes, ...data }, undefined);
}

function decodeParsed(parsed: unknown, body: Uint8Array | undefined): DecodedRecord {
  const reading = readCloudEvent(parsed);
  if (!reading.ok) {
    const text = reading.problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
    return refuse(`is not a valid CloudEvent: ${text}`);
  }
  const { event } = reading;
  return { ok: true, event, body: body !== undefined && event === parsed ? body : Buffer.from(JSON.stringify(event)) };
}

/** The binding writes UTF-8; the bus carries header bytes as Latin-1. */
function headerText(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  return isUtf8(bytes) ? bytes.toString() : text;
}

function refuse(reason: string): DecodedRecord {
  return { ok: false, reason };
}
