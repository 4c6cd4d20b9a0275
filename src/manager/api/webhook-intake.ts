import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Bus } from "../../bus/bus.ts";
import type { LedgerStore } from "../../catalog/ledger.ts";
import type { Webhook, WebhookStore } from "../../catalog/webhooks.ts";
import { encodeRecord } from "../../events/bus-binding.ts";
import { maxEventBytes } from "../../events/cloud-event.ts";
import { isJsonType } from "../../events/event-data.ts";
import { eventDigestOf, eventKeyOf } from "../../events/event-key.ts";
import { webhookEvent } from "../../events/outside-events.ts";
import { topics } from "../../events/topics.ts";
import type { Clock } from "../../foundation/clock.ts";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { EventKey, Ids } from "../../foundation/ids.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import type { RecentEvents } from "./recent-events.ts";

interface WebhookIntakeParts {
  bus: Bus;
  catalog: { webhooks: WebhookStore; ledger: Pick<LedgerStore, "digests"> };
  recent: RecentEvents;
  clock: Clock;
  ids: Ids;
}

export interface WebhookRequest {
  token: string;
  headers: IncomingHttpHeaders;
  query: JsonObject;
  body: Buffer;
}

/** Under which senders give their own id of a delivery; the first that is there counts. */
const deliveryHeaders = ["idempotency-key", "webhook-id", "x-github-delivery", "x-gitlab-event-uuid", "x-request-id"];

/** What opens doors elsewhere, and what only the way here is about. */
const droppedHeader =
  /^(?:authorization|proxy-.*|cookie|connection|host|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|.*(?:token|secret|password|api-?key).*)$/;

/** The same in the address, where senders have no headers to put it. */
const droppedQuery = /token|secret|password|passwd|authorization|credential|(?:api|access)[-_]?key/i;

/**
 * A call of a webhook becomes `fx.webhook.incoming`. Resolves once that is durable. `duplicate`: the delivery came before, a hint as
 * with events (rule D16). Throws `conflict` where its number is that of another delivery: few senders read more than the status.
 */
export async function acceptWebhook(
  parts: WebhookIntakeParts,
  request: WebhookRequest,
): Promise<{ key: EventKey; duplicate: boolean }> {
  const { bus, catalog, clock, ids } = parts;
  const webhook = await usableWebhook(catalog.webhooks, request.token);
  // One that is switched off is not told from one that never was.
  if (webhook === undefined)
    throw new PlatformError(
      "not-found",
      "there is no webhook with this token: it was rotated, switched off or deleted",
    );
  const header = deliveryHeaders.find((name) => typeof request.headers[name] === "string");
  const sent = header && request.headers[header];
  const event = webhookEvent({
    webhook,
    deliveryId: sent === undefined ? ids.next() : String(sent),
    at: clock.now(),
    request: { query: keptQuery(request.query), headers: keptHeaders(request.headers), ...contentOf(request) },
  });
  const record = encodeRecord(topics.platform, event);
  if (record.value.length > maxEventBytes) {
    throw new PlatformError(
      "limit-exceeded",
      `the call is too large: ${record.value.length} bytes as an event, at most ${maxEventBytes}`,
    );
  }
  const key = eventKeyOf(event);
  const former = sent === undefined ? undefined : await formerDigest(parts, key);
  if (former !== undefined && former !== eventDigestOf(event)) {
    throw new PlatformError(
      "conflict",
      `"${sent}" is the number of another delivery with another body, which stands: send a new one under a new number (header ${header})`,
    );
  }
  await bus.publish([record]);
  if (sent !== undefined) parts.recent.add(key, { body: record.value, acceptedAt: clock.now() });
  await noteUse(catalog.webhooks, webhook, clock.now());
  return { key, duplicate: former !== undefined };
}

/** Of two that come at the same moment neither is known yet: then routing rejects what differs (rule D10). */
async function formerDigest({ catalog, recent }: WebhookIntakeParts, key: EventKey): Promise<string | undefined> {
  return recent.digestOf(key) ?? (await catalog.ledger.digests([key])).get(key);
}

/** Looked up by its hash, so that nothing of a token can be learnt from how long the look takes. */
export async function usableWebhook(webhooks: WebhookStore, token: string): Promise<Webhook | undefined> {
  const found = await webhooks.byTokenHash(sha256(token));
  return found?.active ? found : undefined;
}

function keptHeaders(headers: IncomingHttpHeaders): JsonObject {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !droppedHeader.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, [value].flat().join(", ")]));
}

function keptQuery(query: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(query).filter(([name]) => !droppedQuery.test(name)));
}

/** JSON as a value, text as a string, anything else as base64. */
function contentOf({ headers, body }: WebhookRequest): JsonObject {
  if (body.length === 0) return {};
  const type = headers["content-type"];
  if (type !== undefined && isJsonType(type)) {
    try {
      return { body: JSON.parse(body.toString()) as Json };
    } catch (error) {
      throw new PlatformError(
        "invalid-input",
        `the body is not JSON, though its type says ${type}: ${messageOf(error)}`,
      );
    }
  }
  return isUtf8(body) ? { text: body.toString() } : { base64: body.toString("base64") };
}

const usesNotedEveryMs = 60_000;

/** Once a minute is enough for people, and a call waits for no second transaction. */
export async function noteUse(webhooks: WebhookStore, { id, lastUsedAt }: Webhook, now: number): Promise<void> {
  if (lastUsedAt === undefined || now - lastUsedAt > usesNotedEveryMs) await webhooks.noteUse(id);
}
