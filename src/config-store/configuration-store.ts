import type { Json, JsonObject } from "../foundation/json.ts";
import { type Scope, scopesOf, type ValueOrigin } from "../services/scope.ts";

/** Configuration of the platform, of projects and of services, key by key, with everything it ever was. */
export interface ConfigurationStore {
  /** Grows with every change that this process knows of. What was read at one revision need not be read again. */
  readonly revision: number;
  /** The present values of a scope, by key in order. */
  values(scope: Scope): Promise<Map<string, ConfigurationValue>>;
  /** The newest entry of a key, also where that is a deletion; undefined: it never was. */
  get(scope: Scope, key: string): Promise<ConfigurationEntry | undefined>;
  /**
   * Stores the next version. `expectedVersion`, where given, is that of the present value, and 0
   * expects that there is none: throws `conflict` otherwise. The deletion of what is not there changes nothing.
   */
  put(scope: Scope, key: string, change: ConfigurationChange): Promise<ConfigurationEntry>;
  /** Newest first, at most `limit`, older than the version `before`. */
  history(
    scope: Scope,
    key: string,
    page: { limit: number; before?: number | undefined },
  ): Promise<ConfigurationEntry[]>;
  /**
   * What a deploy found in a service's file (rule S1). A value that a person set or removed stays as
   * it is; one that only deploys ever set, and the file no longer names, is deleted. One transaction;
   * proposing the same again changes nothing.
   */
  propose(scope: Scope, values: JsonObject): Promise<Proposal>;
  /** Every version that is kept of every key, deletions too; those of one key from the oldest on. */
  all(): AsyncIterable<PlacedEntry>;
  /** Takes an entry of another store as it is, where it is newer than ours; older ones change nothing. Answers whether it did. */
  restore(placed: PlacedEntry): Promise<boolean>;
  /** Forgets the scope with its history. */
  deleteScope(scope: Scope): Promise<void>;
}

export interface ConfigurationValue {
  value: Json;
  version: number;
  origin: ValueOrigin;
  /** Milliseconds since the epoch. */
  storedAt: number;
}

export type ConfigurationEntry =
  | (ConfigurationValue & { deleted: false })
  | (Omit<ConfigurationValue, "value"> & { deleted: true });

export interface PlacedEntry {
  scope: Scope;
  key: string;
  entry: ConfigurationEntry;
}

export interface ConfigurationChange {
  /** Undefined deletes. */
  value: Json | undefined;
  origin: ValueOrigin;
  expectedVersion?: number | undefined;
}

/** What became of the keys of a deployed file. Keys whose value was there already are in no list. */
export interface Proposal {
  taken: string[];
  /** A person's (or a script's) value, or a person's deletion, stayed. */
  kept: string[];
  /** Deployed earlier, no longer in the file. */
  gone: string[];
}

export interface EffectiveValue extends ConfigurationValue {
  scope: Scope;
}

/** What a service sees: each key from the nearest scope that has it. */
export async function effectiveConfiguration(
  store: ConfigurationStore,
  service: { project: string; service: string },
): Promise<Map<string, EffectiveValue>> {
  const effective = new Map<string, EffectiveValue>();
  for (const scope of [...scopesOf(service)].reverse()) {
    for (const [key, value] of await store.values(scope)) effective.set(key, { ...value, scope });
  }
  return effective;
}
