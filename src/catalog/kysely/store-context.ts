import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../foundation/clock.ts";
import type { Ids } from "../../foundation/ids.ts";
import type { Log } from "../../foundation/log.ts";
import type { DialectTraits } from "../dialects/dialect-traits.ts";
import type { Tables } from "./tables.ts";

/** What every store is made from. */
export interface StoreContext {
  db: Kysely<Tables>;
  traits: DialectTraits;
  /** The database's clock (rule D8). Read inside the transaction, so that waiting for the connection does not age it. */
  clock: Clock;
  ids: Ids;
  log: Log;
  limits: CatalogLimits;
  /** Resolves when all that was committed before is on the disk. */
  durable(): Promise<void>;
}

export interface CatalogLimits {
  /** Lost attempts after which an execution fails (rule D7). */
  losses: number;
}

export type Tx = Transaction<Tables>;

/**
 * Runs `work` in one transaction; everything in it happens at the same `now`. Resolves when it is durable; `committed` is called before,
 * when other transactions can see it.
 */
export async function inTransaction<Result>(
  context: StoreContext,
  work: (tx: Tx, now: number) => Promise<Result>,
  committed?: (result: Result) => void,
): Promise<Result> {
  const result = await context.db.transaction().execute((tx) => work(tx, context.clock.now()));
  committed?.(result);
  await context.durable();
  return result;
}
