import { sql } from "kysely";
import { isTerminal } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ReplayStore } from "../replays.ts";
import { padded } from "./bulk-insert.ts";
import { deleteCaptured, readCaptured } from "./captured-effects.ts";
import { createReplay } from "./create-replay.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { historyLock, hold } from "./locks.ts";
import { replayOf } from "./replay-rows.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";

export function replayStore(context: StoreContext): ReplayStore {
  const { db, traits } = context;
  const readExecutions = async (id: string, from: StoreContext["db"]): Promise<ExecutionRow[]> => {
    const { rows } = await sql<ExecutionRow>`
      select * from executions ${traits.walk("executions_by_replay")}
      where replay_id is not null and replay_id = ${id} order by seq`.execute(from);
    return rows;
  };
  return {
    create: (request) => createReplay(context, request),

    async get(id) {
      const row = await db.selectFrom("replays").selectAll().where("id", "=", id).executeTakeFirst();
      return row && replayOf(row);
    },

    async list({ correlationId }, page) {
      const after = cursorOf(page, ["number", "string"]);
      let query = db.selectFrom("replays").selectAll();
      if (correlationId !== undefined) query = query.where("correlation_id", "=", correlationId);
      if (after) query = query.where(sql<boolean>`(created_at, id) < (${after[0]}, ${after[1]})`);
      const rows = await query
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return pageOf(rows, page, (row) => [row.created_at, row.id], replayOf);
    },

    executions: async (id) => (await readExecutions(id, db)).map(executionOf),
    captured: (id) => readCaptured(context, id),

    delete: (id) =>
      inTransaction(context, async (tx) => {
        await hold(context, tx, [historyLock]);
        const rows = await readExecutions(id, tx);
        const open = rows.filter(({ status }) => !isTerminal(status)).length;
        if (open > 0) {
          throw new PlatformError("conflict", `replay ${id} still runs: ${open} of its executions have not ended`);
        }
        const ids = rows.map((row) => row.id);
        await deleteCaptured(tx, ids);
        if (ids.length > 0) {
          await tx.deleteFrom("steps").where("execution_id", "in", padded(ids)).execute();
          await tx.deleteFrom("executions").where("id", "in", padded(ids)).execute();
        }
        const deleted = await tx.deleteFrom("replays").where("id", "=", id).executeTakeFirst();
        if (deleted.numDeletedRows === 0n) throw new PlatformError("not-found", `there is no replay ${id}`);
      }),
  };
}
