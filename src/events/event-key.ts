import { sha256, sha256Parts } from "../foundation/hash.ts";
import type { EventKey } from "../foundation/ids.ts";
import { canonicalJson } from "../foundation/json.ts";
import type { CloudEvent } from "./cloud-event.ts";

/** CloudEvents: producers must make `source` + `id` unique for each distinct event. The key is a hash of both. */
export function eventKeyOf(event: { source: string; id: string }): EventKey {
  return sha256Parts(event.source, event.id) as EventKey;
}

/** Equal for events that say the same: type, subject and data. Tells a repeat from an id used twice. */
export function eventDigestOf(event: CloudEvent): string {
  return sha256(canonicalJson([event.type, event.subject, event.data, event.data_base64]));
}

/** A deterministic event id: the same cause always gives the same id, so that repeats collapse (rules D1, D10). */
export function derivedEventId(...cause: readonly string[]): string {
  return sha256Parts(...cause);
}
