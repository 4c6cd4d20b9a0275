import { v7 } from "uuid";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** UUID version 7 (RFC 9562): sorts by the time it was made. */
export type ExecutionId = Branded<"ExecutionId">;
export type LinkId = Branded<"LinkId">;
export type ReplayId = Branded<"ReplayId">;
export type MappingId = Branded<"MappingId">;
export type AlertRuleId = Branded<"AlertRuleId">;
/** Of one episode of an alert. */
export type AlertId = Branded<"AlertId">;
/** Opaque, URL-safe function of an event's (source, id); see events/event-key.ts. */
export type EventKey = Branded<"EventKey">;
/** Hash of a service version's content; equal content has an equal id. */
export type VersionId = Branded<"VersionId">;
/** Identifies one running copy of a platform part, new at every start. */
export type InstanceId = Branded<"InstanceId">;

/** Makes time-ordered ids. Ids of one source are strictly increasing. */
export interface Ids {
  next(): string;
}

export function createIds(clock: Clock, random: Random): Ids {
  let lastMs = 0;
  let sequence = 0;
  return {
    next() {
      // A clock that steps back must not make ids that sort before earlier ones.
      const nowMs = Math.max(clock.now(), lastMs);
      sequence = nowMs === lastMs ? sequence + 1 : 0;
      lastMs = nowMs;
      return v7({ msecs: nowMs, seq: sequence, random: random.fill(new Uint8Array(16)) });
    },
  };
}
