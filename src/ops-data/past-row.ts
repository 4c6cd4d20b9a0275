import { z } from "zod";
import {
  type ExecutionStatus,
  executionStatuses,
  isTerminal,
  type Trigger,
  triggers,
} from "../executions/execution.ts";
import type { ExecutionEnd, StoredEvent } from "./ops-data.ts";

/** What a lifecycle event tells; written by `src/executions/lifecycle-events.ts`. */
const lifecycleData = z.object({
  executionId: z.string().min(1),
  project: z.string(),
  service: z.string(),
  version: z.string(),
  status: z.enum(executionStatuses),
  attempt: z.int(),
  trigger: z.enum(triggers).catch("event"),
  createdAt: z.number().optional(),
  startedAt: z.number().optional(),
});

export interface PastRow {
  execution_id: string;
  project: string;
  service: string;
  version: string;
  trigger: Trigger;
  status: ExecutionStatus;
  correlation_id: string;
  attempt: number;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface Lifecycle {
  data: z.output<typeof lifecycleData>;
  /** When it happened. */
  time: number;
  correlationId: string;
}

/** Undefined: it tells nothing of an execution that can be read. */
export function lifecycleOf({ event, at }: StoredEvent): Lifecycle | undefined {
  if (!event.type.startsWith("fx.execution.")) return undefined;
  const parsed = lifecycleData.safeParse(event.data);
  if (!parsed.success) return undefined;
  const time = event.time === undefined ? at : Date.parse(event.time);
  return { data: parsed.data, time, correlationId: event.correlationid ?? "" };
}

/** An end as the lifecycle event that told of it would have. */
export function lifecycleOfEnd({ finishedAt, correlationId, startedAt, ...data }: ExecutionEnd): Lifecycle {
  return { data: { ...data, ...(startedAt !== undefined && { startedAt }) }, time: finishedAt, correlationId };
}

/** What is known of an execution after one more lifecycle event, in whatever order they come; `ends`: this one told of its end. */
export function afterLifecycle(before: PastRow | undefined, told: Lifecycle): { row: PastRow; ends: boolean } {
  const { data, time, correlationId } = told;
  // The end is the last word, even if news from before it come later.
  const ends = isTerminal(data.status) && before?.finished_at == null;
  const row: PastRow = {
    execution_id: data.executionId,
    project: data.project,
    service: data.service,
    version: data.version,
    trigger: data.trigger,
    status: before?.finished_at == null ? data.status : before.status,
    correlation_id: correlationId,
    attempt: Math.max(before?.attempt ?? 0, data.attempt),
    created_at: data.createdAt ?? before?.created_at ?? time,
    started_at: data.startedAt ?? before?.started_at ?? null,
    finished_at: ends ? time : (before?.finished_at ?? null),
  };
  return { row, ends };
}
