import type { ConfigStore } from "../config-store.ts";

export interface ConfigStoreContract {
  /** A new, empty store; released by the caller when the test ends. */
  open(): Promise<{
    store: ConfigStore;
    /** Closes the store and opens another on what it kept. */
    reopen(): Promise<ConfigStore>;
  }>;
}
