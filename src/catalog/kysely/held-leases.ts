import { sql } from "kysely";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { HeldLease } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { holdServices } from "./locks.ts";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";

const selectRunning = new Statement(({ tx }, ids: readonly ExecutionId[]) =>
  tx.selectFrom("executions").selectAll().where("id", "in", ids).where("status", "=", sql.lit("in_progress")),
);

/** The executions in progress among those named, and their services held; the caller compares the tokens. */
export async function readHeld(
  context: StoreContext,
  tx: Tx,
  leases: readonly HeldLease[],
): Promise<Map<ExecutionId, ExecutionRow>> {
  const ids = leases.map(({ id }) => id);
  const rows = await readRunning(context, tx, ids);
  const current = (await holdServices(context, tx, rows)) ? await readRunning(context, tx, ids) : rows;
  return new Map(current.map((row) => [row.id, row]));
}

async function readRunning(context: StoreContext, tx: Tx, ids: readonly ExecutionId[]): Promise<ExecutionRow[]> {
  if (ids.length === 0) return [];
  return selectRunning.rows(context, tx, padded(ids));
}
