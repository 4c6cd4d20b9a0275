import type { DataSchema, SchemaChange } from "../events/schema/schema-changes.ts";
import type { TypeShape } from "../events/schema/shape.ts";
import type { Page, PageRequest } from "./paging.ts";

/** What was learned of the types of events, of all projects together: a type means the same to all who share its name. */
export interface EventTypeStore {
  /**
   * By name. `prefix` walks an index, and minds upper and lower case; `contains` does not, and reads the names of all
   * types after `prefix`, of which there are at most `maxEventTypes`.
   */
  list(filter: EventTypeFilter, page: PageRequest): Promise<Page<EventTypeSummary>>;
  get(type: string): Promise<EventType | undefined>;
  version(type: string, n: number): Promise<EventTypeVersion | undefined>;
  /** Newest first, at most `maxVersions`. */
  versions(type: string): Promise<EventTypeVersion[]>;
  /** The shapes of those of the types that are known. */
  shapes(types: readonly string[]): Promise<Map<string, TypeShape>>;
  /**
   * Adds what was seen since the last call, by this and other callers, in one transaction with the versions and the
   * drift events that follow from it (rule D1). Giving the same again counts it again: counts are approximate.
   */
  learn(observations: readonly TypeObservation[]): Promise<Learned[]>;
  /** Forgets what was learned; the next event of the type begins anew. Throws `not-found`. */
  forget(type: string): Promise<void>;
}

/** Versions kept of one type; the oldest go first. */
export const maxVersions = 50;
/** Sources kept of one type; those not seen for longest go first. */
export const maxProducers = 50;
/** Types kept; later ones are not learned. */
export const maxEventTypes = 20_000;

interface EventTypeFilter {
  prefix?: string | undefined;
  contains?: string | undefined;
}

export interface EventTypeSummary {
  type: string;
  firstSeen: number;
  lastSeen: number;
  /** Approximate: a crash may count events again. */
  count: number;
  /** The newest version of its schema. */
  version: number;
}

export interface EventType extends EventTypeSummary, DataSchema {
  producers: Producer[];
  settled: boolean;
}

export interface Producer {
  /** The events' `source`. */
  source: string;
  project: string | undefined;
  count: number;
  lastSeen: number;
}

export interface EventTypeVersion extends DataSchema {
  n: number;
  /** Against the version before it; empty for the first. */
  changes: SchemaChange[];
  createdAt: number;
}

export interface TypeObservation {
  type: string;
  count: number;
  firstSeen: number;
  lastSeen: number;
  producers: Producer[];
  /** What was looked at; undefined where nothing was. */
  shape: TypeShape | undefined;
  /** The caller has learned of this type before. */
  known: boolean;
}

/** `shape`: as it now is; undefined where it was not read. `forgotten`: a person deleted it meanwhile; nothing was added. */
export interface Learned {
  type: string;
  outcome: "learned" | "drifted" | "forgotten" | "refused";
  shape: TypeShape | undefined;
}
