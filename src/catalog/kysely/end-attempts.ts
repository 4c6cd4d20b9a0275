import { sql } from "kysely";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { type AttemptEnd, type AttemptOutcome, endOfAttempt } from "../../executions/attempt-end.ts";
import type { Step } from "../../executions/execution.ts";
import { type LifecycleChange, lifecycleEvent } from "../../executions/lifecycle-events.ts";
import { assertNever } from "../../foundation/assert.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { AttemptReport } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import { writeCaptured } from "./captured-effects.ts";
import { unblockHeads } from "./concurrency-keys.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import { readOnLost } from "./on-lost.ts";
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

type Ending = EndingAttempt & { end: AttemptEnd };

export interface EndedAttempt {
  id: ExecutionId;
  token: number;
  became: AttemptEnd["status"];
}

/**
 * Ends attempts under their tokens, whatever ended them: steps, state, the next head of the key, turns,
 * lifecycle events, all in the caller's transaction. One whose token is no longer current is left out. `claimable`: something may be
 * claimed for it, at once or later.
 */
export async function endAttempts(
  context: StoreContext,
  tx: Tx,
  attempts: readonly EndingAttempt[],
  now: number,
): Promise<{ ended: EndedAttempt[]; claimable: boolean }> {
  const lost = attempts.filter(({ outcome }) => outcome.kind === "lost");
  const onLost = await readOnLost(
    tx,
    lost.map(({ row }) => row.version),
  );
  const ending = firstOfEach(attempts).map((attempt): Ending => {
    const { row, outcome } = attempt;
    const facts = {
      losses: row.losses,
      onLost: onLost.get(row.version) ?? "retry",
      cancelRequested: row.cancel_requested === 1,
      atOnce: attempt.atOnce ?? false,
    };
    return { ...attempt, end: endOfAttempt(outcome, facts, context.limits.losses) };
  });
  const ended = await writeEnds(context, tx, ending, now);
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
  const unblocked = await unblockHeads(
    context,
    tx,
    ended.filter(({ end }) => end.status !== "pending").map(({ row }) => row),
  );
  const reopened = await reopenFull(
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
  return {
    ended: ended.map(({ row, end }) => ({ id: row.id, token: row.token, became: end.status })),
    claimable: unblocked || reopened || ended.some(({ end }) => end.status === "pending"),
  };
}

function idsOf(ended: readonly EndingAttempt[]): ExecutionId[] {
  return ended.map(({ row }) => row.id);
}

/** Of two reports of one attempt the first ends it. */
function firstOfEach(attempts: readonly EndingAttempt[]): EndingAttempt[] {
  const seen = new Set<number>();
  return attempts.filter(({ row }) => !seen.has(row.seq) && seen.add(row.seq));
}

const endHeld = new Statement(({ tx }, columns: ReturnType<typeof columnsOf>, seqs: readonly number[], token: number) =>
  tx
    .updateTable("executions")
    .set({ lease_owner: null, lease_until: null, ...columns })
    .where("seq", "in", seqs)
    .where("token", "=", token)
    .where("status", "=", sql.lit("in_progress"))
    .returning("seq"),
);

/**
 * Answers those whose token was current. All that end alike are written by one statement: while it runs, others wait for their
 * services, and each statement is a way to the database and back.
 */
async function writeEnds(context: StoreContext, tx: Tx, ending: readonly Ending[], now: number): Promise<Ending[]> {
  const written = new Set<number>();
  for (const alike of Map.groupBy(ending, (each) => alikeKey(each)).values()) {
    const [first] = alike as [Ending];
    const seqs = padded(alike.map(({ row }) => row.seq));
    const rows = await endHeld.rows(context, tx, columnsOf(first.end, now), seqs, first.row.token);
    for (const { seq } of rows) written.add(seq);
  }
  return ending.filter(({ row }) => written.has(row.seq));
}

/** What has an error of its own, or waits for a time of its own, is written alone. */
function alikeKey({ row, end }: Ending): string | number {
  return end.status === "completed" || end.status === "cancelled" ? `${end.status} ${row.token}` : row.seq;
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

function eventsOf({ row, steps, end }: Ending, now: number): CloudEvent[] {
  if (!isAnnounced(row)) return [];
  const execution = executionOf(row);
  const changes: LifecycleChange[] = steps
    .filter(({ status }) => status === "completed")
    .map((step) => ({ kind: "step_completed", token: row.token, step }));
  if (end.status === "failed") changes.push({ kind: "failed", error: end.error });
  else if (end.status === "cancelled") changes.push({ kind: "cancelled", reason: row.skip_reason ?? undefined });
  else if (end.status !== "pending") changes.push({ kind: end.status });
  return changes.map((change) => lifecycleEvent(execution, change, now));
}
