import type { Kysely, Selectable } from "kysely";
import type { Execution, ExecutionError, ExecutionFacts, ExecutionState, Step } from "../../executions/execution.ts";
import { assertNever, invariant } from "../../foundation/assert.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import { padded } from "./bulk-insert.ts";
import { holdServices } from "./locks.ts";
import type { StoreContext, Tx } from "./store-context.ts";
import type { ExecutionsTable, StepsTable, Tables } from "./tables.ts";

export type ExecutionRow = Selectable<ExecutionsTable>;

export function executionOf(row: ExecutionRow): Execution {
  return { ...factsOf(row), ...stateOf(row) };
}

function factsOf(row: ExecutionRow): ExecutionFacts {
  return {
    id: row.id,
    project: row.project,
    service: row.service,
    version: row.version,
    trigger: row.trigger,
    eventKey: row.event_key,
    eventId: row.event_id,
    eventSource: row.event_source,
    eventType: row.event_type,
    linkId: row.link_id === "" ? undefined : row.link_id,
    correlationId: row.correlation_id,
    sequence: row.sequence,
    startedByLifecycle: row.started_by_lifecycle === 1,
    attempt: row.attempt,
    losses: row.losses,
    priority: row.priority,
    lane: row.lane,
    movedFrom: row.moved_from ?? undefined,
    concurrencyKey: row.concurrency_key ?? undefined,
    retryOf: row.retry_of ?? undefined,
    replayId: row.replay_id ?? undefined,
    createdAt: row.created_at,
  };
}

function stateOf(row: ExecutionRow): ExecutionState {
  const startedAt = row.started_at ?? undefined;
  const finishedAt = row.finished_at ?? 0;
  switch (row.status) {
    case "pending":
      return { status: "pending", notBefore: row.not_before, startedAt, error: errorOf(row) };
    case "in_progress":
      invariant(startedAt !== undefined && row.lease_owner && row.lease_until !== null, `no lease on ${row.id}`);
      return {
        status: "in_progress",
        startedAt,
        lease: { owner: row.lease_owner, token: row.token, until: row.lease_until },
        cancelRequested: row.cancel_requested === 1,
      };
    case "completed":
      invariant(startedAt !== undefined, `completed but never started: ${row.id}`);
      return { status: "completed", startedAt, finishedAt };
    case "failed": {
      const error = errorOf(row);
      invariant(error, `failed without an error: ${row.id}`);
      return { status: "failed", startedAt, finishedAt, error };
    }
    case "skipped":
      return { status: "skipped", finishedAt, reason: row.skip_reason ?? undefined };
    case "cancelled":
      return { status: "cancelled", startedAt, finishedAt, reason: row.skip_reason ?? undefined };
    default:
      return assertNever(row.status, "execution status");
  }
}

function errorOf(row: ExecutionRow): ExecutionError | undefined {
  if (row.error === null) return undefined;
  const error = JSON.parse(row.error) as Partial<ExecutionError> & Pick<ExecutionError, "kind" | "message">;
  return { kind: error.kind, message: error.message, script: error.script, exitCode: error.exitCode };
}

export function stepOf(row: Selectable<StepsTable>): Step {
  return {
    n: row.n,
    script: row.script,
    attempt: row.attempt,
    status: row.status,
    exitCode: row.exit_code ?? undefined,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    output: { preview: row.preview, sizeBytes: row.size_bytes, truncated: row.truncated === 1 },
  };
}

export function readExecution(db: Kysely<Tables>, id: ExecutionId): Promise<ExecutionRow | undefined> {
  return db.selectFrom("executions").selectAll().where("id", "=", id).executeTakeFirst();
}

export async function requireExecution(db: Kysely<Tables>, id: ExecutionId): Promise<ExecutionRow> {
  const row = await readExecution(db, id);
  if (row === undefined) throw new PlatformError("not-found", `there is no execution ${id}`);
  return row;
}

/** The execution as it is once its service is held: what follows changes it alone. Throws `not-found`. */
export async function holdExecution(context: StoreContext, tx: Tx, id: ExecutionId): Promise<ExecutionRow> {
  const row = await requireExecution(tx, id);
  return (await holdServices(context, tx, [row])) ? requireExecution(tx, id) : row;
}

/**
 * Holds the services of executions that were read, and answers those whose lease is as it was: what another transaction
 * renewed or ended meanwhile is left out.
 */
export async function holdUnchanged(
  context: StoreContext,
  tx: Tx,
  rows: readonly ExecutionRow[],
): Promise<readonly ExecutionRow[]> {
  if (!(await holdServices(context, tx, rows))) return rows;
  const ids = padded(rows.map(({ id }) => id));
  const current = await tx.selectFrom("executions").selectAll().where("id", "in", ids).execute();
  const byId = new Map(current.map((row) => [row.id, row]));
  return rows.flatMap(({ id, status, token, lease_until }) => {
    const row = byId.get(id);
    const unchanged = row?.status === status && row.token === token && row.lease_until === lease_until;
    return unchanged ? [row] : [];
  });
}
