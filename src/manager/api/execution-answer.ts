import { z } from "zod";
import { type WaitReason, waitKinds } from "../../catalog/executions.ts";
import { type Execution, executionStatuses, type Step, triggers } from "../../executions/execution.ts";
import { lanes } from "../../executions/lanes.ts";
import { eventAnswer, eventBody } from "./event-answer.ts";
import { timeText } from "./list-query.ts";

const executionError = z.object({
  kind: z.enum(["exit", "timeout", "limit", "lost", "output", "start", "cancelled"]),
  message: z.string(),
  script: z.string().nullable(),
  exitCode: z.int().nullable(),
});

export const executionAnswer = z
  .object({
    id: z.string(),
    project: z.string(),
    service: z.string(),
    version: z.string(),
    status: z.enum(executionStatuses),
    trigger: z.enum(triggers),
    eventKey: z.string(),
    eventId: z.string(),
    eventSource: z.string(),
    eventType: z.string(),
    correlationId: z.string(),
    sequence: z.int(),
    attempt: z.int(),
    losses: z.int(),
    lane: z.enum(lanes),
    movedFrom: z.enum(lanes).nullable().meta({ description: "The lane that a person moved it from." }),
    priority: z.int(),
    retryOf: z.string().nullable(),
    replayId: z.string().nullable().meta({ description: "Of trigger `replay`: the replay that it belongs to." }),
    createdAt: z.string(),
    notBefore: z.string().nullable().meta({ description: "When a pending execution may start at the earliest." }),
    startedAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
    cancelRequested: z.boolean(),
    reason: z
      .string()
      .nullable()
      .meta({ description: "Why the platform skipped or cancelled it; null where a person did." }),
    error: executionError.nullable(),
  })
  .meta({ id: "Execution" });

export const stepAnswer = z
  .object({
    n: z.int(),
    script: z.string(),
    attempt: z.int(),
    status: z.enum(["in_progress", "completed", "failed", "cancelled", "lost"]),
    exitCode: z.int().nullable(),
    startedAt: z.string(),
    finishedAt: z.string().nullable(),
    output: z.object({
      preview: z.string().meta({ description: "At most 64 kB of its beginning." }),
      sizeBytes: z.int(),
      truncated: z.boolean(),
    }),
  })
  .meta({ id: "Step" });

export const executionDetail = executionAnswer
  .extend({
    steps: z.array(stepAnswer),
    event: eventBody.nullable().meta({ description: "The trigger; null once retention took it." }),
    waitsFor: z
      .object({
        kind: z.enum(waitKinds).meta({
          description:
            "time: of its next attempt. key: another run of its concurrency key. concurrency, throttle: limits of its service. slot: an executor.",
        }),
        until: z.string().nullable(),
        behind: z.string().nullable().meta({ description: "The execution that its concurrency key waits for." }),
        limit: z.int().nullable(),
      })
      .nullable()
      .meta({ description: "What a pending execution waits for." }),
    retries: z
      .array(z.object({ id: z.string(), status: z.enum(executionStatuses) }))
      .meta({ description: "What people made of it by retrying it, and then its retries; oldest first." }),
    emitted: z.array(eventAnswer).meta({ description: "The events that its scripts sent, as far as they are routed." }),
  })
  .meta({ id: "ExecutionDetail" });

export function executionAnswerOf(execution: Execution): z.output<typeof executionAnswer> {
  const error = "error" in execution ? execution.error : undefined;
  return {
    id: execution.id,
    project: execution.project,
    service: execution.service,
    version: execution.version,
    status: execution.status,
    trigger: execution.trigger,
    eventKey: execution.eventKey,
    eventId: execution.eventId,
    eventSource: execution.eventSource,
    eventType: execution.eventType,
    correlationId: execution.correlationId,
    sequence: execution.sequence,
    attempt: execution.attempt,
    losses: execution.losses,
    lane: execution.lane,
    movedFrom: execution.movedFrom ?? null,
    priority: execution.priority,
    retryOf: execution.retryOf ?? null,
    replayId: execution.replayId ?? null,
    createdAt: timeText(execution.createdAt),
    notBefore: execution.status === "pending" ? timeText(execution.notBefore) : null,
    startedAt: "startedAt" in execution ? timeText(execution.startedAt) : null,
    finishedAt: "finishedAt" in execution ? timeText(execution.finishedAt) : null,
    cancelRequested: execution.status === "in_progress" && execution.cancelRequested,
    reason: "reason" in execution ? (execution.reason ?? null) : null,
    error: error
      ? { kind: error.kind, message: error.message, script: error.script ?? null, exitCode: error.exitCode ?? null }
      : null,
  };
}

export function waitAnswerOf(wait: WaitReason | undefined): z.output<typeof executionDetail>["waitsFor"] {
  if (wait === undefined) return null;
  const until = "until" in wait ? timeText(wait.until) : null;
  const behind = wait.kind === "key" ? (wait.behind ?? null) : null;
  return { kind: wait.kind, until, behind, limit: wait.kind === "concurrency" ? wait.limit : null };
}

export function stepAnswerOf(step: Step): z.output<typeof stepAnswer> {
  const { n, script, attempt, status, exitCode, startedAt, finishedAt, output } = step;
  return {
    n,
    script,
    attempt,
    status,
    exitCode: exitCode ?? null,
    startedAt: timeText(startedAt),
    finishedAt: timeText(finishedAt),
    output,
  };
}
