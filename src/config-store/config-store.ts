import type { ConfigurationStore } from "./configuration-store.ts";
import type { SecretStore } from "./secret-store.ts";
import type { StateStore } from "./state-store.ts";

/** What outlives runs in small values: the state that services keep, their configuration, their secrets. */
export interface ConfigStore {
  state: StateStore;
  configuration: ConfigurationStore;
  secrets: SecretStore;
  /**
   * Of a store that may lose everything while it is open: what brings its state back from the backbone. Until that has
   * resolved state is `unavailable`, so that nobody reads that there is nothing.
   */
  onLost?(restore: () => Promise<void>): void;
  /** Of such a store: called once its state agrees with the backbone, at a first start too. */
  restored?(): Promise<void>;
  close(): Promise<void>;
}

/** Largest value of state or configuration, in bytes of JSON. The size of Consul's limit for one value. */
export const maxValueBytes = 512 * 1024;
