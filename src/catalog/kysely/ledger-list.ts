import { type RawBuilder, type Selectable, sql } from "kysely";
import type { LedgerFilter } from "../ledger.ts";
import type { StoreContext } from "./store-context.ts";
import type { LedgerTable } from "./tables.ts";

/** A ledger row with its event's body, where retention has left one. */
export type LedgerRow = Selectable<LedgerTable> & { body: Uint8Array | null; stripped: number | null };

/** The beginning of every query for ledger rows; `index` is the one to walk. */
export function selectLedger({ traits }: StoreContext, index?: string): RawBuilder<unknown> {
  const walk = index === undefined ? sql`` : traits.walk(index);
  return sql`select l.*, b.body, b.stripped from ledger as l ${walk} left join bodies as b on b.key = l.key`;
}

/** A page, newest first, walked along an index that is in the list's order. */
export function ledgerListQuery(
  context: StoreContext,
  filter: LedgerFilter,
  after: readonly [number, number] | undefined,
  limit: number,
): RawBuilder<LedgerRow> {
  const conditions = [sql`1 = 1`, ...ledgerConditions(filter)];
  if (after) conditions.push(sql`(l.received_at, l.seq) < (${after[0]}, ${after[1]})`);
  return sql<LedgerRow>`
    ${selectLedger(context, indexFor(filter))}
    where ${sql.join(conditions, sql` and `)} order by l.received_at desc, l.seq desc limit ${limit}`;
}

export function ledgerConditions(filter: LedgerFilter): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  const equal = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(sql`${sql.ref(`l.${column}`)} = ${value}`);
  };
  equal("type", filter.type);
  equal("source", filter.source);
  equal("event_id", filter.id);
  equal("correlation_id", filter.correlationId);
  equal("project", filter.project);
  equal("outcome", filter.outcome);
  if (filter.from !== undefined) conditions.push(sql`l.received_at >= ${filter.from}`);
  if (filter.to !== undefined) conditions.push(sql`l.received_at < ${filter.to}`);
  return conditions;
}

/** The filter that leaves the fewest rows comes first; what is left is tested row by row. */
function indexFor({ type, source, id, correlationId, project, outcome }: LedgerFilter): string | undefined {
  if (id !== undefined) return "ledger_by_event_id";
  if (correlationId !== undefined) return "ledger_by_flow";
  if (outcome === "rejected") return "ledger_by_outcome";
  if (type !== undefined) return "ledger_by_type";
  if (source !== undefined) return "ledger_by_source";
  if (project !== undefined) return "ledger_by_project";
  return outcome === undefined ? undefined : "ledger_by_outcome";
}
