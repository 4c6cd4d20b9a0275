import { PlatformError } from "../../foundation/errors.ts";
import { parseScope, type Scope, scopeText } from "../../services/scope.ts";
import type { SecretChange, SecretStore, StoredSecret } from "../secret-store.ts";
import type { ConsulSession } from "./consul-session.ts";
import { VersionedEntries, type VersionedEntry } from "./versioned-entries.ts";

/** Envelopes; what is in them Consul cannot know. */
export class ConsulSecrets implements SecretStore {
  readonly #session: ConsulSession;
  readonly #entries: VersionedEntries;
  readonly #canary: string;

  constructor(session: ConsulSession) {
    this.#session = session;
    this.#entries = new VersionedEntries(session, "secrets", { keepsPast: false });
    this.#canary = session.key("canary");
  }

  get revision(): number {
    return this.#session.revision;
  }

  async list(scope: Scope): Promise<StoredSecret[]> {
    return (await this.#entries.ofScope(scope)).map(secretOf);
  }

  async all(): Promise<(StoredSecret & { scope: Scope })[]> {
    const found = [];
    for (const text of await this.#entries.scopes()) {
      const scope = parseScope(text);
      if (scope) for (const secret of await this.list(scope)) found.push({ ...secret, scope });
    }
    return found;
  }

  /** Of more secrets than a transaction takes some may be written and others not: who reads them again goes on from there. */
  async put(scope: Scope, changes: readonly SecretChange[]): Promise<StoredSecret[]> {
    const present = new Map((await this.#entries.ofScope(scope)).map((entry) => [entry.name, entry]));
    for (const { name, expectedVersion } of changes) {
      if ((present.get(name)?.version ?? 0) !== expectedVersion) throw conflict(scope, name, expectedVersion);
    }
    const written: StoredSecret[] = [];
    const { changesTogether } = this.#entries;
    for (let at = 0; at < changes.length; at += changesTogether) {
      const some = changes.slice(at, at + changesTogether);
      const entries = await this.#entries.write(
        scope,
        some.map(({ name, envelope, origin }) => ({ name, content: envelope, origin, former: present.get(name) })),
      );
      const [first] = some;
      if (entries === undefined) throw conflict(scope, first?.name ?? "", first?.expectedVersion ?? 0);
      written.push(...entries.map(secretOf));
    }
    return written;
  }

  restore(scope: Scope, { envelope, ...facts }: StoredSecret): Promise<boolean> {
    return this.#entries.restore(scope, { ...facts, content: envelope && Buffer.from(envelope) });
  }

  async deleteScope(scope: Scope): Promise<void> {
    await this.#entries.deleteScope(scope);
  }

  async canary(): Promise<Uint8Array | undefined> {
    return (await this.#session.http.get(this.#canary))?.value;
  }

  async setCanary(envelope: Uint8Array): Promise<void> {
    await this.#session.http.put(this.#canary, envelope);
  }
}

function secretOf({ name, version, origin, storedAt, content }: VersionedEntry): StoredSecret {
  return { name, version, origin, storedAt, envelope: content };
}

function conflict(scope: Scope, name: string, expectedVersion: number): PlatformError {
  const message = `secret ${JSON.stringify(name)} of ${scopeText(scope)} is not at version ${expectedVersion}: read it again`;
  return new PlatformError("conflict", message);
}
