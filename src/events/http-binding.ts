import { isUtf8 } from "node:buffer";
import { messageOf, type Problem } from "../foundation/errors.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { readEventData } from "./event-data.ts";
import { type EventReading, readCloudEvent } from "./read-cloud-event.ts";

/** CloudEvents in an HTTP request, by the HTTP protocol binding 1.0: binary, structured or batched mode. */
export type HttpReading =
  /** `json`: the event's JSON as it was sent, where that may be kept as it is. */
  | { ok: true; mode: "binary" | "structured" | "batched"; events: { event: CloudEvent; json: string | undefined }[] }
  | { ok: false; refusal: "unsupported-media-type" | "invalid-input"; message: string; problems: Problem[] };

export interface HttpMessage {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Uint8Array;
  /** Most events of one batch. */
  maxEvents: number;
}

const structuredType = "application/cloudevents+json";
const batchedType = "application/cloudevents-batch+json";
const accepted = `send one event as ${structuredType}, many as ${batchedType}, or give the attributes as ce- headers`;
/** A thousand wrong events need not be told one by one. */
const maxProblems = 100;

/** Reads all events of a request, or says of every wrong one what is wrong (rule D16). Never throws. */
export function readHttpEvents(message: HttpMessage): HttpReading {
  const contentType = headerOf(message, "content-type");
  const [mediaType = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  if (mediaType.startsWith("application/cloudevents")) {
    const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice(8);
    if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
      return unsupported(`charset ${charset} is not read here: JSON is UTF-8`);
    }
    if (mediaType === structuredType) return readStructured(message.body);
    if (mediaType === batchedType) return readBatched(message.body, message.maxEvents);
    return unsupported(`${mediaType} is no event format that is read here: ${accepted}`);
  }
  if (Object.keys(message.headers).some((name) => name.startsWith("ce-"))) return readBinary(message, contentType);
  const found =
    contentType === undefined ? "no content type and no ce- headers" : `content type ${mediaType}, no ce- headers`;
  return unsupported(`this is not a CloudEvent (${found}): ${accepted}`);
}

function readStructured(body: Uint8Array): HttpReading {
  const parsed = parse(body);
  if ("problem" in parsed) return invalid([{ path: "", message: parsed.problem }]);
  const reading = readCloudEvent(parsed.value);
  if (!reading.ok) return invalid(reading.problems);
  const json = reading.event === parsed.value ? parsed.text : undefined;
  return { ok: true, mode: "structured", events: [{ event: reading.event, json }] };
}

function readBatched(body: Uint8Array, maxEvents: number): HttpReading {
  const parsed = parse(body);
  if ("problem" in parsed) return invalid([{ path: "", message: parsed.problem }]);
  const { value } = parsed;
  if (!Array.isArray(value)) return invalid([{ path: "", message: "a batch must be a JSON array of CloudEvents" }]);
  if (value.length > maxEvents) {
    return invalid([{ path: "", message: `a batch must hold at most ${maxEvents} events; found ${value.length}` }]);
  }
  const events: { event: CloudEvent; json: undefined }[] = [];
  const problems: Problem[] = [];
  for (const [index, item] of value.entries()) {
    const reading = readCloudEvent(item);
    if (reading.ok) events.push({ event: reading.event, json: undefined });
    else problems.push(...reading.problems.map(({ path, message }) => ({ path: placeOf(index, path), message })));
    if (problems.length > maxProblems) break;
  }
  return problems.length > 0 ? invalid(problems.slice(0, maxProblems)) : { ok: true, mode: "batched", events };
}

/** Where an attribute of a batch's event stands: `[3].source`. */
export function placeOf(index: number, attribute: string): string {
  return attribute === "" ? `[${index}]` : `[${index}].${attribute}`;
}

function readBinary(message: HttpMessage, contentType: string | undefined): HttpReading {
  const attributes: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const name of Object.keys(message.headers)) {
    if (!name.startsWith("ce-")) continue;
    const attribute = name.slice(3);
    if (attribute === "datacontenttype") {
      problems.push({
        path: attribute,
        message: "must be given as the header content-type, not as ce-datacontenttype",
      });
    } else if (!/^[a-z0-9]+$/.test(attribute) || attribute === "data") {
      problems.push({ path: attribute, message: `header ${name} does not name a CloudEvents attribute` });
    } else {
      const text = decodeHeader(headerOf(message, name) ?? "");
      if (text === undefined)
        problems.push({ path: attribute, message: `header ${name} is not percent-encoded UTF-8` });
      else attributes[attribute] = text;
    }
  }
  if (contentType !== undefined) attributes.datacontenttype = contentType;
  const data = readEventData(contentType, message.body);
  if ("problem" in data) problems.push({ path: "data", message: data.problem });
  const reading: EventReading = readCloudEvent(
    "data" in data || "data_base64" in data ? { ...attributes, ...data } : attributes,
  );
  if (!reading.ok) {
    const told = new Set(problems.map(({ path }) => path));
    problems.push(...reading.problems.filter(({ path }) => !told.has(path)));
  }
  if (problems.length > 0 || !reading.ok) return invalid(problems);
  return { ok: true, mode: "binary", events: [{ event: reading.event, json: undefined }] };
}

/** Section 3.1.3.2: surrounding double quotes and their escapes go first, then one round of percent-decoding. */
function decodeHeader(raw: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw);
  const plain = quoted ? (quoted[1] as string).replaceAll(/\\(.)/g, "$1") : raw;
  // Header bytes arrive as Latin-1; a sender that did not encode has most likely sent UTF-8.
  const bytes = Buffer.from(plain, "latin1");
  const text = isUtf8(bytes) ? bytes.toString() : plain;
  try {
    return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => decodeURIComponent(encoded));
  } catch {
    return undefined;
  }
}

function parse(body: Uint8Array): { text: string; value: unknown } | { problem: string } {
  if (body.length === 0) return { problem: "the body is empty: it must hold the event as JSON" };
  if (!isUtf8(body)) return { problem: "the body is not UTF-8, as JSON always is" };
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString();
  try {
    return { text, value: JSON.parse(text) };
  } catch (error) {
    return { problem: `the body is not JSON: ${messageOf(error)}` };
  }
}

function headerOf({ headers }: HttpMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

function invalid(problems: Problem[]): HttpReading {
  const count = problems.length;
  const message =
    count === 1 ? "the event is not valid" : `${count}${count === maxProblems ? " or more" : ""} things are not valid`;
  const first = problems[0];
  const told = first ? `${message}: ${`${first.path} ${first.message}`.trim()}` : message;
  return { ok: false, refusal: "invalid-input", message: told, problems };
}

function unsupported(message: string): HttpReading {
  return { ok: false, refusal: "unsupported-media-type", message, problems: [] };
}
