import type { StatementSync } from "node:sqlite";
import { PlatformError } from "../foundation/errors.ts";
import type { Json } from "../foundation/json.ts";
import { encodeValue } from "./encode-value.ts";
import type { SqliteSession } from "./sqlite-session.ts";
import type { StateEntry, StateOwner, StateStore, StateValue } from "./state-store.ts";

interface StateRow {
  project: string;
  service: string;
  key: string;
  version: number;
  value: string;
  deleted: number;
}

const pageSize = 500;
const noValue = "null";

/** State in one table. Every put is one synced statement, so that no other caller can come in between. */
export class SqliteState implements StateStore {
  readonly #session: SqliteSession;
  readonly #ofService: StatementSync;
  readonly #insert: StatementSync;
  readonly #replace: StatementSync;
  readonly #restore: StatementSync;
  readonly #version: StatementSync;
  readonly #page: StatementSync;
  readonly #delete: StatementSync;

  constructor(session: SqliteSession) {
    this.#session = session;
    const { database } = session;
    const columns = "project, service, key, version, value, deleted";
    const insert =
      "insert into state (project, service, key, version, value, deleted, stored_at) values (?, ?, ?, ?, ?, ?, ?)";
    this.#ofService = database.prepare(
      "select key, version, value from state where project = ? and service = ? and deleted = 0",
    );
    this.#insert = database.prepare(
      `${insert} on conflict do update set version = state.version + 1, value = excluded.value, deleted = 0,
         stored_at = excluded.stored_at where state.deleted = 1 returning version`,
    );
    this.#replace = database.prepare(
      `update state set version = version + 1, value = ?, stored_at = ?
       where project = ? and service = ? and key = ? and version = ? and deleted = 0 returning version`,
    );
    this.#restore = database.prepare(
      `${insert} on conflict do update set version = excluded.version, value = excluded.value,
         deleted = excluded.deleted, stored_at = excluded.stored_at where excluded.version > state.version`,
    );
    this.#version = database.prepare(
      "select version from state where project = ? and service = ? and key = ? and deleted = 0",
    );
    this.#page = database.prepare(
      `select ${columns} from state where (project, service, key) > (?, ?, ?)
       order by project, service, key limit ?`,
    );
    this.#delete = database.prepare(
      `update state set version = version + 1, value = '${noValue}', deleted = 1, stored_at = ?
       where project = ? and service = ? and (? is null or key = ?) and deleted = 0 returning key, version`,
    );
  }

  async get({ project, service }: StateOwner): Promise<Map<string, StateValue>> {
    const rows = this.#session.run(() => this.#ofService.all(project, service)) as unknown as StateRow[];
    return new Map(rows.map(({ key, value, version }) => [key, { value: JSON.parse(value), version }]));
  }

  async put({ project, service }: StateOwner, key: string, value: Json, expectedVersion: number): Promise<StateValue> {
    const text = encodeValue(value, `state ${JSON.stringify(key)}`);
    const { now } = this.#session;
    const written = this.#session.run(() =>
      expectedVersion === 0
        ? this.#insert.get(project, service, key, 1, text, 0, now)
        : this.#replace.get(text, now, project, service, key, expectedVersion),
    ) as { version: number } | undefined;
    if (written !== undefined) return { value: JSON.parse(text), version: written.version };
    const stored = this.#session.run(() => this.#version.get(project, service, key)) as { version: number } | undefined;
    throw new PlatformError(
      "conflict",
      `state ${JSON.stringify(key)} of ${project}/${service} is at version ${stored?.version ?? 0}, not ${expectedVersion}: read it again`,
    );
  }

  async restore({ project, service }: StateOwner, key: string, entry: StateEntry): Promise<boolean> {
    const isDeleted = "deleted" in entry;
    const text = isDeleted ? noValue : encodeValue(entry.value, `state ${JSON.stringify(key)}`);
    const { now } = this.#session;
    const { changes } = this.#session.run(() =>
      this.#restore.run(project, service, key, entry.version, text, isDeleted ? 1 : 0, now),
    );
    return changes === 1;
  }

  /** Read a page at a time: what is put meanwhile may or may not be seen. */
  async *all(): AsyncGenerator<{ service: StateOwner; key: string; entry: StateEntry }> {
    let after: Pick<StateRow, "project" | "service" | "key"> = { project: "", service: "", key: "" };
    for (;;) {
      const { project, service, key } = after;
      const rows = this.#session.run(() => this.#page.all(project, service, key, pageSize)) as unknown as StateRow[];
      for (const row of rows) {
        yield { service: { project: row.project, service: row.service }, key: row.key, entry: entryOf(row) };
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  async delete({ project, service }: StateOwner, key?: string): Promise<{ key: string; entry: StateEntry }[]> {
    const { now } = this.#session;
    const only = key ?? null;
    const rows = this.#session.run(() => this.#delete.all(now, project, service, only, only)) as unknown as StateRow[];
    return rows.map((row) => ({ key: row.key, entry: { deleted: true, version: row.version } }));
  }
}

function entryOf({ value, version, deleted }: StateRow): StateEntry {
  return deleted === 1 ? { deleted: true, version } : { value: JSON.parse(value), version };
}
