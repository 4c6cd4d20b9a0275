import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../connection/client.ts";
import type { EventAnswer, ExecutionAnswer, LinkAnswer } from "../connection/wire.ts";
import { covers, fetchReconciliation } from "../ledger/reconciliation.ts";
import { fetchParts } from "./fetch-flow.ts";
import type { FlowParts } from "./flow-tree.ts";
import { hasEnded } from "./has-ended.ts";

export interface FlowListener {
  /** An event was routed. */
  routed(event: EventAnswer): void;
  /** An execution appeared, began or ended. */
  changed(execution: ExecutionAnswer): void;
}

export interface FollowedFlow extends FlowParts {
  /** False: the time given was over first. */
  quiet: boolean;
}

/** Looks at a small flow ten times a second, at a large one less often: looking must not slow what it looks at. */
const pauseMs = 100;
const pausePerLook = 5;
const looksForPlatformEvents = 3;

/**
 * Follows a flow until it is quiet: every event routed, every execution ended, and nothing that they
 * sent still on its way. An execution ends after its events are durable (rule D9), so that once all have
 * ended, and the routers have read everything that the backbone holds, a flow that is the same as before is at its end.
 */
export async function followFlow(
  api: Client,
  correlationId: string,
  waitMs: number,
  listener: FlowListener,
): Promise<FollowedFlow> {
  const deadline = performance.now() + waitMs;
  const seen = new Map<string, string>();
  const looksNeeded = (await platformEventsAreLinked(api)) ? looksForPlatformEvents : 1;
  let looks = 0;
  let sizeBefore = 0;
  for (;;) {
    const began = performance.now();
    const parts = await fetchParts(api, correlationId);
    tell(parts, seen, listener);
    const size = parts.events.length + parts.executions.length;
    if (looks > 0 && size === sizeBefore && looks >= looksNeeded) return { ...parts, quiet: true };
    const settled = hasEnded(parts) && (await untilRouted(api, deadline));
    looks = settled && (looks === 0 || size === sizeBefore) ? looks + 1 : 0;
    sizeBefore = size;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return { ...parts, quiet: false };
    const lookMs = performance.now() - began;
    const lastLook = looks > 0 && looks >= looksNeeded;
    if (!lastLook) await pause(Math.min(Math.max(pauseMs, lookMs * pausePerLook), leftMs));
  }
}

/** Waits until routing has covered what the backbone holds now; other flows may go on meanwhile. */
async function untilRouted(api: Client, deadline: number): Promise<boolean> {
  const then = await fetchReconciliation(api);
  for (let now = then; performance.now() < deadline; now = await fetchReconciliation(api)) {
    if (covers(now, then)) return true;
    await pause(pauseMs);
  }
  return false;
}

/** Lifecycle events leave by the outbox shortly after a run's end; where one starts something, a flow is given time for that. */
async function platformEventsAreLinked(api: Client): Promise<boolean> {
  const { items } = await api.list<LinkAnswer>("/api/v1/links", {}, 10_000);
  return items.some(({ eventType, active }) => active && eventType.startsWith("fx."));
}

function tell({ events, executions }: FlowParts, seen: Map<string, string>, listener: FlowListener): void {
  for (const event of events) {
    if (event.outcome === "pending" || seen.has(event.key)) continue;
    seen.set(event.key, event.outcome);
    listener.routed(event);
  }
  for (const execution of executions) {
    const state = `${execution.status} ${execution.attempt}`;
    if (seen.get(execution.id) === state) continue;
    seen.set(execution.id, state);
    listener.changed(execution);
  }
}
