import { sha256, sha256Parts } from "../foundation/hash.ts";
import type { EventKey } from "../foundation/ids.ts";
import { canonicalJson, type JsonObject } from "../foundation/json.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { platformEventTypes } from "./reserved-types.ts";

/** CloudEvents: producers must make `source` + `id` unique for each distinct event. The key is a hash of both. */
export function eventKeyOf(event: { source: string; id: string }): EventKey {
  return sha256Parts(event.source, event.id) as EventKey;
}

/** Equal for events that say the same: type, subject and data. Tells a repeat from an id used twice. */
export function eventDigestOf(event: CloudEvent): string {
  return sha256(canonicalJson([event.type, event.subject, saidBy(event), event.data_base64]));
}

/** What a sender says: of a webhook's call not its headers, which carry the time and the signature of each try. */
function saidBy({ type, data }: CloudEvent): CloudEvent["data"] {
  if (type !== platformEventTypes.webhookIncoming || typeof data !== "object" || data === null) return data;
  const { headers, ...said } = data as JsonObject;
  return said;
}

/** Under which an event is kept whose own key names another one (rule D10). */
export function differingKeyOf(key: EventKey, digest: string): EventKey {
  return sha256Parts("differs", key, digest) as EventKey;
}

/** A deterministic event id: the same cause always gives the same id, so that repeats collapse (rules D1, D10). */
export function derivedEventId(...cause: readonly string[]): string {
  return sha256Parts(...cause);
}
