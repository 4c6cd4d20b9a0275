import pg from "pg";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { openPostgresCatalog, type PostgresCatalogOptions } from "../../src/catalog/postgres.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { sharedEnvironment } from "./engines.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { tempDirForFile } from "./temp-dir.ts";

/** One server for a test file; call it there, outside of any test. */
export function postgresForFile(): PostgresForTests {
  const directory = tempDirForFile();
  const postgres = new PostgresForTests();
  beforeAll(async () => postgres.use(await startPostgres(directory)));
  afterAll(() => postgres.server.close());
  return postgres;
}

/** Databases on the server that the whole run of test:engines shares. */
export function sharedPostgresForFile(): PostgresForTests {
  const postgres = new PostgresForTests();
  postgres.useAddress(sharedEnvironment("postgres").FX_CATALOG_URL as string);
  return postgres;
}

export class PostgresForTests {
  #server: PostgresServer | undefined;
  #address: string | undefined;
  readonly #name = `test_${process.pid}`;
  #databases = 0;
  #shared: string | undefined;

  use(server: PostgresServer): void {
    this.#server = server;
    this.#address = server.url;
  }

  /** Of a server that somebody else starts and stops. */
  useAddress(url: string): void {
    this.#address = url;
  }

  get server(): PostgresServer {
    if (this.#server === undefined) throw new Error("the server is not there before the tests of its file");
    return this.#server;
  }

  get #url(): string {
    return this.#address ?? this.server.url;
  }

  /** The address of a new database, in an order of text that is not that of its bytes, as most are. */
  async newDatabase(): Promise<string> {
    const url = new URL(this.#url);
    const name = `${this.#name}_${++this.#databases}`;
    url.pathname = `/${name}`;
    const icu = "locale_provider icu icu_locale 'en-US' template template0";
    await this.query(`create database ${name} ${icu}`);
    return url.href;
  }

  /** The address that `emptyCatalog` has answered, as it is now. */
  sharedUrl(): string {
    if (this.#shared === undefined) throw new Error("no catalog was emptied yet");
    return this.#shared;
  }

  /** The address of a database with an empty catalog, which the tests of the file use one after the other. */
  async emptyCatalog(): Promise<string> {
    if (this.#shared === undefined) {
      this.#shared = await this.newDatabase();
      await (await openPostgresCatalog({ url: this.#shared, ...parts })).close();
      return this.#shared;
    }
    await this.query(emptied, this.#shared);
    return this.#shared;
  }

  /** Another process's catalog, as far as the database can tell; closed when the test ends. */
  async open(options: Partial<PostgresCatalogOptions> & { url: string }): Promise<Catalog> {
    const catalog = await openPostgresCatalog({ ...parts, ...options });
    onTestFinished(() => catalog.close());
    return catalog;
  }

  async query<Row extends pg.QueryResultRow>(text: string, url = this.#url): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows ?? [];
    } finally {
      await client.end();
    }
  }
}

const parts = { clock: systemClock, ids: createIds(systemClock, systemRandom), log: silentLog };

/** Deleted, not truncated, which makes files anew for every table and index. */
const emptied = `
  do $$ declare name text; begin
    set local session_replication_role = replica;
    for name in select tablename from pg_tables
      where schemaname = 'public' and tablename not like 'kysely%' and tablename <> 'settings'
    loop execute format('delete from %I', name); end loop;
    update settings set value = 1;
  end $$`;
