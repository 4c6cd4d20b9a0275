import { isTerminal } from "../../executions/execution.ts";
import type { EventAnswer } from "../connection/wire.ts";
import type { FlowParts } from "./flow-tree.ts";

/** Whether nothing of what the flow shows is still to happen: no event to be routed, no run to end, no event that a mapping made to arrive. */
export function hasEnded({ events, executions, truncated }: FlowParts): boolean {
  return (
    events.length > 0 &&
    events.every(({ outcome }) => outcome !== "pending") &&
    executions.every(({ status }) => isTerminal(status)) &&
    (truncated === true || mappedEventsAreThere(events))
  );
}

/** What a mapping made leaves by the outbox after the event that it was made of was routed. */
function mappedEventsAreThere(events: readonly EventAnswer[]): boolean {
  const keys = new Set(events.map(({ key }) => key));
  return events.every(({ mappings = [] }) => mappings.every(({ eventKey }) => eventKey == null || keys.has(eventKey)));
}
