import pg from "pg";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { Outage } from "../../foundation/outage.ts";
import { type CatalogChange, type CatalogNews, catalogChanges } from "../news.ts";
import { isLockTimeout, translatePostgresError } from "./postgres-errors.ts";
import { lockNamespace } from "./postgres-locks.ts";
import { newsChannel } from "./postgres-news.ts";

const reconnectMs = 1000;
/** Locks of sessions: the catalog as a whole, and the work of retention. */
const catalogLock = `(${lockNamespace}, 0)`;
const retentionLock = `(${lockNamespace}, 1)`;
/** A machine that is gone without a word is noticed within a minute, and what its session held is free. */
const noticeLoss = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3";
/** How long the session of a process that has just died may keep the catalog from the next one. */
const aloneWithinMs = 2000;

export interface PostgresSessionOptions {
  url: string;
  /** Keeps the catalog from every other session that asks for the same. */
  alone: boolean;
  clock: Clock;
  log: Log;
}

/**
 * The process's own connection, beside the pool: it hears of changes. Lost, it is made anew, and whatever may have been
 * missed meanwhile is told then.
 */
export class PostgresSession implements CatalogNews {
  readonly #options: PostgresSessionOptions;
  readonly #listeners = new Set<(change: CatalogChange) => void>();
  #client: pg.Client | undefined;
  #retry: Timer | undefined;
  readonly #outage: Outage;
  #closed = false;

  constructor(options: PostgresSessionOptions) {
    this.#options = options;
    const { clock, log } = options;
    const fails = "does not hear of changes in the catalog, will try again";
    this.#outage = new Outage({ clock, log, fails, works: "hears of changes in the catalog again" });
  }

  /** Resolves when it listens. Throws `unavailable`; `conflict` where another session has the catalog to itself. */
  async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: "streamzero-fx session",
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      lock_timeout: aloneWithinMs,
      options: noticeLoss,
    });
    // The event "end" tells as much; unheard, this one would end the process.
    client.on("error", () => {});
    client.on("notification", ({ payload }) => {
      for (const change of catalogChanges) if (change === payload) this.#tell(change);
    });
    try {
      await client.connect();
      if (this.#options.alone) await client.query(`select pg_advisory_lock${catalogLock}`);
      await client.query(`listen ${newsChannel}`);
    } catch (error) {
      await client.end().catch(() => {});
      if (!isLockTimeout(error)) throw translatePostgresError(error);
      throw new PlatformError("conflict", "another platform works on this catalog: give each a database of its own");
    }
    if (this.#closed) return client.end();
    this.#client = client;
    client.once("end", () => this.#reopenLater());
  }

  onChange(listener: (change: CatalogChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Does retention's work unless another session is at it; answers whether it did. Throws `unavailable` where the connection was lost. */
  async retainAlone(work: () => Promise<void>): Promise<boolean> {
    const client = this.#client;
    if (client === undefined || !(await ask(client, `pg_try_advisory_lock${retentionLock}`))) return false;
    try {
      await work();
    } finally {
      // A connection that was lost has lost the lock too.
      await ask(client, `pg_advisory_unlock${retentionLock}`).catch(() => {});
    }
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#client?.end().catch(() => {});
  }

  #tell(change: CatalogChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  #reopenLater(): void {
    if (!this.#closed) this.#retry = this.#options.clock.setTimer(reconnectMs, () => void this.#reopen());
  }

  async #reopen(): Promise<void> {
    try {
      await this.open();
      this.#outage.worked();
      for (const change of catalogChanges) this.#tell(change);
    } catch (error) {
      this.#outage.failed(error);
      this.#reopenLater();
    }
  }
}

async function ask(client: pg.Client, question: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ answer: boolean }>(`select ${question} as answer`);
    return rows[0]?.answer === true;
  } catch (error) {
    throw translatePostgresError(error);
  }
}
