import { sql } from "kysely";
import type { StoreContext, Tx } from "./store-context.ts";
import type { ServicesTable } from "./tables.ts";
import { throttleRoom } from "./throttle.ts";

export interface LimitedService
  extends Pick<ServicesTable, "project" | "concurrency" | "throttle_limit" | "throttle_period_ms"> {
  service: string;
}

/** How many executions may be claimed now; or, where none may, until when. */
export type Room =
  | { count: number; closed?: undefined; opensAt?: undefined }
  | { count: 0; closed: "full"; opensAt: null }
  | { count: 0; closed: "throttled"; opensAt: number };

/**
 * What the limits of a service leave of the executions wanted. Running ones are counted, not remembered: a number
 * that is kept can come to be wrong, and then it stays wrong.
 */
export async function roomFor(
  context: StoreContext,
  tx: Tx,
  service: LimitedService,
  wanted: number,
  now: number,
): Promise<Room> {
  let count = wanted;
  if (service.concurrency !== null) {
    count = Math.min(count, service.concurrency - (await countRunning(context, tx, service)));
    if (count <= 0) return { count: 0, closed: "full", opensAt: null };
  }
  if (isThrottled(service)) {
    const { free, opensAt } = await throttleRoom(tx, service, count, now);
    if (free <= 0) return { count: 0, closed: "throttled", opensAt };
    count = Math.min(count, free);
  }
  return { count };
}

export function isThrottled<Service extends LimitedService>(
  service: Service,
): service is Service & { throttle_limit: number; throttle_period_ms: number } {
  return service.throttle_limit !== null && service.throttle_period_ms !== null;
}

async function countRunning(
  { traits }: StoreContext,
  tx: Tx,
  { project, service }: Pick<LimitedService, "project" | "service">,
): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from executions ${traits.walk("executions_open")}
    where project = ${project} and service = ${service} and status = 'in_progress' and finished_at is null`.execute(tx);
  return Number(rows[0]?.n ?? 0);
}
