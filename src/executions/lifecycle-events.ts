import type { CloudEvent } from "../events/cloud-event.ts";
import { derivedEventId } from "../events/event-key.ts";
import { type PlatformEventType, platformEventTypes } from "../events/reserved-types.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Execution, ExecutionError, ExecutionStatus, Step } from "./execution.ts";

/** What happened to an execution. `token` is the fencing token of the attempt that it happened in. */
export type LifecycleChange =
  | { kind: "started"; token: number }
  | { kind: "step_completed"; token: number; step: Step }
  | { kind: "completed" }
  | { kind: "failed"; error: ExecutionError }
  /** `reason`: why the platform skipped it; undefined where a person did. */
  | { kind: "skipped"; reason: string | undefined }
  /** As of `skipped`. */
  | { kind: "cancelled"; reason: string | undefined };

const types = {
  started: platformEventTypes.executionStarted,
  step_completed: platformEventTypes.stepCompleted,
  completed: platformEventTypes.executionCompleted,
  failed: platformEventTypes.executionFailed,
  skipped: platformEventTypes.executionSkipped,
  cancelled: platformEventTypes.executionCancelled,
} as const satisfies Record<LifecycleChange["kind"], PlatformEventType>;

/**
 * The event that tells of a change. Its id derives from the change (rule D1): writing or sending it
 * again makes no second event. It is the trigger event's successor within the flow.
 */
export function lifecycleEvent(execution: Execution, change: LifecycleChange, now: number): CloudEvent {
  const { id, project, service } = execution;
  const type = types[change.kind];
  return {
    specversion: "1.0",
    id: derivedEventId(id, type, ...occurrenceOf(change)),
    source: `/projects/${project}/services/${service}`,
    type,
    subject: id,
    time: new Date(now).toISOString(),
    datacontenttype: "application/json",
    correlationid: execution.correlationId,
    causationid: execution.eventId,
    sequence: String(execution.sequence + 1),
    fxproject: project,
    fxexecution: id,
    data: dataOf(execution, change),
  };
}

/** What tells two events of one type and execution apart. An execution ends once, but may start often. */
function occurrenceOf(change: LifecycleChange): string[] {
  if (change.kind === "started") return [String(change.token)];
  return change.kind === "step_completed" ? [String(change.token), String(change.step.n)] : [];
}

function dataOf(execution: Execution, change: LifecycleChange): JsonObject {
  const { id, project, service, version, attempt, trigger, priority, lane, retryOf, createdAt } = execution;
  const startedAt = "startedAt" in execution ? execution.startedAt : undefined;
  const status = statusAfter(change);
  const facts = { executionId: id, project, service, version, status, attempt, trigger, priority, lane };
  return { ...facts, ...definedOf({ retryOf, createdAt, startedAt }), ...detailsOf(change) };
}

function statusAfter(change: LifecycleChange): ExecutionStatus {
  return change.kind === "started" || change.kind === "step_completed" ? "in_progress" : change.kind;
}

function detailsOf(change: LifecycleChange): JsonObject {
  if (change.kind === "skipped" || change.kind === "cancelled") return definedOf({ reason: change.reason });
  if (change.kind === "failed") return { error: definedOf({ ...change.error }) };
  if (change.kind !== "step_completed") return {};
  const { n, script, exitCode, startedAt, finishedAt, output } = change.step;
  const { sizeBytes, truncated } = output;
  return { step: definedOf({ n, script, exitCode, startedAt, finishedAt, outputBytes: sizeBytes, truncated }) };
}

function definedOf(values: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
