import type { CloudEvent } from "../../events/cloud-event.ts";
import { type AttemptEnd, type AttemptOutcome, endOfAttempt } from "../../executions/attempt-end.ts";
import type { Step } from "../../executions/execution.ts";
import { type LifecycleChange, lifecycleEvent } from "../../executions/lifecycle-events.ts";
import { assertNever } from "../../foundation/assert.ts";
import type { ExecutionId, VersionId } from "../../foundation/ids.ts";
import type { AttemptReport } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import { writeCaptured } from "./captured-effects.ts";
import { unblockHeads } from "./concurrency-keys.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { announce } from "./outbox.ts";
import { isAnnounced } from "./replay-rows.ts";
import { Statement } from "./statement.ts";
import { endOpenSteps, writeSteps } from "./steps.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import { gates } from "./tables.ts";
import { joinTurns, reopenFull } from "./turns.ts";

export interface EndingAttempt {
  /** As read in this transaction, in progress. */
  row: ExecutionRow;
  steps: readonly Step[];
  captured?: AttemptReport["captured"];
  outcome: AttemptOutcome;
  /** See AttemptFacts. */
  atOnce?: boolean;
}

export interface EndedAttempt {
  id: ExecutionId;
  token: number;
  became: AttemptEnd["status"];
}

/**
 * Ends attempts under their tokens, whatever ended them: steps, state, the next head of the key, turns,
 * lifecycle events, all in the caller's transaction. One whose token is no longer current is left out.
 */
export async function endAttempts(
  context: StoreContext,
  tx: Tx,
  attempts: readonly EndingAttempt[],
  now: number,
): Promise<EndedAttempt[]> {
  const onLost = await readOnLost(tx, attempts);
  const ended: (EndingAttempt & { end: AttemptEnd })[] = [];
  for (const attempt of attempts) {
    const { row, outcome } = attempt;
    const facts = {
      losses: row.losses,
      onLost: onLost.get(row.version) ?? "retry",
      cancelRequested: row.cancel_requested === 1,
      atOnce: attempt.atOnce ?? false,
    };
    const end = endOfAttempt(outcome, facts, context.limits.losses);
    if (await writeEnd(context, tx, row, end, now)) ended.push({ ...attempt, end });
  }
  await writeSteps(
    tx,
    ended.map(({ row, steps }) => ({ id: row.id, attempt: row.attempt, steps })),
  );
  await writeCaptured(
    tx,
    ended.filter(({ end }) => end.status !== "pending"),
  );
  const cancelled = ended.filter(({ end }) => end.status === "cancelled");
  const others = ended.filter(({ end }) => end.status !== "cancelled");
  await endOpenSteps(context, tx, idsOf(cancelled), "cancelled", now);
  await endOpenSteps(context, tx, idsOf(others), "lost", now);
  await unblockHeads(
    context,
    tx,
    ended.filter(({ end }) => end.status !== "pending").map(({ row }) => row),
  );
  await reopenFull(
    context,
    tx,
    ended.map(({ row }) => row),
  );
  await joinTurns(
    tx,
    ended.filter(({ end }) => end.status === "pending" && end.delayMs === 0).map(({ row }) => row),
  );
  await announce(
    tx,
    ended.flatMap((attempt) => eventsOf(attempt, now)),
  );
  return ended.map(({ row, end }) => ({ id: row.id, token: row.token, became: end.status }));
}

function idsOf(ended: readonly EndingAttempt[]): ExecutionId[] {
  return ended.map(({ row }) => row.id);
}

const endHeld = new Statement(({ tx }, columns: ReturnType<typeof columnsOf>, seq: number, token: number) =>
  tx
    .updateTable("executions")
    .set({ lease_owner: null, lease_until: null, ...columns })
    .where("seq", "=", seq)
    .where("token", "=", token)
    .where("status", "=", "in_progress"),
);

/** False when the token is not current any more. */
async function writeEnd(
  context: StoreContext,
  tx: Tx,
  { seq, token }: ExecutionRow,
  end: AttemptEnd,
  now: number,
): Promise<boolean> {
  const { numAffectedRows } = await endHeld.run(context, tx, columnsOf(end, now), seq, token);
  return numAffectedRows === 1n;
}

function columnsOf(end: AttemptEnd, now: number) {
  switch (end.status) {
    case "completed":
    case "cancelled":
      return { status: end.status, finished_at: now };
    case "failed":
      return { status: end.status, finished_at: now, losses: end.losses, error: JSON.stringify(end.error) };
    case "pending": {
      // The head of a concurrency key stays its head while it waits (rule D5).
      const gate = end.delayMs > 0 ? gates.delayed : gates.ready;
      const { losses, error, delayMs } = end;
      return { status: end.status, gate, not_before: now + delayMs, losses, error: JSON.stringify(error) };
    }
    default:
      return assertNever(end, "end of an attempt");
  }
}

function eventsOf({ row, steps, end }: EndingAttempt & { end: AttemptEnd }, now: number): CloudEvent[] {
  if (!isAnnounced(row)) return [];
  const execution = executionOf(row);
  const changes: LifecycleChange[] = steps
    .filter(({ status }) => status === "completed")
    .map((step) => ({ kind: "step_completed", token: row.token, step }));
  if (end.status === "failed") changes.push({ kind: "failed", error: end.error });
  else if (end.status !== "pending") changes.push({ kind: end.status });
  return changes.map((change) => lifecycleEvent(execution, change, now));
}

async function readOnLost(tx: Tx, attempts: readonly EndingAttempt[]): Promise<Map<VersionId, "retry" | "fail">> {
  const lost = attempts.filter(({ outcome }) => outcome.kind === "lost");
  if (lost.length === 0) return new Map();
  const versions = [...new Set(lost.map(({ row }) => row.version))];
  const rows = await tx.selectFrom("versions").select(["id", "on_lost"]).where("id", "in", padded(versions)).execute();
  return new Map(rows.map((row) => [row.id, row.on_lost]));
}
