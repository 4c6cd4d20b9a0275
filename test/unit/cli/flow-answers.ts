import type { EventAnswer, ExecutionAnswer } from "../../../src/cli/connection/wire.ts";

const start = Date.parse("2026-01-31T12:00:00Z");

/** A routed event of the flow `flow`; `by`: the execution that emitted it. */
export function eventAnswer(
  key: string,
  atMs: number,
  more: { type?: string; by?: string; outcome?: EventAnswer["outcome"] } = {},
): EventAnswer {
  const { type = `type.${key}`, by, outcome = "matched" } = more;
  return {
    key,
    event: {
      specversion: "1.0",
      id: `id-${key}`,
      source: "/test",
      type,
      correlationid: "flow",
      ...(by === undefined ? {} : { fxexecution: by }),
    },
    outcome,
    reason: null,
    links: [],
    receivedAt: new Date(start + atMs).toISOString(),
  };
}

export function executionAnswer(id: string, eventKey: string, more: Partial<ExecutionAnswer> = {}): ExecutionAnswer {
  return {
    id,
    project: "default",
    service: `service-${id}`,
    version: "v1",
    status: "completed",
    trigger: "event",
    eventKey,
    eventId: `id-${eventKey}`,
    eventSource: "/test",
    eventType: `type.${eventKey}`,
    correlationId: "flow",
    sequence: 0,
    attempt: 1,
    losses: 0,
    lane: "regular",
    priority: 5,
    retryOf: null,
    createdAt: new Date(start).toISOString(),
    startedAt: new Date(start + 10).toISOString(),
    finishedAt: new Date(start + 95).toISOString(),
    error: null,
    ...more,
  };
}
