import type { EventKey, ExecutionId, InstanceId, LinkId, ReplayId, VersionId } from "../foundation/ids.ts";
import type { Lane } from "./lanes.ts";

/**
 * One run of one service version for one event.
 *
 *   pending ──claim──▶ in_progress ──finish──▶ completed | failed | cancelled
 *      ▲                    │
 *      └── retry, lost ─────┘          pending ──skip──▶ skipped    pending ──cancel──▶ cancelled
 *
 * Terminal states never revert (rule D6). A manual retry is a new execution.
 */
export type Execution = ExecutionFacts & ExecutionState;

export const executionStatuses = ["pending", "in_progress", "completed", "failed", "skipped", "cancelled"] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];
export const terminalStatuses = ["completed", "failed", "skipped", "cancelled"] as const satisfies ExecutionStatus[];

export function isTerminal(status: ExecutionStatus): boolean {
  return (terminalStatuses as readonly string[]).includes(status);
}

export const triggers = ["event", "manual", "schedule", "replay"] as const;
/** What started it. A replay runs an ended execution again, with its effects recorded and not done. */
export type Trigger = (typeof triggers)[number];

export interface ExecutionFacts {
  id: ExecutionId;
  project: string;
  service: string;
  version: VersionId;
  trigger: Trigger;
  eventKey: EventKey;
  eventId: string;
  eventSource: string;
  eventType: string;
  /** The link that matched; undefined for manual runs, retries by a person and schedules. */
  linkId: LinkId | undefined;
  correlationId: string;
  /** Step of the trigger event within its flow, from 0; equals the number of hops (rule D14). */
  sequence: number;
  /** True when the trigger is itself an `fx.execution.*` event (rule D14). */
  startedByLifecycle: boolean;
  /** Attempts claimed so far, from 0; counted at claim, so that a crashed executor still uses one up. */
  attempt: number;
  /** Attempts lost to a crash of the platform (rule D7). */
  losses: number;
  priority: number;
  lane: Lane;
  /** The lane that a person moved it from, which happens once. */
  movedFrom: Lane | undefined;
  concurrencyKey: string | undefined;
  /** The execution that a person retried, or that a replay runs again. */
  retryOf: ExecutionId | undefined;
  /** The replay that it belongs to; of trigger `replay` only. */
  replayId: ReplayId | undefined;
  createdAt: number;
}

export type ExecutionState =
  | { status: "pending"; notBefore: number; startedAt: number | undefined; error: ExecutionError | undefined }
  | { status: "in_progress"; startedAt: number; lease: Lease; cancelRequested: boolean }
  | { status: "completed"; startedAt: number; finishedAt: number }
  | { status: "failed"; startedAt: number | undefined; finishedAt: number; error: ExecutionError }
  | { status: "skipped"; finishedAt: number; reason: string | undefined }
  /** `reason`: why the platform cancelled it; undefined where a person cancelled this one. */
  | { status: "cancelled"; startedAt: number | undefined; finishedAt: number; reason: string | undefined };

/** The right to run an execution, until `until` by the database's clock (rule D8). */
export interface Lease {
  owner: InstanceId;
  /** Fencing token: grows with every claim; whatever is written with an older one changes nothing. */
  token: number;
  until: number;
}

/** Why an attempt ended badly. Data, not an exception. */
export interface ExecutionError {
  kind: "exit" | "timeout" | "limit" | "lost" | "output" | "start" | "cancelled";
  message: string;
  script: string | undefined;
  exitCode: number | undefined;
}

/** One script of one attempt. */
export interface Step {
  /** From 1, in the manifest's order. */
  n: number;
  script: string;
  attempt: number;
  status: "in_progress" | "completed" | "failed" | "cancelled" | "lost";
  exitCode: number | undefined;
  startedAt: number;
  finishedAt: number | undefined;
  output: StepOutput;
}

/** What the step wrote to stdout and stderr, in order of arrival. The whole is in the operational store. */
export interface StepOutput {
  /** At most 64 kB of its beginning, invalid UTF-8 replaced. */
  preview: string;
  sizeBytes: number;
  /** True when the script wrote more than the cap and the rest was dropped. */
  truncated: boolean;
}

export const maxPreviewBytes = 64 * 1024;
export const maxStepOutputBytes = 10 * 1024 * 1024;
/** An execution whose attempts were lost this often fails visibly (rule D7). */
export const maxLosses = 3;
