import type { JsonObject } from "../foundation/json.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { derivedEventId } from "./event-key.ts";
import { platformEventTypes } from "./reserved-types.ts";
import type { SchemaChange } from "./schema/schema-changes.ts";

export interface Drift {
  type: string;
  /** When the type was first seen: versions begin anew after it was forgotten. */
  firstSeen: number;
  fromVersion: number;
  toVersion: number;
  changes: readonly SchemaChange[];
  now: number;
}

/** Changes that one event tells of; the version in the catalog has all. */
const maxChanges = 100;

/** Tells that the data of a type's events is no longer as it was. Its id derives from type and version (rule D1). */
export function driftEvent({ type, firstSeen, fromVersion, toVersion, changes, now }: Drift): CloudEvent {
  const id = derivedEventId("drift", type, String(firstSeen), String(toVersion));
  return {
    specversion: "1.0",
    id,
    source: "/event-types",
    type: platformEventTypes.eventTypeDrifted,
    subject: type,
    time: new Date(now).toISOString(),
    datacontenttype: "application/json",
    correlationid: derivedEventId("flow", id),
    sequence: "0",
    data: {
      type,
      fromVersion,
      toVersion,
      changes: changes.slice(0, maxChanges).map((change): JsonObject => ({ ...change })),
      changeCount: changes.length,
    },
  };
}
