import type { CapturedEffect, EffectContent } from "../../executions/captured-effect.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { AttemptReport } from "../leases.ts";
import { BulkInsert, padded } from "./bulk-insert.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import type { StoreContext, Tx } from "./store-context.ts";

const insertEffects = new BulkInsert("captured_effects", ["execution_id", "n", "step", "kind", "content"]);
const insertCounts = new BulkInsert("captured_counts", ["execution_id", "count"]);

/** Of attempts that ended their execution, in the transaction that ends it: an execution ends once. */
export async function writeCaptured(
  tx: Tx,
  ended: readonly { row: ExecutionRow; captured?: AttemptReport["captured"] }[],
): Promise<void> {
  const captured = ended.flatMap(({ row: { id }, captured }) => (captured === undefined ? [] : [{ id, ...captured }]));
  if (captured.length === 0) return;
  await insertCounts.run(
    tx,
    captured.map(({ id, count }) => ({ execution_id: id, count })),
  );
  await insertEffects.run(
    tx,
    captured.flatMap(({ id, effects }) =>
      effects.map(({ n, step, kind, content }) => ({
        execution_id: id,
        n,
        step,
        kind,
        content: JSON.stringify(content),
      })),
    ),
  );
}

export async function readCaptured(
  { db }: StoreContext,
  id: ExecutionId,
): Promise<{ effects: CapturedEffect[]; count: number }> {
  const counted = await db
    .selectFrom("captured_counts")
    .select("count")
    .where("execution_id", "=", id)
    .executeTakeFirst();
  const rows = await db
    .selectFrom("captured_effects")
    .selectAll()
    .where("execution_id", "=", id)
    .orderBy("n")
    .execute();
  const effects = rows.map(({ n, step, kind, content }) => {
    return { n, step, kind, content: JSON.parse(content) as EffectContent };
  });
  return { effects, count: counted?.count ?? 0 };
}

export async function deleteCaptured(tx: Tx, ids: readonly ExecutionId[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.deleteFrom("captured_effects").where("execution_id", "in", padded(ids)).execute();
  await tx.deleteFrom("captured_counts").where("execution_id", "in", padded(ids)).execute();
}
