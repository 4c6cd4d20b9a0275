import type { AlertRuleId } from "../foundation/ids.ts";

/** Something that one rule has to know: a run that ended, an event, a line. */
export interface Sighting {
  ruleId: AlertRuleId;
  /** The rule's, when it was seen. */
  revision: number;
  /** What the rule judges by itself, such as a service: `default/hello`. */
  subject: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** Two sightings of one thing have one key, however often it was sent; empty where a repeat changes nothing. */
  key: string;
  failed?: boolean | undefined;
  durationMs?: number | undefined;
  executionId?: string | undefined;
  /** A line's beginning. */
  text?: string | undefined;
}
