import type { CloudEvent } from "../../events/cloud-event.ts";
import type { MappingField } from "../../events/mapping.ts";
import type { ExecutionError, ExecutionStatus, Trigger } from "../../executions/execution.ts";
import type { MetricKind } from "../../metrics/figure.ts";

/** What the API answers, as the CLI reads it (`/api/v1/openapi.json` describes all of it). Times are RFC 3339. */
export type Time = string;

export interface ListAnswer<Item> {
  items: Item[];
  next?: string | null;
}

export interface EventAnswer {
  key: string;
  event: CloudEvent;
  outcome: "matched" | "unmatched" | "rejected" | "pending";
  reason?: string | null;
  links: EventLink[];
  mappings?: EventMapping[];
  receivedAt?: Time | null;
}

export interface EventLink {
  linkId?: string | null;
  project: string;
  service: string;
  matched: boolean;
  reason?: string | null;
  executionId?: string | null;
}

export interface EventMapping {
  mappingId: string;
  name?: string | null;
  toType: string;
  matched: boolean;
  reason?: string | null;
  eventKey?: string | null;
}

export interface ExecutionAnswer {
  id: string;
  project: string;
  service: string;
  version: string;
  status: ExecutionStatus;
  trigger: Trigger;
  eventKey: string;
  eventId: string;
  eventSource: string;
  eventType: string;
  correlationId: string;
  sequence: number;
  attempt: number;
  losses: number;
  lane: string;
  movedFrom?: string | null;
  priority: number;
  retryOf?: string | null;
  createdAt: Time;
  /** When a pending one may start at the earliest. */
  notBefore?: Time | null;
  startedAt?: Time | null;
  finishedAt?: Time | null;
  /** Why the platform skipped it. */
  reason?: string | null;
  error?: ExecutionError | null;
}

export interface ExecutionDetail extends ExecutionAnswer {
  steps: StepAnswer[];
  waitsFor?: WaitAnswer | null;
  event?: CloudEvent | null;
  /** What people made of it by retrying it. */
  retries?: { id: string; status: ExecutionStatus }[];
  emitted: EventAnswer[];
}

export interface WaitAnswer {
  kind: "time" | "key" | "concurrency" | "throttle" | "slot";
  until?: Time | null;
  behind?: string | null;
  limit?: number | null;
}

export interface StepAnswer {
  n: number;
  script: string;
  attempt: number;
  status: string;
  exitCode?: number | null;
  startedAt: Time;
  finishedAt?: Time | null;
  output: { preview: string; sizeBytes: number; truncated: boolean };
}

export interface LinkAnswer {
  id: string;
  project: string;
  service: string;
  version: string;
  eventType: string;
  filter?: string | null;
  active: boolean;
  origin: "manifest" | "person";
}

export interface MappingAnswer {
  id: string;
  name?: string | null;
  project?: string | null;
  fromType: string;
  toType: string;
  filter?: string | null;
  strategy: "mapped" | "all";
  fields: MappingField[];
  active: boolean;
}

export interface MappingPreview {
  items: { before: CloudEvent; after?: CloudEvent | null; reason?: string | null; left: string[] }[];
}

export interface BacktestAnswer {
  examined: number;
  matched: number;
  alreadyDone: number;
  missed: number;
  notRouted: number;
  unknown: number;
  reasons: { reason: string; count: number }[];
  hours: { hour: Time; examined: number; matched: number }[];
  further: { service: string; count: number }[];
  samples: {
    key: string;
    event: CloudEvent;
    receivedAt: Time;
    matched: boolean;
    reason?: string | null;
    made?: CloudEvent | null;
  }[];
  truncated: boolean;
  endedAt?: Time | null;
}

export interface ServiceAnswer {
  project: string;
  name: string;
  activeVersion?: string | null;
  active: boolean;
  priority: number;
  updatedAt: Time;
}

/** How much went with a service. */
export interface DeletedServiceAnswer {
  versions: number;
  links: number;
  jobs: number;
  configuration: number;
  secrets: number;
  state: number;
  cancelled: number;
}

export interface VersionAnswer {
  version: string;
  scripts: string[];
  createdAt: Time;
}

export interface LogAnswer {
  attempt: number;
  step: number;
  script: string;
  seq: number;
  at: Time;
  stream: "stdout" | "stderr" | "log";
  level?: string | null;
  text: string;
}

export interface WebhookAnswer {
  id: string;
  name: string;
  project?: string | null;
  active: boolean;
  lastUsedAt?: Time | null;
}

export interface MissedAnswer {
  first: Time;
  last: Time;
  count: number;
}

export interface ScheduleAnswer {
  project: string;
  service: string;
  cron: string;
  timezone: string;
  catchUp: "one" | "none" | "all";
  paused: boolean;
  active: boolean;
  next: Time[];
  lastFired?: Time | null;
  missed?: MissedAnswer | null;
}

export interface ScheduleDetail extends ScheduleAnswer {
  misses: (MissedAnswer & { recordedAt: Time })[];
}

export interface JobAnswer {
  id: string;
  project: string;
  service: string;
  at: Time;
  executionId: string;
}

export type ReplayVerdict = "same" | "differs" | "failed-now" | "fixed" | "not-replayable" | "running";

export interface ReplayAnswer {
  id: string;
  correlationId: string;
  versions: Record<string, string>;
  executions: number;
  notReplayable: number;
  createdAt: Time;
}

export interface ReplayDetail extends ReplayAnswer {
  status: "running" | "done";
  summary: Record<ReplayVerdict, number>;
  entries: ReplayEntry[];
}

export interface ReplayEntry {
  project: string;
  service: string;
  verdict: ReplayVerdict;
  reason?: string | null;
  original?: ReplaySide | null;
  replay?: ReplaySide | null;
  output: { n: number; script: string; same: boolean; diff?: string | null; truncated: boolean }[];
  emitted: {
    same: boolean;
    removed: ReplayedEvent[];
    added: ReplayedEvent[];
    changed: { event: ReplayedEvent; changes: { path: string; before?: unknown; after?: unknown }[] }[];
  };
  effects: { n: number; step: number; kind: string; content: Record<string, unknown> }[];
  effectCount: number;
}

export interface ReplaySide {
  executionId: string;
  version: string;
  status: ExecutionStatus;
  error?: string | null;
  durationMs?: number | null;
}

export interface ReplayedEvent {
  type: string;
  source: string;
  subject?: string | null;
  data?: unknown;
}

export interface SearchAnswer<Item> {
  items: Item[];
  next: string | null;
  complete: boolean;
  searchedTo: Time | null;
}

export interface LogLineAnswer {
  id: string;
  at: Time;
  project: string;
  service: string;
  executionId: string;
  script: string;
  stream: "stdout" | "stderr" | "log";
  level: string;
  text: string;
}

export interface DurationAnswer {
  avgMs: number | null;
  p50Ms: number | null;
  p95Ms: number | null;
  maxMs: number | null;
}

export interface StatsAnswer {
  items: {
    status?: ExecutionStatus;
    trigger?: Trigger;
    project?: string;
    service?: string;
    at?: Time;
    count: number;
    duration: DurationAnswer;
    queue: DurationAnswer;
  }[];
}

export interface MetricNames {
  items: { name: string; kind: MetricKind; series: number }[];
}

export interface MetricSeries {
  from: Time;
  to: Time;
  stepMs: number;
  items: {
    name: string;
    kind: MetricKind;
    labels: Record<string, string>;
    points: { at: Time; value: number }[];
  }[];
}

export type AlertCondition = { kind: "failure_rate" | "lateness" | "silence" | "duration" | "log_pattern" } & Record<
  string,
  string | number
>;

export interface AlertRuleAnswer {
  id: string;
  name: string;
  project?: string | null;
  description?: string | null;
  severity: string;
  active: boolean;
  condition: AlertCondition;
  since: Time;
}

export interface AlertAnswer {
  id: string;
  rule: string;
  severity: string;
  subject: string;
  summary: string;
  raisedAt: Time;
  resolvedAt?: Time | null;
}

export interface AlertTrial {
  alerts: { subject: string; raisedAt: Time; resolvedAt?: Time | null; summary: string }[];
  /** Runs, events or lines that the rule judged. */
  seen: number;
  /** From when on all was looked at. */
  from: Time;
  complete: boolean;
}
