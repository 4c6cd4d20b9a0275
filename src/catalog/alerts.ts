import type { AlertEpisode } from "../alerts/alert-episode.ts";
import type { AlertRule, AlertRuleContent } from "../alerts/alert-rule.ts";
import type { Sighting } from "../alerts/sighting.ts";
import type { AlertId, AlertRuleId } from "../foundation/ids.ts";
import type { Page, PageRequest } from "./paging.ts";

/** What is watched, what was seen of it, and what came of that. */
export interface AlertStore {
  rules: AlertRuleStore;
  /** Newest first. */
  episodes(filter: EpisodeFilter, page: PageRequest): Promise<Page<AlertEpisode>>;
  episode(id: AlertId): Promise<AlertEpisode | undefined>;

  /** Up to where of each partition what was seen is written. */
  positions(): Promise<ReadPosition[]>;
  /** Forgets positions in partitions whose records were lost after they were read. */
  startAnew(lost: readonly Omit<ReadPosition, "offset">[]): Promise<void>;
  /**
   * Writes what was seen, in one transaction with the episodes that begin and end by it and the events that tell of
   * them (rule D1). Sightings of offsets that were covered before, and of rules that are not any more as they were,
   * count for nothing: giving the same again, by this or another caller, changes nothing.
   */
  settle(reading: AlertReading): Promise<SettledAlerts>;
}

export interface AlertRuleStore {
  /** By name. */
  list(filter: { project?: string | undefined }, page: PageRequest): Promise<Page<AlertRule>>;
  get(id: AlertRuleId): Promise<AlertRule | undefined>;
  /** Throws `conflict` where there is one of that name, `not-found` for the project. The epoch moves. */
  create(rule: AlertRuleContent): Promise<AlertRule>;
  /**
   * What is left out stays. One that watches for something else, or is switched on or off, begins anew, and its open
   * episodes end. Throws `not-found`, `conflict`, `invalid-input`. The epoch moves.
   */
  update(id: AlertRuleId, change: AlertRuleChange): Promise<AlertRule>;
  /** Its open episodes end; all stay known. Throws `not-found`. The epoch moves. */
  delete(id: AlertRuleId): Promise<void>;
  /** Grows with each change of the rules. */
  epoch(): Promise<number>;
  /** Those that are switched on, and the epoch that they are of. */
  watched(): Promise<{ epoch: number; rules: AlertRule[] }>;
}

/** null: none. */
export type AlertRuleChange = { [Name in keyof AlertRuleContent]?: AlertRuleContent[Name] | null | undefined };

export interface EpisodeFilter {
  open?: boolean | undefined;
  /** Those that the project sees: its own and the shared ones. */
  project?: string | undefined;
  ruleId?: AlertRuleId | undefined;
}

export interface ReadPosition {
  topic: string;
  partition: number;
  /** The next offset to read. */
  offset: number;
}

export interface PlacedSighting extends Sighting {
  topic: string;
  partition: number;
  offset: number;
}

export interface AlertReading {
  /** What is read up to here is in `sightings`, or was settled before. */
  positions: readonly ReadPosition[];
  sightings: readonly PlacedSighting[];
  /**
   * Once all partitions are read up to `ends`, by all callers together, everything from before the moment `at` was seen, and what is judged by the
   * clock is judged at it.
   */
  readThrough: { at: number; ends: readonly ReadPosition[] } | undefined;
}

export interface SettledAlerts {
  raised: number;
  resolved: number;
  /** All was read up to the ends that were given. */
  isThrough: boolean;
}
