import { setTimeout as pause } from "node:timers/promises";
import { isTerminal } from "../../executions/execution.ts";
import type { Client } from "../connection/client.ts";
import type { EventAnswer, ExecutionAnswer } from "../connection/wire.ts";
import { allIsRouted } from "../ledger/reconciliation.ts";
import { fetchParts } from "./fetch-flow.ts";
import type { FlowParts } from "./flow-tree.ts";

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
  for (;;) {
    const began = performance.now();
    let parts = await fetchParts(api, correlationId);
    tell(parts, seen, listener);
    if (hasEnded(parts) && (await allIsRouted(api))) {
      const size = parts.events.length + parts.executions.length;
      parts = await fetchParts(api, correlationId);
      tell(parts, seen, listener);
      if (hasEnded(parts) && parts.events.length + parts.executions.length === size) return { ...parts, quiet: true };
    }
    const lookMs = performance.now() - began;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return { ...parts, quiet: false };
    await pause(Math.min(Math.max(pauseMs, lookMs * pausePerLook), leftMs));
  }
}

function hasEnded({ events, executions }: FlowParts): boolean {
  return (
    events.length > 0 &&
    events.every(({ outcome }) => outcome !== "pending") &&
    executions.every(({ status }) => isTerminal(status))
  );
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
