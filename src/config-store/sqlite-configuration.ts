import type { StatementSync } from "node:sqlite";
import { PlatformError } from "../foundation/errors.ts";
import { canonicalJson, type JsonObject } from "../foundation/json.ts";
import { parseScope, type Scope, scopeText, type ValueOrigin } from "../services/scope.ts";
import type {
  ConfigurationChange,
  ConfigurationEntry,
  ConfigurationStore,
  ConfigurationValue,
  PlacedEntry,
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

const pageSize = 500;

/** Every version of every key is a row; the newest is the present one. */
export class SqliteConfiguration implements ConfigurationStore {
  revision = 0;
  readonly #session: SqliteSession;
  readonly #newest: StatementSync;
  readonly #ofKey: StatementSync;
  readonly #page: StatementSync;
  readonly #insert: StatementSync;
  readonly #restore: StatementSync;
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
    this.#page = database.prepare(
      `select scope, ${columns} from configuration where (scope, key, version) > (?, ?, ?)
       order by scope, key, version limit ${pageSize}`,
    );
    this.#restore = database.prepare(
      `insert into configuration (scope, key, version, value, origin, stored_at) select ?1, ?2, ?3, ?4, ?5, ?6
       where not exists (select 1 from configuration where scope = ?1 and key = ?2 and version >= ?3)`,
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

  /** Read a page at a time: what is put meanwhile may or may not be seen. */
  async *all(): AsyncGenerator<PlacedEntry> {
    type Row = EntryRow & { scope: string };
    for (let last: Pick<Row, "scope" | "key" | "version"> | undefined = { scope: "", key: "", version: 0 }; last; ) {
      const { scope, key, version } = last;
      const rows = this.#session.run(() => this.#page.all(scope, key, version)) as unknown as Row[];
      for (const row of rows) yield { scope: parseScope(row.scope) as Scope, key: row.key, entry: entryOf(row) };
      last = rows.at(-1);
    }
  }

  async restore({ scope, key, entry }: PlacedEntry): Promise<boolean> {
    const text = entry.deleted ? null : encodeValue(entry.value, `configuration ${JSON.stringify(key)}`);
    const { version, origin, storedAt } = entry;
    const { changes } = this.#session.run(() =>
      this.#restore.run(scopeText(scope), key, version, text, origin, storedAt),
    );
    this.revision += 1;
    return changes === 1;
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
