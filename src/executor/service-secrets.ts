import type { Vault } from "../config-store/vault.ts";
import type { Json } from "../foundation/json.ts";
import { scopesOf } from "../services/scope.ts";
import { serviceRef } from "../services/service-ref.ts";
import { type Form, formsOf } from "./redaction/forms.ts";
import { Matcher, noSecrets } from "./redaction/matcher.ts";

/** What one service may read, as of one revision of the store. */
export interface SecretView {
  revision: number;
  /** By name, from the nearest scope that has it. */
  values: ReadonlyMap<string, Json>;
  matcher: Matcher;
}

/** The secrets that each service may read, opened again only after something in the store has changed. */
export class ServiceSecrets {
  readonly vault: Vault;
  readonly #known = new Map<string, SecretView>();
  #revision: number | undefined;

  constructor(vault: Vault) {
    this.vault = vault;
  }

  /** Throws `corrupt` when a secret cannot be opened. */
  async of(service: { project: string; service: string }): Promise<SecretView> {
    const { revision } = this.vault;
    if (revision !== this.#revision) this.#known.clear();
    this.#revision = revision;
    const name = serviceRef({ project: service.project, name: service.service });
    const known = this.#known.get(name);
    if (known) return known;
    const view = await this.#read(service, revision);
    if (this.vault.revision === revision) this.#known.set(name, view);
    return view;
  }

  async #read(service: { project: string; service: string }, revision: number): Promise<SecretView> {
    const values = new Map<string, Json>();
    const forms: Form[] = [];
    for (const scope of scopesOf(service)) {
      for (const [name, value] of await this.vault.read(scope)) {
        if (!values.has(name)) values.set(name, value);
        // One that a nearer scope hides is redacted as well: it may be known from before.
        forms.push(...formsOf(name, value));
      }
    }
    return { revision, values, matcher: forms.length === 0 ? noSecrets : new Matcher(forms) };
  }
}
