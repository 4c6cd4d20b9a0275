import { type ConfigurationStore, effectiveConfiguration } from "../config-store/configuration-store.ts";
import type { JsonObject } from "../foundation/json.ts";
import { serviceRef } from "../services/service-ref.ts";

/** The configuration that each service sees, read again only after something in the store has changed. */
export class ServiceConfiguration {
  readonly #store: ConfigurationStore;
  readonly #known = new Map<string, JsonObject>();
  #revision: number | undefined;

  constructor(store: ConfigurationStore) {
    this.#store = store;
  }

  async of(service: { project: string; service: string }): Promise<JsonObject> {
    const { revision } = this.#store;
    if (revision !== this.#revision) this.#known.clear();
    this.#revision = revision;
    const name = serviceRef({ project: service.project, name: service.service });
    const known = this.#known.get(name);
    if (known) return known;
    const effective = await effectiveConfiguration(this.#store, service);
    const values = Object.fromEntries([...effective].map(([key, { value }]) => [key, value]));
    // A change while it was read: the next look reads again.
    if (this.#store.revision === revision) this.#known.set(name, values);
    return values;
  }
}
