import { sql } from "kysely";
import { isTerminal } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { EventKey, ExecutionId, VersionId } from "../../foundation/ids.ts";
import { canonicalJson } from "../../foundation/json.ts";
import { maxReplayExecutions, type NotReplayable, type Replay, type ReplayRequest } from "../replays.ts";
import { padded } from "./bulk-insert.ts";
import type { ExecutionRow } from "./execution-rows.ts";
import { historyReadLock, hold, linksReadLock } from "./locks.ts";
import { insertExecutions, type NewExecution } from "./new-executions.ts";
import { replayOf } from "./replay-rows.ts";
import { readService } from "./service-rows.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** The lane of what nobody waits for: a replay gives way to the live work. */
const replayPriority = 10;
/** Named in a refusal. */
const maxNamed = 5;
/** Executions of one flow that are read: with retries there may be more than are replayed. */
const maxRead = 20 * maxReplayExecutions;

export function createReplay(
  context: StoreContext,
  request: ReplayRequest,
): Promise<{ replay: Replay; created: boolean }> {
  return inTransaction(context, async (tx, now) => {
    await hold(context, tx, [linksReadLock, historyReadLock]);
    const there = await tx.selectFrom("replays").selectAll().where("id", "=", request.id).executeTakeFirst();
    if (there) return { replay: sameReplay(replayOf(there), request), created: false };
    const finals = finalExecutions(await readFlow(context, tx, request.correlationId), request.correlationId);
    const chosen = await chooseVersions(tx, finals, request.versions);
    const inputs = await readInputs(tx, finals);
    const known = await readKnownVersions(tx, finals, chosen);
    const notReplayable: NotReplayable[] = [];
    const starts: NewExecution[] = [];
    for (const row of finals) {
      const version = chosen.get(serviceOf(row)) ?? row.version;
      const reason = whyNot(row, version, inputs, known);
      if (reason === undefined) starts.push(startOf(context, request, row, version));
      else notReplayable.push({ executionId: row.id, reason });
    }
    const row = {
      id: request.id,
      correlation_id: request.correlationId,
      versions: JSON.stringify(request.versions),
      not_replayable: JSON.stringify(notReplayable),
      executions: starts.length,
      created_at: now,
    };
    await tx.insertInto("replays").values(row).execute();
    await insertExecutions(context, tx, starts, now);
    return { replay: replayOf(row), created: true };
  });
}

function sameReplay(there: Replay, { correlationId, versions }: ReplayRequest): Replay {
  if (there.correlationId === correlationId && canonicalJson(there.versions) === canonicalJson(versions)) return there;
  throw new PlatformError(
    "conflict",
    "this Idempotency-Key was used for another replay: take a new key for a new replay",
  );
}

async function readFlow({ traits }: StoreContext, tx: Tx, correlationId: string): Promise<ExecutionRow[]> {
  const { rows } = await sql<ExecutionRow>`
    select * from executions ${traits.walk("executions_by_flow")}
    where correlation_id = ${correlationId} and replay_id is null
    order by created_at, seq limit ${maxRead + 1}`.execute(tx);
  if (rows.length === 0) {
    throw new PlatformError("not-found", `no flow with executions has the id "${correlationId}"`);
  }
  if (rows.length > maxRead) throw tooMany(`more than ${maxRead}`);
  return rows;
}

/** Of each start the newest execution: a retry stands for what it retried. */
function finalExecutions(rows: readonly ExecutionRow[], correlationId: string): ExecutionRow[] {
  const open = rows.filter(({ status }) => !isTerminal(status));
  if (open.length > 0) {
    const named = open.slice(0, maxNamed).map((row) => `${row.id} of ${serviceOf(row)} is ${row.status}`);
    const more = open.length > maxNamed ? `, and ${open.length - maxNamed} more` : "";
    throw new PlatformError(
      "conflict",
      `flow "${correlationId}" still runs: ${named.join(", ")}${more}. Replay it once they have ended`,
    );
  }
  const startIds = new Map<ExecutionId, ExecutionId>();
  const finals = new Map<ExecutionId, ExecutionRow>();
  for (const row of rows) {
    const start = row.retry_of === null ? row.id : (startIds.get(row.retry_of) ?? row.retry_of);
    startIds.set(row.id, start);
    finals.set(start, row);
  }
  if (finals.size > maxReplayExecutions) throw tooMany(String(finals.size));
  return [...finals.values()];
}

function tooMany(count: string): PlatformError {
  return new PlatformError(
    "limit-exceeded",
    `the flow has ${count} executions, a replay runs at most ${maxReplayExecutions}`,
  );
}

async function chooseVersions(
  tx: Tx,
  finals: readonly ExecutionRow[],
  versions: ReplayRequest["versions"],
): Promise<Map<string, VersionId>> {
  const inFlow = new Map(finals.map((row) => [serviceOf(row), row]));
  const chosen = new Map<string, VersionId>();
  for (const [name, wanted] of Object.entries(versions)) {
    const row = inFlow.get(name);
    if (row === undefined) {
      const message = `"${name}" is no service of this flow: there are ${[...inFlow.keys()].sort().join(", ")}`;
      throw new PlatformError("invalid-input", message, { problems: [{ path: `versions.${name}`, message }] });
    }
    chosen.set(name, await findVersion(tx, row, wanted));
  }
  return chosen;
}

async function findVersion(tx: Tx, { project, service }: ExecutionRow, wanted: string): Promise<VersionId> {
  const found = await readService(tx, project, service);
  if (wanted === "active" && found?.active_version) return found.active_version;
  const rows = await tx
    .selectFrom("versions")
    .select("id")
    .where("project", "=", project)
    .where("name", "=", service)
    .orderBy("created_at", "desc")
    .execute();
  const version = rows.find(({ id }) => id === wanted);
  if (version) return version.id;
  const there = rows.slice(0, maxNamed).map(({ id }) => id);
  const newest = there.length === 0 ? "it has none" : `the newest are ${there.join(", ")}`;
  throw new PlatformError("not-found", `${project}/${service} has no version "${wanted}": ${newest}`);
}

/** Keys of the triggers whose data is still stored. */
async function readInputs(tx: Tx, finals: readonly ExecutionRow[]): Promise<Set<EventKey>> {
  const keys = padded([...new Set(finals.map((row) => row.event_key))]);
  const rows = await tx.selectFrom("bodies").select("key").where("key", "in", keys).where("stripped", "=", 0).execute();
  return new Set(rows.map(({ key }) => key));
}

async function readKnownVersions(
  tx: Tx,
  finals: readonly ExecutionRow[],
  chosen: ReadonlyMap<string, VersionId>,
): Promise<Set<string>> {
  const ids = padded([...new Set([...finals.map(({ version }) => version), ...chosen.values()])]);
  const rows = await tx.selectFrom("versions").select(["project", "name", "id"]).where("id", "in", ids).execute();
  return new Set(rows.map(({ project, name, id }) => `${project}/${name} ${id}`));
}

function whyNot(
  row: ExecutionRow,
  version: VersionId,
  inputs: ReadonlySet<EventKey>,
  known: ReadonlySet<string>,
): string | undefined {
  if (!inputs.has(row.event_key)) return "its event's data is past its retention";
  if (!known.has(`${serviceOf(row)} ${version}`)) return `version ${version} of ${serviceOf(row)} was deleted`;
  return undefined;
}

/** Without a concurrency key: its inputs are recorded, so that no order is to be kept, and none of the live work waits for it. */
function startOf({ ids }: StoreContext, { id }: ReplayRequest, row: ExecutionRow, version: VersionId): NewExecution {
  return {
    id: ids.next() as ExecutionId,
    trigger: "replay",
    key: row.event_key,
    event: {
      id: row.event_id,
      source: row.event_source,
      type: row.event_type,
      correlationid: row.correlation_id,
    },
    linkId: undefined,
    project: row.project,
    service: row.service,
    version,
    priority: replayPriority,
    concurrencyKey: undefined,
    sequence: row.sequence,
    startedByLifecycle: row.started_by_lifecycle === 1,
    retryOf: row.id,
    replayId: id,
    rootFlow: row.root_flow,
  };
}

function serviceOf({ project, service }: ExecutionRow): string {
  return `${project}/${service}`;
}
