import type { StatementSync } from "node:sqlite";
import { PlatformError } from "../foundation/errors.ts";
import { parseScope, type Scope, scopeText, type ValueOrigin } from "../services/scope.ts";
import type { SecretChange, SecretStore, StoredSecret } from "./secret-store.ts";
import type { SqliteSession } from "./sqlite-session.ts";

interface SecretRow {
  scope: string;
  name: string;
  version: number;
  envelope: Uint8Array | null;
  origin: ValueOrigin;
  stored_at: number;
}

/** Envelopes in one table; what is in them this file cannot know. */
export class SqliteSecrets implements SecretStore {
  revision = 0;
  readonly #session: SqliteSession;
  readonly #ofScope: StatementSync;
  readonly #all: StatementSync;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #restore: StatementSync;
  readonly #delete: StatementSync;
  readonly #canary: StatementSync;
  readonly #setCanary: StatementSync;

  constructor(session: SqliteSession) {
    this.#session = session;
    const { database } = session;
    this.#ofScope = database.prepare("select * from secrets where scope = ? order by name");
    this.#all = database.prepare("select * from secrets order by scope, name");
    this.#insert = database.prepare(
      "insert into secrets (scope, name, version, envelope, origin, stored_at) values (?, ?, 1, ?, ?, ?) on conflict do nothing",
    );
    this.#replace = database.prepare(
      `update secrets set version = version + 1, envelope = ?, origin = ?, stored_at = ?
       where scope = ? and name = ? and version = ?`,
    );
    this.#restore = database.prepare(
      `insert into secrets (scope, name, version, envelope, origin, stored_at) values (?, ?, ?, ?, ?, ?)
       on conflict do update set version = excluded.version, envelope = excluded.envelope, origin = excluded.origin,
         stored_at = excluded.stored_at where excluded.version > secrets.version`,
    );
    this.#delete = database.prepare("delete from secrets where scope = ?");
    this.#canary = database.prepare("select envelope from canary");
    this.#setCanary = database.prepare("insert or replace into canary (only, envelope) values (1, ?)");
  }

  async list(scope: Scope): Promise<StoredSecret[]> {
    const rows = this.#session.run(() => this.#ofScope.all(scopeText(scope))) as unknown as SecretRow[];
    return rows.map(secretOf);
  }

  async all(): Promise<(StoredSecret & { scope: Scope })[]> {
    const rows = this.#session.run(() => this.#all.all()) as unknown as SecretRow[];
    return rows.map((row) => ({ ...secretOf(row), scope: parseScope(row.scope) as Scope }));
  }

  async put(scope: Scope, changes: readonly SecretChange[]): Promise<StoredSecret[]> {
    const place = scopeText(scope);
    const written = this.#session.transaction(() =>
      changes.map(({ name, envelope, origin, expectedVersion }): StoredSecret => {
        const bytes = envelope ?? null;
        const { now } = this.#session;
        const result =
          expectedVersion === 0
            ? this.#insert.run(place, name, bytes, origin, now)
            : this.#replace.run(bytes, origin, now, place, name, expectedVersion);
        if (result.changes === 1) return { name, version: expectedVersion + 1, envelope, origin, storedAt: now };
        const message = `secret ${JSON.stringify(name)} of ${place} is not at version ${expectedVersion}: read it again`;
        throw new PlatformError("conflict", message);
      }),
    );
    this.revision += 1;
    return written;
  }

  async restore(scope: Scope, { name, version, envelope, origin, storedAt }: StoredSecret): Promise<boolean> {
    const { changes } = this.#session.run(() =>
      this.#restore.run(scopeText(scope), name, version, envelope ?? null, origin, storedAt),
    );
    this.revision += 1;
    return changes === 1;
  }

  async deleteScope(scope: Scope): Promise<void> {
    this.#session.run(() => this.#delete.run(scopeText(scope)));
    this.revision += 1;
  }

  async canary(): Promise<Uint8Array | undefined> {
    return (this.#session.run(() => this.#canary.get()) as { envelope: Uint8Array } | undefined)?.envelope;
  }

  async setCanary(envelope: Uint8Array): Promise<void> {
    this.#session.run(() => this.#setCanary.run(envelope));
  }
}

function secretOf({ name, version, envelope, origin, stored_at: storedAt }: SecretRow): StoredSecret {
  return { name, version, envelope: envelope ?? undefined, origin, storedAt };
}
