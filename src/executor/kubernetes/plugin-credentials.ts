import type { Clock } from "../../foundation/clock.ts";
import { askPlugin, type CredentialPlugin, type PluginCredential } from "./credential-plugin.ts";

/** What credential plugins gave, until it expires or is dropped. Who asks while a plugin runs waits for its answer. */
export class PluginCredentials {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #asked = new Map<string, Promise<PluginCredential>>();

  /** `environment`: of the programs. */
  constructor(environment: Readonly<Record<string, string>>, clock: Clock) {
    this.#environment = environment;
    this.#clock = clock;
  }

  async of(plugin: CredentialPlugin): Promise<PluginCredential> {
    const key = JSON.stringify(plugin);
    const known = this.#asked.get(key);
    if (known !== undefined) {
      const credential = await known;
      if (!this.isOver(credential)) return credential;
      if (this.#asked.get(key) === known) this.#asked.delete(key);
      return this.of(plugin);
    }
    const asking = askPlugin(plugin, this.#environment);
    this.#asked.set(key, asking);
    try {
      return await asking;
    } catch (error) {
      if (this.#asked.get(key) === asking) this.#asked.delete(key);
      throw error;
    }
  }

  isOver({ expiresAt = Infinity }: PluginCredential): boolean {
    return expiresAt <= this.#clock.now();
  }

  /** The cluster does not take it any more; one that was given since stays. */
  async drop(credential: PluginCredential): Promise<void> {
    for (const [key, asked] of this.#asked) {
      const isIt = await asked.then(
        (known) => known === credential,
        () => false,
      );
      if (isIt && this.#asked.get(key) === asked) this.#asked.delete(key);
    }
  }
}
