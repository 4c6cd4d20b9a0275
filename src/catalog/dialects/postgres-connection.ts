import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely";
import pg, { type Pool, type PoolClient } from "pg";
import { PlatformError } from "../../foundation/errors.ts";
import { isStalePlan, isUnanswered, translatePostgresError } from "./postgres-errors.ts";

export interface PostgresPoolOptions {
  url: string;
  /** Most connections at once; who wants one more waits. */
  connections: number;
  /** What one statement may take, and the wait for one lock in it; undefined: no end, as migrations want it. */
  statementMs: number | undefined;
}

const connectMs = 10_000;
/**
 * A transaction whose process stands still, or is cut off, gives back its locks: others wait for them. A process that runs never
 * pauses so long within one; one that slept has its transaction undone, and does it again.
 */
const idleInTransactionMs = 5000;
/** An answer that the other side does not take for so long ends the connection, and what it held: statements have no time limit while they are sent. */
const unsentMs = 10_000;
const noticeLoss = `-c tcp_user_timeout=${unsentMs} -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2`;
/** After the server's own limit for a statement. */
const answerMs = 2000;

/** Connections are made when they are first wanted, and anew after each loss. */
export function openPool({ url, connections, statementMs }: PostgresPoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: "streamzero-fx catalog",
    max: connections,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: noticeLoss,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    types: { getTypeParser },
    ...(statementMs === undefined
      ? {}
      : // The server's own limit comes first; where no server answers any more, ours ends the wait.
        { statement_timeout: statementMs, lock_timeout: statementMs, query_timeout: statementMs + answerMs }),
  });
  // A connection that breaks tells whoever uses it by the query that fails; unheard, this event would end the process.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/** A pool for Kysely whose errors are the platform's. */
export function translatingPool(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      try {
        return new TranslatingClient(await pool.connect());
      } catch (error) {
        throw translatePostgresError(error);
      }
    },
  };
}

/** The server's time, in milliseconds since the epoch, as the column `now`. */
export const timeText = "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now";

class TranslatingClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #isStale = false;
  /** As it was at the begin of the transaction, of which nothing was asked yet. */
  #time: PostgresQueryResult<unknown> | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  get processID(): number {
    return (this.#client as PoolClient & { processID: number }).processID;
  }

  query(text: unknown, values?: readonly unknown[]): never {
    return this.#run(text as string, values) as never;
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy || this.#isStale);
  }

  /** Each transaction begins with a look at the clock: both go one way. */
  async #begin(): Promise<PostgresQueryResult<unknown>> {
    const text = `begin; ${timeText}`;
    const [begun, time] = (await this.#client.query({ text })) as unknown as PostgresQueryResult<unknown>[];
    this.#time = time;
    return begun as PostgresQueryResult<unknown>;
  }

  async #run(text: string, values: readonly unknown[] = []): Promise<PostgresQueryResult<unknown>> {
    const time = this.#time;
    this.#time = undefined;
    if (time !== undefined && text === timeText) return time;
    try {
      if (text === "begin") return await this.#begin();
      const name = values.length === 0 ? undefined : nameOf(text);
      const result = await this.#client.query({ name, text, values: values.map(storable) });
      return result as PostgresQueryResult<unknown>;
    } catch (error) {
      // A newer release has changed a table: what this connection has planned stays of no use.
      // And one whose first words failed may be within a transaction that nobody ends.
      this.#isStale ||= isStalePlan(error) || text === "begin";
      // Nobody answers: what is asked on it next, such as to undo the transaction, would wait as long again.
      if (isUnanswered(error)) void this.#client.end();
      throw translatePostgresError(error);
    }
  }
}

/** Statements that each connection keeps planned; whatever comes when there are so many is planned each time. */
const maxStatements = 1000;
const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < maxStatements) {
    name = `fx${names.size}`;
    names.set(text, name);
  }
  return name;
}

/** Text here holds no NUL, and the output of scripts may: it is kept as the picture of one. */
function storable(value: unknown): unknown {
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\u2400") : value;
}

const bigint = 20;

/** Of 64 bits; all of ours are times, counts and numbers of rows, which a double holds exactly. */
function parseBigint(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new PlatformError("corrupt", `the catalog's database holds the number ${text}, which is past 2^53`);
}

function getTypeParser(type: number, format?: "text" | "binary"): (text: string) => unknown {
  return type === bigint ? parseBigint : pg.types.getTypeParser(type, format as "text");
}
