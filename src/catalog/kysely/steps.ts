import type { Insertable } from "kysely";
import type { Step } from "../../executions/execution.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import { BulkInsert, padded } from "./bulk-insert.ts";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import type { StepsTable } from "./tables.ts";

// A repeated record replaces the former; one that ended stays ended, whichever record arrives last.
const upsert = new BulkInsert(
  "steps",
  [
    "execution_id",
    "attempt",
    "n",
    "script",
    "status",
    "exit_code",
    "started_at",
    "finished_at",
    "preview",
    "size_bytes",
    "truncated",
  ],
  (query) =>
    query.onConflict((conflict) =>
      conflict
        .columns(["execution_id", "attempt", "n"])
        .doUpdateSet((eb) => ({
          status: eb.ref("excluded.status"),
          exit_code: eb.ref("excluded.exit_code"),
          finished_at: eb.ref("excluded.finished_at"),
          preview: eb.ref("excluded.preview"),
          size_bytes: eb.ref("excluded.size_bytes"),
          truncated: eb.ref("excluded.truncated"),
        }))
        .where((eb) => eb("steps.status", "=", eb.ref("excluded.status")).or("steps.finished_at", "is", null)),
    ),
);

/** Writes steps of the current attempt of each execution. The caller has checked the token. */
export async function writeSteps(
  tx: Tx,
  records: readonly { id: ExecutionId; attempt: number; steps: readonly Step[] }[],
): Promise<void> {
  const rows = records.flatMap(({ id, attempt, steps }) =>
    steps.map((step) => ({
      execution_id: id,
      // The token is of one attempt: whatever the record says, this is the one.
      attempt,
      n: step.n,
      script: step.script,
      status: step.status,
      exit_code: step.exitCode ?? null,
      started_at: step.startedAt,
      finished_at: step.finishedAt ?? null,
      preview: step.output.preview,
      size_bytes: step.output.sizeBytes,
      truncated: step.output.truncated ? 1 : 0,
    })),
  );
  await upsert.run(tx, oneForEach(rows));
}

type StepRow = Insertable<StepsTable>;

/** A statement writes each step once: as the last of its records has it, or the one that ended it. */
function oneForEach(rows: readonly StepRow[]): StepRow[] {
  const byStep = new Map<string, StepRow>();
  for (const row of rows) {
    const key = `${row.execution_id} ${row.attempt} ${row.n}`;
    const former = byStep.get(key);
    if (former === undefined) byStep.set(key, row);
    else if (former.finished_at === null || former.status === row.status) {
      byStep.set(key, { ...row, script: former.script, started_at: former.started_at });
    }
  }
  return [...byStep.values()];
}

/** Ends the steps that were in progress when their attempt ended. */
export async function endOpenSteps(
  context: StoreContext,
  tx: Tx,
  ids: readonly ExecutionId[],
  status: "lost" | "cancelled",
  now: number,
): Promise<void> {
  if (ids.length > 0) await endSteps.run(context, tx, status, now, padded(ids));
}

const endSteps = new Statement(
  ({ tx }, status: "lost" | "cancelled", finishedAt: number, ids: readonly ExecutionId[]) =>
    tx
      .updateTable("steps")
      .set({ status, finished_at: finishedAt })
      .where("execution_id", "in", ids)
      .where("status", "=", "in_progress"),
);
