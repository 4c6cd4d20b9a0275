import { expect, test } from "vitest";
import { cloudEventSchema } from "../../../src/events/cloud-event.ts";
import type { Execution, Step } from "../../../src/executions/execution.ts";
import { type LifecycleChange, lifecycleEvent } from "../../../src/executions/lifecycle-events.ts";

const execution = {
  id: "e-1",
  project: "shop",
  service: "till",
  version: "v-1",
  trigger: "event",
  eventKey: "k-1",
  eventId: "event-1",
  eventSource: "/shop",
  eventType: "order.placed",
  linkId: undefined,
  correlationId: "flow-1",
  sequence: 4,
  startedByLifecycle: false,
  attempt: 2,
  losses: 0,
  priority: 5,
  lane: "regular",
  concurrencyKey: undefined,
  retryOf: undefined,
  replayId: undefined,
  createdAt: 0,
  startedAt: 7,
} as unknown as Execution;

const step: Step = {
  n: 1,
  script: "a.py",
  attempt: 2,
  status: "completed",
  exitCode: 0,
  startedAt: 10,
  finishedAt: 20,
  output: { preview: "hello", sizeBytes: 5, truncated: false },
};
const error = { kind: "timeout", message: "a.py took longer than 5 s", script: "a.py", exitCode: undefined } as const;
const changes: LifecycleChange[] = [
  { kind: "started", token: 3 },
  { kind: "step_completed", token: 3, step },
  { kind: "completed" },
  { kind: "failed", error },
  { kind: "skipped", reason: "its queue is full" },
  { kind: "cancelled", reason: "its service was deleted" },
];

test("every lifecycle event is a valid CloudEvent of its flow, one step after its trigger", () => {
  for (const change of changes) {
    const event = lifecycleEvent(execution, change, 0);
    expect(cloudEventSchema.parse(event)).toEqual(event);
    expect(event).toMatchObject({
      type: `fx.execution.${change.kind}`,
      source: "/projects/shop/services/till",
      subject: "e-1",
      time: "1970-01-01T00:00:00.000Z",
      correlationid: "flow-1",
      causationid: "event-1",
      sequence: "5",
      fxproject: "shop",
      fxexecution: "e-1",
    });
  }
});

test("D1: the same change has the same id whenever it is written, another change another id", () => {
  const idOf = (change: LifecycleChange, now = 0) => lifecycleEvent(execution, change, now).id;
  const all: LifecycleChange[] = [
    ...changes,
    { kind: "started", token: 4 },
    { kind: "step_completed", token: 4, step },
    { kind: "step_completed", token: 3, step: { ...step, n: 2 } },
  ];
  expect(new Set(all.map((change) => idOf(change))).size).toBe(all.length);
  expect(all.map((change) => idOf(change, 999))).toEqual(all.map((change) => idOf(change)));
});

test("the data say what became of the execution, and an error why", () => {
  const facts = { trigger: "event", priority: 5, lane: "regular", createdAt: 0, startedAt: 7 };
  const common = { executionId: "e-1", project: "shop", service: "till", version: "v-1", attempt: 2, ...facts };
  const dataOf = (change: LifecycleChange) => lifecycleEvent(execution, change, 0).data;
  expect(dataOf({ kind: "completed" })).toEqual({ ...common, status: "completed" });
  expect(dataOf({ kind: "failed", error })).toEqual({
    ...common,
    status: "failed",
    error: { kind: "timeout", message: "a.py took longer than 5 s", script: "a.py" },
  });
  expect(dataOf({ kind: "step_completed", token: 3, step })).toEqual({
    ...common,
    status: "in_progress",
    step: { n: 1, script: "a.py", exitCode: 0, startedAt: 10, finishedAt: 20, outputBytes: 5, truncated: false },
  });
});
