import type { Json, JsonObject } from "../foundation/json.ts";

/** State of services (and, in time, configuration): small values that outlive runs. */
export interface ConfigStore {
  /** All of a service's state; values with their versions. */
  getState(service: StateOwner): Promise<Map<string, StateValue>>;
  /**
   * Check-and-set: stores `value` as version `expectedVersion + 1`, where 0 expects that there is
   * none. Throws `conflict` otherwise. Durable when resolved (rule D11).
   */
  putState(service: StateOwner, key: string, value: Json, expectedVersion: number): Promise<StateValue>;
  /** Takes a value from the backbone's log where it is newer than ours; older ones change nothing. */
  restoreState(service: StateOwner, key: string, value: StateValue): Promise<boolean>;
  /** Every value, for appending at start what the log lacks. */
  allState(): AsyncIterable<{ service: StateOwner; key: string; value: StateValue }>;
  deleteState(service: StateOwner): Promise<void>;
  close(): Promise<void>;
}

export interface StateOwner {
  project: string;
  service: string;
}

export interface StateValue {
  value: Json;
  version: number;
}

/** Largest state value, in bytes of JSON. The size of Consul's limit for one value. */
export const maxStateValueBytes = 512 * 1024;

/** Plain object of a service's state, as scripts see it. */
export function plainState(values: ReadonlyMap<string, StateValue>): JsonObject {
  return Object.fromEntries([...values].map(([key, { value }]) => [key, value]));
}
