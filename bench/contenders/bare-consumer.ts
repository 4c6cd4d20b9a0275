import pg from "pg";
import type { Bus, BusRecord } from "../../src/bus/bus.ts";
import { topics } from "../../src/events/topics.ts";

/** What routing writes for each event, by table; the two that name an event name it by these columns. */
const keyColumns = { ledger: "key", bodies: "key", executions: "event_key" } as const;
/** Between two commits of offsets, as the router has it. */
const commitMs = 500;
type Table = keyof typeof keyColumns;
type Row = Record<string, unknown>;
const tables = Object.keys(keyColumns) as Table[];

/** Consumes records and writes for each the rows that routing wrote for it, a batch a transaction: nothing is matched or decided. */
export class BareConsumer {
  readonly #client: pg.Client;
  readonly #rows = new Map<Table, Map<string, Row>>();

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Beside the catalog's tables, with the same columns and indexes. */
  static async open(connectionString: string): Promise<BareConsumer> {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query("create schema bare");
    for (const table of tables) await client.query(`create table bare.${table} (like public.${table} including all)`);
    return new BareConsumer(client);
  }

  /** The rows of the `count` events that were routed since, for `consume`; their tables are emptied. */
  async take(count: number): Promise<void> {
    for (const table of tables) {
      const { rows } = await this.#client.query<Row>(`select * from public.${table}`);
      if (rows.length !== count) throw new Error(`routing wrote ${rows.length} rows into ${table}, not ${count}`);
      const key = keyColumns[table];
      this.#rows.set(table, new Map(rows.map(({ seq: _, ...row }) => [String(row[key]), row])));
    }
    await this.#client.query(`truncate ${tables.map((table) => `public.${table}, bare.${table}`).join(", ")}`);
  }

  /** Reads so many records; answers how many a second were written, from the end of the first batch on. */
  async consume(bus: Bus, group: string, count: number, maxRecords: number, keyOf: (record: BusRecord) => string) {
    const subscription = await bus.subscribe({ group, topics: [topics.events], from: "earliest", maxRecords });
    let written = 0;
    let first = { written: 0, at: 0 };
    let committedAt = 0;
    while (written < count) {
      const records = (await subscription.next()) ?? [];
      await this.#write(records.map(keyOf));
      written += records.length;
      if (first.at === 0) first = { written, at: performance.now() };
      if (performance.now() - committedAt < commitMs) continue;
      committedAt = performance.now();
      await subscription.commit(
        records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })),
      );
    }
    const elapsedMs = performance.now() - first.at;
    // Of what was read twice nothing could be inserted: the next round begins where this one ended.
    await subscription.commit(
      (await bus.offsets(topics.events)).map(({ partition, next }) => ({
        topic: topics.events,
        partition,
        offset: next,
      })),
    );
    await subscription.close();
    return ((written - first.written) / elapsedMs) * 1000;
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  async #write(keys: readonly string[]): Promise<void> {
    await this.#client.query("begin");
    for (const table of tables) {
      const known = this.#rows.get(table);
      const rows = keys.map((key) => known?.get(key)).filter((row) => row !== undefined);
      const columns = Object.keys(rows[0] ?? {});
      if (columns.length === 0) continue;
      let parameter = 0;
      const values = rows.map(() => `(${columns.map(() => `$${++parameter}`).join(",")})`);
      const text = `insert into bare.${table} (${columns.map((name) => `"${name}"`).join(",")}) values ${values.join(",")}`;
      await this.#client.query(
        text,
        rows.flatMap((row) => columns.map((name) => row[name])),
      );
    }
    await this.#client.query("commit");
  }
}
