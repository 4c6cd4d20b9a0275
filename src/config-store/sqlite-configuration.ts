import type { StatementSync } from "node:sqlite";
import { PlatformError } from "../foundation/errors.ts";
import { canonicalJson, type JsonObject } from "../foundation/json.ts";
import { type Scope, scopeText, type ValueOrigin } from "../services/scope.ts";
import type {
  ConfigurationChange,
  ConfigurationEntry,
  ConfigurationStore,
  ConfigurationValue,
  Proposal,
} from "./configuration-store.ts";
import { encodeValue } from "./encode-value.ts";
import type { SqliteSession } from "./sqlite-session.ts";

interface EntryRow {
  key: string;
  version: number;
  /** Null: deleted. */
  value: string | null;
  origin: ValueOrigin;
  stored_at: number;
}

/** Every version of every key is a row; the newest is the present one. */
export class SqliteConfiguration implements ConfigurationStore {
  revision = 0;
  readonly #session: SqliteSession;
  readonly #newest: StatementSync;
  readonly #ofKey: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(session: SqliteSession) {
    this.#session = session;
    const { database } = session;
    const columns = "key, version, value, origin, stored_at";
    this.#newest = database.prepare(
      `select ${columns} from configuration as entry where scope = ? and version =
         (select max(version) from configuration where scope = entry.scope and key = entry.key) order by key`,
    );
    this.#ofKey = database.prepare(
      `select ${columns} from configuration where scope = ? and key = ? and version < ? order by version desc limit ?`,
    );
    this.#insert = database.prepare(
      `insert into configuration (scope, key, version, value, origin, stored_at) values (?, ?, ?, ?, ?, ?)`,
    );
    this.#delete = database.prepare("delete from configuration where scope = ?");
  }

  async values(scope: Scope): Promise<Map<string, ConfigurationValue>> {
    const entries = this.#session.run(() => this.#newestOf(scope)).map((row) => [row.key, entryOf(row)] as const);
    return new Map(entries.flatMap(([key, entry]) => (entry.deleted ? [] : [[key, presentOf(entry)] as const])));
  }

  async get(scope: Scope, key: string): Promise<ConfigurationEntry | undefined> {
    return (await this.history(scope, key, { limit: 1 }))[0];
  }

  async put(scope: Scope, key: string, change: ConfigurationChange): Promise<ConfigurationEntry> {
    const { value, origin, expectedVersion } = change;
    const text = value === undefined ? null : encodeValue(value, `configuration ${JSON.stringify(key)}`);
    return this.#session.transaction(() => {
      const present = this.#presentOf(scope, key);
      const version = present === undefined || present.value === null ? 0 : present.version;
      if (expectedVersion !== undefined && expectedVersion !== version) {
        throw new PlatformError(
          "conflict",
          `configuration ${JSON.stringify(key)} of ${scopeText(scope)} is at version ${version}, not ${expectedVersion}: read it again`,
        );
      }
      if (text === null && version === 0) {
        throw new PlatformError("not-found", `${scopeText(scope)} has no configuration ${JSON.stringify(key)}`);
      }
      return entryOf(this.#write(scope, key, text, origin, present));
    });
  }

  async history(
    scope: Scope,
    key: string,
    { limit, before = Number.MAX_SAFE_INTEGER }: { limit: number; before?: number | undefined },
  ): Promise<ConfigurationEntry[]> {
    const rows = this.#session.run(() => this.#ofKey.all(scopeText(scope), key, before, limit));
    return (rows as unknown as EntryRow[]).map(entryOf);
  }

  async propose(scope: Scope, values: JsonObject): Promise<Proposal> {
    const proposed = new Map(
      Object.entries(values).map(([key, value]) => [key, encodeValue(value, `configuration ${JSON.stringify(key)}`)]),
    );
    return this.#session.transaction(() => {
      const proposal: Proposal = { taken: [], kept: [], gone: [] };
      const present = new Map(this.#newestOf(scope).map((row) => [row.key, row]));
      for (const [key, text] of proposed) {
        const row = present.get(key);
        if (row !== undefined && isSame(row.value, text)) continue;
        if (row !== undefined && row.origin !== "manifest") {
          proposal.kept.push(key);
          continue;
        }
        this.#write(scope, key, text, "manifest", row);
        proposal.taken.push(key);
      }
      for (const row of present.values()) {
        if (proposed.has(row.key) || row.origin !== "manifest" || row.value === null) continue;
        this.#write(scope, row.key, null, "manifest", row);
        proposal.gone.push(row.key);
      }
      return proposal;
    });
  }

  async deleteScope(scope: Scope): Promise<void> {
    this.#session.run(() => this.#delete.run(scopeText(scope)));
    this.revision += 1;
  }

  #newestOf(scope: Scope): EntryRow[] {
    return this.#newest.all(scopeText(scope)) as unknown as EntryRow[];
  }

  #presentOf(scope: Scope, key: string): EntryRow | undefined {
    return this.#ofKey.get(scopeText(scope), key, Number.MAX_SAFE_INTEGER, 1) as EntryRow | undefined;
  }

  #write(scope: Scope, key: string, value: string | null, origin: ValueOrigin, former: EntryRow | undefined): EntryRow {
    const version = (former?.version ?? 0) + 1;
    const { now } = this.#session;
    this.#insert.run(scopeText(scope), key, version, value, origin, now);
    // Also when the transaction fails later: reading once more than needed does no harm.
    this.revision += 1;
    return { key, version, value, origin, stored_at: now };
  }
}

function isSame(left: string | null, right: string): boolean {
  return left !== null && (left === right || canonicalJson(JSON.parse(left)) === canonicalJson(JSON.parse(right)));
}

function entryOf({ version, value, origin, stored_at: storedAt }: EntryRow): ConfigurationEntry {
  const facts = { version, origin, storedAt };
  return value === null ? { ...facts, deleted: true } : { ...facts, value: JSON.parse(value), deleted: false };
}

function presentOf({ value, version, origin, storedAt }: ConfigurationValue): ConfigurationValue {
  return { value, version, origin, storedAt };
}
