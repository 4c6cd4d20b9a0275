import type { Json, JsonObject } from "../foundation/json.ts";
import type { PutObject } from "./bucket-notification.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { derivedEventId } from "./event-key.ts";
import { platformEventTypes } from "./reserved-types.ts";

/** What came from outside through an adapter of the platform's own, as an event of `fx.platform`. */
interface Outside {
  /** Equal for what is said twice: then both are one event. */
  id: string;
  source: string;
  subject: string;
  project: string | undefined;
  /** Milliseconds since the epoch. */
  at: number;
  data: Json;
}

export interface WebhookCall {
  webhook: { id: string; name: string; project: string | undefined };
  /** The sender's own id of the delivery, or one that is new. */
  deliveryId: string;
  at: number;
  /** `method`, `query`, `headers`, and one of `body` (JSON), `text` and `base64`. */
  request: JsonObject;
}

export function webhookEvent({ webhook, deliveryId, at, request }: WebhookCall): CloudEvent {
  return outsideEvent(platformEventTypes.webhookIncoming, {
    id: derivedEventId("webhook", webhook.id, deliveryId),
    source: `/webhooks/${webhook.name}`,
    subject: webhook.name,
    project: webhook.project,
    at,
    data: { webhook: webhook.name, ...request },
  });
}

export interface UploadedFile {
  /** As the settings write it. */
  directory: string;
  /** Below the directory, with `/`. */
  path: string;
  sizeBytes: number;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
  /** SHA-256 of the content, base64url. */
  hash: string;
  /** One of `text` (UTF-8) and `base64`; neither of a file past the limit. */
  content: { text?: string; base64?: string };
}

/** The same content at the same place and time is the same event, however often the directory is read. */
export function fileUploadedEvent(file: UploadedFile, project: string | undefined): CloudEvent {
  const { directory, path, sizeBytes, modifiedAt, hash, content } = file;
  return outsideEvent(platformEventTypes.fileUploaded, {
    id: derivedEventId("file", directory, path, String(modifiedAt), hash),
    source: "/adapters/watch",
    subject: path,
    project,
    at: modifiedAt,
    data: { directory, path, sizeBytes, modifiedAt: new Date(modifiedAt).toISOString(), hash, ...content },
  });
}

/**
 * An object that a bucket told a webhook of. Told again, by whatever sends again, it is the same event. The time and the ETag
 * are part of what makes it so, because some servers begin to count anew at a restart.
 */
export function objectUploadedEvent(webhook: WebhookCall["webhook"], object: PutObject): CloudEvent {
  const { bucket, key, sizeBytes, etag, versionId, sequencer, time } = object;
  const at = Date.parse(time);
  const told = { sizeBytes, etag, versionId };
  return outsideEvent(platformEventTypes.fileUploaded, {
    id: derivedEventId("object", webhook.id, bucket, key, versionId ?? "", sequencer ?? "", etag ?? "", String(at)),
    source: `/webhooks/${webhook.name}`,
    subject: key,
    project: webhook.project,
    at,
    data: { bucket, path: key, ...withoutUndefined(told), modifiedAt: new Date(at).toISOString() },
  });
}

function withoutUndefined(values: Record<string, Json | undefined>): JsonObject {
  const present = Object.entries(values).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

function outsideEvent(type: string, { id, source, subject, project, at, data }: Outside): CloudEvent {
  return {
    specversion: "1.0",
    id,
    source,
    type,
    subject,
    time: new Date(at).toISOString(),
    datacontenttype: "application/json",
    correlationid: derivedEventId("flow", id),
    sequence: "0",
    ...(project === undefined ? {} : { fxproject: project }),
    data,
  };
}
