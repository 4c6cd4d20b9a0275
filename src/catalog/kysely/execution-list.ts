import { type RawBuilder, sql } from "kysely";
import type { Execution, ExecutionStatus } from "../../executions/execution.ts";
import { defaultProject } from "../../services/names.ts";
import type { ExecutionFilter } from "../executions.ts";
import type { Page, PageRequest } from "../paging.ts";
import { cursorOf, pageOf } from "./cursor.ts";
import { type ExecutionRow, executionOf } from "./execution-rows.ts";
import type { StoreContext } from "./store-context.ts";

/** Most that `countExecutions` counts. */
const countLimit = 100_000;

/**
 * Newest first. Each status is read along its own index and the pages are merged: an `in (...)`
 * over several would have to sort all that it finds.
 */
export async function listExecutions(
  context: StoreContext,
  filter: ExecutionFilter,
  page: PageRequest,
): Promise<Page<Execution>> {
  const after = cursorOf(page, ["number", "number"]);
  const rows: ExecutionRow[] = [];
  for (const single of singleStatusFilters(filter)) {
    const query = executionListQuery(context, single, after, page.limit + 1);
    rows.push(...(await query.execute(context.db)).rows);
  }
  rows.sort((a, b) => b.created_at - a.created_at || b.seq - a.seq);
  return pageOf(rows, page, (row) => [row.created_at, row.seq], executionOf);
}

export async function countExecutions(context: StoreContext, filter: ExecutionFilter): Promise<number> {
  let count = 0;
  for (const single of singleStatusFilters(filter)) {
    const { from, where } = planOf(context, single);
    const limit = countLimit - count;
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from (select 1 as one from ${from} where ${where} limit ${limit}) as counted`.execute(
      context.db,
    );
    count += Number(rows[0]?.n ?? 0);
  }
  return count;
}

/** A replay names what it repeats as well, and is no retry. */
const isRetried = sql`exists (
  select 1 from executions as again
  where again.event_key = executions.event_key and again.retry_of = executions.id and again."trigger" <> 'replay')`;

type OneStatus = Omit<ExecutionFilter, "status"> & { status: ExecutionStatus | undefined };

/** One page of one status, walked along an index that is in the list's order. */
export function executionListQuery(
  context: StoreContext,
  filter: OneStatus,
  after: readonly [number, number] | undefined,
  limit: number,
): RawBuilder<ExecutionRow> {
  const { from, where } = planOf(context, filter);
  const older = after ? sql`and (created_at, seq) < (${after[0]}, ${after[1]})` : sql``;
  return sql<ExecutionRow>`
    select * from ${from} where ${where} ${older} order by created_at desc, seq desc limit ${limit}`;
}

function singleStatusFilters(filter: ExecutionFilter): OneStatus[] {
  const statuses = filter.status === undefined ? [undefined] : [...new Set(filter.status)];
  const { project, service } = serviceOf(filter);
  return statuses.map((status) => ({ ...filter, project, service, status }));
}

/** A name that is no name finds nothing, as one that nobody has. */
function serviceOf({ project, service }: ExecutionFilter) {
  if (service === undefined || (project !== undefined && !service.includes("/"))) return { project, service };
  const [owner = defaultProject, name = service] = service.includes("/") ? service.split("/", 2) : [];
  // Two projects at once: no execution is of both.
  return { project: owner, service: project === undefined || project === owner ? name : "" };
}

function planOf({ traits }: StoreContext, filter: OneStatus) {
  const conditions: RawBuilder<unknown>[] = [];
  const equal = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(sql`${sql.ref(column)} = ${value}`);
  };
  equal("project", filter.project);
  equal("service", filter.service);
  equal("status", filter.status);
  equal("trigger", filter.trigger);
  equal("event_key", filter.eventKey);
  equal("correlation_id", filter.correlationId);
  if (filter.from !== undefined) conditions.push(sql`created_at >= ${filter.from}`);
  if (filter.to !== undefined) conditions.push(sql`created_at < ${filter.to}`);
  if (filter.retried !== undefined) conditions.push(filter.retried ? isRetried : sql`not ${isRetried}`);
  const index = indexFor(filter);
  const from = index === undefined ? sql`executions` : sql`executions ${traits.walk(index)}`;
  return { from, where: conditions.length === 0 ? sql`1 = 1` : sql.join(conditions, sql` and `) };
}

/** The filter that leaves the fewest rows comes first; what is left is tested row by row. */
function indexFor({ project, service, status, trigger, eventKey, correlationId }: OneStatus): string | undefined {
  if (eventKey !== undefined) return "executions_by_event";
  if (correlationId !== undefined) return "executions_by_flow";
  if (project !== undefined && service !== undefined) {
    return status === undefined ? "executions_by_service" : "executions_by_service_status";
  }
  if (status !== undefined) return "executions_by_status";
  if (project !== undefined) return "executions_by_project";
  return trigger === undefined ? undefined : "executions_by_trigger";
}
