import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import { migrateSqliteFile, openSqliteFile, takeDatabase, translateSqliteError } from "../foundation/sqlite-file.ts";
import { type ConfigStore, maxStateValueBytes, type StateOwner, type StateValue } from "./config-store.ts";

const schema = [
  `create table state (
     project text not null,
     service text not null,
     key text not null,
     version integer not null,
     value text not null,
     stored_at integer not null,
     primary key (project, service, key)
   ) strict;`,
];

export interface SqliteConfigStoreOptions {
  /** The file, or ":memory:". */
  path?: string;
  /** Instead of a path: a database that outlives this store. Whoever held it before is shut out. */
  database?: DatabaseSync;
  clock: Clock;
}

/** Throws `unavailable`, `corrupt` or `conflict` (a newer release wrote it) when the file cannot be used. */
export function openSqliteConfigStore(options: SqliteConfigStoreOptions): SqliteConfigStore {
  let database: DatabaseSync | undefined;
  try {
    database = options.database ?? openSqliteFile(options.path ?? ":memory:");
    return new SqliteConfigStore(database, options.clock, options.database === undefined);
  } catch (error) {
    if (options.database === undefined) database?.close();
    throw translate(error);
  }
}

interface StateRow {
  project: string;
  service: string;
  key: string;
  version: number;
  value: string;
}

const pageSize = 500;

/** State in one file. Every write is one synced statement, so that no other caller can come in between. */
export class SqliteConfigStore implements ConfigStore {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #closesDatabase: boolean;
  readonly #isOwner: () => boolean;
  readonly #ofService: StatementSync;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #restore: StatementSync;
  readonly #version: StatementSync;
  readonly #page: StatementSync;
  readonly #delete: StatementSync;
  #closed = false;

  constructor(database: DatabaseSync, clock: Clock, closesDatabase: boolean) {
    this.#database = database;
    this.#clock = clock;
    this.#closesDatabase = closesDatabase;
    this.#isOwner = takeDatabase(database);
    migrateSqliteFile(database, schema, "the configuration store's");
    const insert = "insert into state (project, service, key, version, value, stored_at) values (?, ?, ?, ?, ?, ?)";
    this.#ofService = database.prepare("select key, version, value from state where project = ? and service = ?");
    this.#insert = database.prepare(`${insert} on conflict do nothing`);
    this.#replace = database.prepare(
      `update state set version = version + 1, value = ?, stored_at = ?
       where project = ? and service = ? and key = ? and version = ?`,
    );
    this.#restore = database.prepare(
      `${insert} on conflict do update set version = excluded.version, value = excluded.value,
         stored_at = excluded.stored_at where excluded.version > state.version`,
    );
    this.#version = database.prepare("select version from state where project = ? and service = ? and key = ?");
    this.#page = database.prepare(
      `select project, service, key, version, value from state where (project, service, key) > (?, ?, ?)
       order by project, service, key limit ?`,
    );
    this.#delete = database.prepare("delete from state where project = ? and service = ?");
  }

  async getState({ project, service }: StateOwner): Promise<Map<string, StateValue>> {
    const rows = this.#run(() => this.#ofService.all(project, service)) as unknown as StateRow[];
    return new Map(rows.map((row) => [row.key, toValue(row)]));
  }

  async putState(
    { project, service }: StateOwner,
    key: string,
    value: Json,
    expectedVersion: number,
  ): Promise<StateValue> {
    const text = encode(value, key);
    const at = Math.floor(this.#clock.now());
    const { changes } = this.#run(() =>
      expectedVersion === 0
        ? this.#insert.run(project, service, key, 1, text, at)
        : this.#replace.run(text, at, project, service, key, expectedVersion),
    );
    if (changes === 1) return { value: JSON.parse(text), version: expectedVersion + 1 };
    const stored = this.#run(() => this.#version.get(project, service, key)) as { version: number } | undefined;
    throw new PlatformError(
      "conflict",
      `state ${JSON.stringify(key)} of ${project}/${service} is at version ${stored?.version ?? 0}, not ${expectedVersion}: read it again`,
    );
  }

  async restoreState({ project, service }: StateOwner, key: string, { value, version }: StateValue): Promise<boolean> {
    const text = encode(value, key);
    const at = Math.floor(this.#clock.now());
    return this.#run(() => this.#restore.run(project, service, key, version, text, at)).changes === 1;
  }

  /** Read a page at a time: what is put meanwhile may or may not be seen. */
  async *allState(): AsyncGenerator<{ service: StateOwner; key: string; value: StateValue }> {
    let after: Pick<StateRow, "project" | "service" | "key"> = { project: "", service: "", key: "" };
    for (;;) {
      const { project, service, key } = after;
      const rows = this.#run(() => this.#page.all(project, service, key, pageSize)) as unknown as StateRow[];
      for (const row of rows) {
        yield { service: { project: row.project, service: row.service }, key: row.key, value: toValue(row) };
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  async deleteState({ project, service }: StateOwner): Promise<void> {
    this.#run(() => this.#delete.run(project, service));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#closesDatabase && this.#database.isOpen) this.#database.close();
  }

  #run<Result>(work: () => Result): Result {
    if (this.#closed || !this.#isOwner()) {
      throw new PlatformError("unavailable", "the configuration store is closed, or its database was opened anew", {
        retryable: false,
      });
    }
    try {
      return work();
    } catch (error) {
      throw translate(error);
    }
  }
}

function toValue({ value, version }: StateRow): StateValue {
  return { value: JSON.parse(value), version };
}

function encode(value: Json, key: string): string {
  const text = JSON.stringify(value);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= maxStateValueBytes) return text;
  throw new PlatformError(
    "limit-exceeded",
    `state ${JSON.stringify(key)} has ${sizeBytes} bytes of JSON, at most ${maxStateValueBytes} are kept`,
  );
}

function translate(error: unknown): unknown {
  return translateSqliteError(error, "the configuration store's");
}
