import { Kysely } from "kysely";
import type { PoolClient } from "pg";
import { onTestFinished } from "vitest";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { Scene } from "../../src/catalog/contract/scene.contract.ts";
import { postgresDialect, postgresTraits } from "../../src/catalog/dialects/postgres.ts";
import { openPool } from "../../src/catalog/dialects/postgres-connection.ts";
import { openKyselyCatalog } from "../../src/catalog/kysely/kysely-catalog.ts";
import type { Tables } from "../../src/catalog/kysely/tables.ts";
import type { IncomingEvent } from "../../src/catalog/routing.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { maxLosses } from "../../src/executions/execution.ts";
import { createIds, type Ids } from "../../src/foundation/ids.ts";
import { silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { eventually } from "./eventually.ts";
import { ManualClock } from "./manual-clock.ts";
import type { PostgresForTests } from "./postgres-catalog.ts";

/** A place in a transaction: right before a statement of its, or once the statement is answered. */
type Place = { before: RegExp } | { after: RegExp };

/** Where the next transaction that comes there stands still. */
class Stops {
  #stop: { place: Partial<Record<"before" | "after", RegExp>>; reached: () => void } | undefined;
  #goOn = Promise.withResolvers<void>();

  set(place: Place): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#stop = { place, reached: resolve };
    this.#goOn = Promise.withResolvers();
    return promise;
  }

  goOn(): void {
    this.#goOn.resolve();
  }

  /** Every statement of the client comes by here. */
  watch(client: PoolClient): void {
    const query = client.query.bind(client) as (config: { text: string }) => Promise<unknown>;
    // However long a test stands still: this is no process that is cut off.
    void query({ text: "set idle_in_transaction_session_timeout = 0" });
    const watched = async (config: { text: string }) => {
      await this.#pass("before", config.text);
      const result = await query(config);
      await this.#pass("after", config.text);
      return result;
    };
    client.query = watched as unknown as PoolClient["query"];
  }

  #pass(when: "before" | "after", text: string): Promise<void> | undefined {
    if (!this.#stop?.place[when]?.test(text)) return undefined;
    this.#stop.reached();
    this.#stop = undefined;
    return this.#goOn.promise;
  }
}

interface StoppableParts {
  url: string;
  /** Of all that it routes. */
  partition: number;
  clock: ManualClock;
  ids: Ids;
}

/** A process on a catalog that several share. One of its transactions at a time can be made to stand still. */
export class StoppableScene extends Scene {
  readonly #partition: number;
  readonly #stops: Stops;
  readonly #undone: { count: number };

  private constructor(catalog: Catalog, parts: StoppableParts, stops: Stops, undone: { count: number }) {
    super(catalog, parts.clock, parts.ids);
    this.#partition = parts.partition;
    this.#stops = stops;
    this.#undone = undone;
  }

  static async open(parts: StoppableParts): Promise<StoppableScene> {
    const stops = new Stops();
    const undone = { count: 0 };
    const pool = openPool({ url: parts.url, connections: 4, statementMs: 12_000 });
    pool.on("connect", (client) => stops.watch(client));
    const isContention = (error: unknown) => {
      const isSo = postgresTraits.isContention(error);
      if (isSo) undone.count += 1;
      return isSo;
    };
    const context = {
      db: new Kysely<Tables>({ dialect: postgresDialect(pool) }),
      traits: { ...postgresTraits, isContention },
      now: () => parts.clock.now(),
      ids: parts.ids,
      log: silentLog,
      limits: { losses: maxLosses },
      durable: async () => {},
    };
    const catalog = await openKyselyCatalog(context, false);
    onTestFinished(async () => {
      // In a test that failed something may still stand.
      stops.goOn();
      await catalog.close();
    });
    return new StoppableScene(catalog, parts, stops, undone);
  }

  /** Its transactions that were in the way of others, or others in theirs, so that they were undone and run again. */
  get undone(): number {
    return this.#undone.count;
  }

  override incoming(event: CloudEvent, place: Parameters<Scene["incoming"]>[1] = {}): IncomingEvent {
    return super.incoming(event, { partition: this.#partition, ...place });
  }

  /** Starts `work` and resolves when it stands still at the place; `goOn` lets it end. */
  async stop<Result>(place: Place, work: () => Promise<Result>): Promise<{ goOn: () => Promise<Result> }> {
    const reached = this.#stops.set(place);
    const working = work();
    const missed = working.then(() => Promise.reject(new Error("it ended, and never came to where it was to stop")));
    missed.catch(() => {});
    await Promise.race([reached, missed]);
    return {
      goOn: () => {
        this.#stops.goOn();
        return working;
      },
    };
  }
}

/** Processes on one database, at one time. */
export async function openStoppable(
  postgres: PostgresForTests,
): Promise<[StoppableScene, StoppableScene, StoppableScene]> {
  const url = await postgres.emptyCatalog();
  const clock = new ManualClock();
  const ids = createIds(clock, systemRandom);
  const open = (partition: number) => StoppableScene.open({ url, partition, clock, ids });
  return Promise.all([open(0), open(1), open(2)]);
}

/** Starts `work` and lets it come as far as it does without others: to its end, or to where it waits for what another transaction holds. */
export async function asFarAsItComes<Result>(
  postgres: PostgresForTests,
  work: () => Promise<Result>,
): Promise<{ end: Promise<Result> }> {
  const before = await countWaiting(postgres);
  let hasEnded = false;
  const ended = () => {
    hasEnded = true;
  };
  const end = work();
  end.then(ended, ended);
  await eventually(async () => hasEnded || (await countWaiting(postgres)) > before);
  return { end };
}

async function countWaiting(postgres: PostgresForTests): Promise<number> {
  const text = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  return (await postgres.query(text, postgres.sharedUrl())).length;
}

/**
 * Two transactions meet: the first, of `process`, stands still at the place while the second comes as far as it does. Then both go on
 * to their ends.
 */
export async function meet<First, Second>(
  postgres: PostgresForTests,
  process: StoppableScene,
  place: Place,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const stopped = await process.stop(place, first);
  const { end } = await asFarAsItComes(postgres, second);
  return Promise.all([stopped.goOn(), end]);
}
