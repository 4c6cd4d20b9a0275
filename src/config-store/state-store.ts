import type { Json, JsonObject } from "../foundation/json.ts";

/**
 * State of services (rule D11). A value that was deleted leaves a version behind without a value, so
 * that versions never start again and the deletion survives a replay of the log.
 */
export interface StateStore {
  /** All of a service's state; values with their versions. */
  get(service: StateOwner): Promise<Map<string, StateValue>>;
  /**
   * Check-and-set: stores `value` under the next version. `expectedVersion` is that of the present
   * value; 0 expects that there is none. Throws `conflict` otherwise. Durable when resolved.
   */
  put(service: StateOwner, key: string, value: Json, expectedVersion: number): Promise<StateValue>;
  /** Takes an entry from the backbone's log where it is newer than ours; older ones change nothing. */
  restore(service: StateOwner, key: string, entry: StateEntry): Promise<boolean>;
  /** Every entry, deleted ones too, for appending at start what the log lacks. */
  all(): AsyncIterable<{ service: StateOwner; key: string; entry: StateEntry }>;
  /** Deletes one value, or all of the service's. Answers what is to be logged; nothing where there was nothing. */
  delete(service: StateOwner, key?: string): Promise<{ key: string; entry: StateEntry }[]>;
}

export interface StateOwner {
  project: string;
  service: string;
}

export interface StateValue {
  value: Json;
  version: number;
}

/** A version of a key. `deleted`: from this version on there is no value. */
export type StateEntry = StateValue | { deleted: true; version: number };

export const maxStateKeyLength = 256;

/** Plain object of a service's state, as scripts see it. */
export function plainState(values: ReadonlyMap<string, StateValue>): JsonObject {
  return Object.fromEntries([...values].map(([key, { value }]) => [key, value]));
}
