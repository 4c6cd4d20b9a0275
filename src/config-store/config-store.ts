import type { ConfigurationStore } from "./configuration-store.ts";
import type { SecretStore } from "./secret-store.ts";
import type { StateStore } from "./state-store.ts";

/** What outlives runs in small values: the state that services keep, their configuration, their secrets. */
export interface ConfigStore {
  state: StateStore;
  configuration: ConfigurationStore;
  secrets: SecretStore;
  close(): Promise<void>;
}

/** Largest value of state or configuration, in bytes of JSON. The size of Consul's limit for one value. */
export const maxValueBytes = 512 * 1024;
