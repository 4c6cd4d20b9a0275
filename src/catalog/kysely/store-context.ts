import type { Kysely, Transaction } from "kysely";
import type { Ids } from "../../foundation/ids.ts";
import type { Log } from "../../foundation/log.ts";
import type { DialectTraits } from "../dialects/dialect-traits.ts";
import type { Tables } from "./tables.ts";

/** What every store is made from. */
export interface StoreContext {
  db: Kysely<Tables>;
  traits: DialectTraits;
  /** The database's clock (rule D8). Read inside the transaction, so that waiting for the connection does not age it. */
  now(tx: Tx): number | Promise<number>;
  ids: Ids;
  log: Log;
  limits: CatalogLimits;
  /** Resolves when all that was committed before is on the disk. */
  durable(): Promise<void>;
  /** Does retention's work unless another process is at it; undefined where there is no other. */
  retainAlone?: ((work: () => Promise<void>) => Promise<boolean>) | undefined;
}

export interface CatalogLimits {
  /** Lost attempts after which an execution fails (rule D7). */
  losses: number;
}

export type Tx = Transaction<Tables>;

/** Runs of one transaction that others were in the way of, before its caller is told. */
const maxRuns = 5;

/**
 * Runs `work` in one transaction; everything in it happens at the same `now`. Resolves when it is durable; `committed` is called before,
 * when other transactions can see it. Where another transaction was in its way, it is undone and `work` is called again.
 */
export async function inTransaction<Result>(
  context: StoreContext,
  work: (tx: Tx, now: number) => Promise<Result>,
  committed?: (result: Result) => void,
): Promise<Result> {
  const result = await runInTransaction(context, work);
  committed?.(result);
  await context.durable();
  return result;
}

async function runInTransaction<Result>(
  { db, now, traits }: StoreContext,
  work: (tx: Tx, now: number) => Promise<Result>,
): Promise<Result> {
  for (let run = 1; ; run += 1) {
    try {
      return await db.transaction().execute(async (tx) => work(tx, await now(tx)));
    } catch (error) {
      if (run === maxRuns || !traits.isContention(error)) throw error;
    }
  }
}
