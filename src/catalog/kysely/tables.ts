import type { Generated } from "kysely";
import type { EpisodeEnd } from "../../alerts/alert-episode.ts";
import type { AlertKind, AlertSeverity } from "../../alerts/alert-rule.ts";
import type { MappingStrategy } from "../../events/mapping.ts";
import type { EffectKind } from "../../executions/captured-effect.ts";
import type { ExecutionStatus, Step, Trigger } from "../../executions/execution.ts";
import type { Lane } from "../../executions/lanes.ts";
import type {
  AlertId,
  AlertRuleId,
  EventKey,
  ExecutionId,
  InstanceId,
  LinkId,
  MappingId,
  ReplayId,
  VersionId,
} from "../../foundation/ids.ts";
import type { CatchUp, QueuePolicy } from "../../services/manifest.ts";
import type { JobStatus } from "../jobs.ts";
import type { LedgerOutcome } from "../ledger.ts";

/** The catalog's tables. Times are milliseconds since the epoch; flags are 0 or 1; JSON is text. */
export interface Tables {
  settings: SettingsTable;
  projects: ProjectsTable;
  services: ServicesTable;
  versions: VersionsTable;
  links: LinksTable;
  mappings: MappingsTable;
  ledger: LedgerTable;
  bodies: BodiesTable;
  executions: ExecutionsTable;
  steps: StepsTable;
  flows: FlowsTable;
  run_requests: RunRequestsTable;
  schedule_misses: ScheduleMissesTable;
  jobs: JobsTable;
  outbox: OutboxTable;
  turns: TurnsTable;
  throttle_starts: ThrottleStartsTable;
  replays: ReplaysTable;
  captured_effects: CapturedEffectsTable;
  captured_counts: CapturedCountsTable;
  partitions: PartitionsTable;
  batches: BatchesTable;
  event_types: EventTypesTable;
  event_type_versions: EventTypeVersionsTable;
  webhooks: WebhooksTable;
  adapter_marks: AdapterMarksTable;
  alert_rules: AlertRulesTable;
  alert_states: AlertStatesTable;
  alert_positions: AlertPositionsTable;
  alert_episodes: AlertEpisodesTable;
}

/** Single numbers, such as the link epoch. */
export interface SettingsTable {
  name: "link_epoch" | "alert_epoch";
  value: number;
}

export interface ProjectsTable {
  name: string;
  description: string;
  created_at: number;
}

export interface ServicesTable {
  project: string;
  name: string;
  active_version: VersionId | null;
  active: number;
  priority: number;
  active_pinned: number;
  priority_pinned: number;
  /** JSON list of scopes whose secrets it may set. */
  grants: string;
  /** Cron expression and time zone of the active version; null without a schedule. */
  schedule: string | null;
  schedule_since: number | null;
  /** The nominal time after `schedule_since`: an index finds what is due. Null where nothing comes by itself. */
  schedule_next: number | null;
  /** Nominal time that a run was last started for. */
  schedule_fired: number | null;
  schedule_paused: number;
  /** Limits of the active version; null where there is none. */
  concurrency: number | null;
  throttle_limit: number | null;
  throttle_period_ms: number | null;
  queue_limit: number | null;
  queue_policy: QueuePolicy | null;
  created_at: number;
  updated_at: number;
}

export interface VersionsTable {
  project: string;
  name: string;
  id: VersionId;
  manifest: string;
  scripts: string;
  files: string;
  warnings: string;
  /** Copied from the manifest for those who read it per link or per attempt. */
  concurrency_key: string | null;
  on_lost: "retry" | "fail";
  catch_up: CatchUp;
  created_at: number;
}

export interface LinksTable {
  id: LinkId;
  project: string;
  service: string;
  version: "active" | VersionId;
  event_type: string;
  /** Empty without one: a unique index does not see two nulls as equal. */
  filter: string;
  active: number;
  origin: "manifest" | "person";
  /** 1: a tombstone (rule D17). */
  removed: number;
  created_at: number;
}

export interface MappingsTable {
  id: MappingId;
  name: string | null;
  /** Empty where it is shared, as the filter is without one: a unique index does not see two nulls as equal. */
  project: string;
  from_type: string;
  to_type: string;
  filter: string;
  strategy: MappingStrategy;
  fields: string;
  active: number;
  created_at: number;
}

export interface LedgerTable {
  seq: Generated<number>;
  key: EventKey;
  digest: string;
  type: string;
  source: string;
  event_id: string;
  correlation_id: string;
  project: string | null;
  outcome: LedgerOutcome;
  reason: string | null;
  links: string;
  /** Null where no mapping took the type. */
  mappings: string | null;
  sequence: number;
  received_at: number;
  decided_at: number;
}

export interface BodiesTable {
  key: EventKey;
  body: Uint8Array;
  stored_at: number;
  /** 1: retention took the data; the attributes are left. */
  stripped: number;
}

export const gates = { ready: 0, delayed: 1, blocked: 2 } as const;

export interface ExecutionsTable {
  /** Order of routing. */
  seq: Generated<number>;
  id: ExecutionId;
  project: string;
  service: string;
  version: VersionId;
  trigger: Trigger;
  event_key: EventKey;
  event_id: string;
  event_source: string;
  event_type: string;
  /** Empty where no link started it; part of the guard against a second start. */
  link_id: LinkId | "";
  correlation_id: string;
  root_flow: string;
  sequence: number;
  started_by_lifecycle: number;
  priority: number;
  lane: Lane;
  concurrency_key: string | null;
  retry_of: ExecutionId | null;
  replay_id: ReplayId | null;
  created_at: number;

  status: Generated<ExecutionStatus>;
  attempt: Generated<number>;
  losses: Generated<number>;
  /**
   * Why a pending execution is not claimable now: `delayed` until `not_before`, `blocked` behind an
   * earlier one of its concurrency key. Kept so that a claim never walks over what it cannot take.
   */
  gate: number;
  not_before: number;
  token: Generated<number>;
  lease_owner: InstanceId | null;
  lease_until: number | null;
  cancel_requested: Generated<number>;
  started_at: number | null;
  finished_at: number | null;
  error: string | null;
  /** The lane it was in before a person moved it. */
  moved_from: Generated<Lane | null>;
  /** Why the platform skipped it, or cancels it; null where a person did. */
  skip_reason: Generated<string | null>;
}

/**
 * `open`: may be claimed from. `empty`: nothing was there to claim. `full`: as many run as may, until one
 * ends. `throttled`: until `opens_at`.
 */
export const turnStates = { open: 0, empty: 1, full: 2, throttled: 3 } as const;

/** Place of a service among those that have executions in one lane at one priority: the lowest round is next. */
export interface TurnsTable {
  project: string;
  service: string;
  lane: Lane;
  priority: number;
  state: number;
  /** Grows by one with each execution claimed. */
  round: number;
  opens_at: number | null;
}

/** Starts of services that have a throttle, numbered: as many of the last as the limit is. */
export interface ThrottleStartsTable {
  project: string;
  service: string;
  n: number;
  at: number;
}

export interface StepsTable {
  execution_id: ExecutionId;
  attempt: number;
  n: number;
  script: string;
  status: Step["status"];
  exit_code: number | null;
  started_at: number;
  finished_at: number | null;
  preview: string;
  size_bytes: number;
  truncated: number;
}

/** Executions that each flow has started (rule D14). */
export interface FlowsTable {
  correlation_id: string;
  executions: number;
  updated_at: number;
}

export interface RunRequestsTable {
  key: EventKey;
  execution_id: ExecutionId;
  project: string;
  service: string;
  created_at: number;
}

/** Nominal times of a schedule that started no run: one row for each time that some were passed over. */
export interface ScheduleMissesTable {
  project: string;
  service: string;
  first_at: number;
  last_at: number;
  count: number;
  recorded_at: number;
}

/** Runs that scripts asked for later: one an execution. */
export interface JobsTable {
  id: string;
  execution_id: ExecutionId;
  project: string;
  service: string;
  status: JobStatus;
  at: number;
  /** JSON of the event that will start it. Its key is the guard against a second start. */
  event: string;
  root_flow: string;
  started_by_lifecycle: number;
  run_execution_id: ExecutionId | null;
  created_at: number;
}

export interface OutboxTable {
  id: Generated<number>;
  topic: string;
  event: string;
}

/** What routing covered of a partition, since the beginning (rules D13, D15). */
export interface PartitionsTable {
  topic: string;
  partition: number;
  from_offset: number;
  to_offset: number;
  matched: number;
  unmatched: number;
  duplicate: number;
  rejected: number;
  counted: number;
  passed: number;
}

/** The same per batch (rule D15). */
export interface BatchesTable extends PartitionsTable {
  id: Generated<number>;
  decided_at: number;
}

export interface WebhooksTable {
  id: string;
  name: string;
  project: string | null;
  token_hash: string;
  active: number;
  created_at: number;
  last_used_at: number | null;
}

export interface AdapterMarksTable {
  adapter: string;
  key: string;
  mark: string;
}

/** What was learned of a type. `producers` and `shape` are JSON. */
export interface EventTypesTable {
  type: string;
  first_seen: number;
  last_seen: number;
  count: number;
  version: number;
  producers: string;
  shape: string;
}

export interface EventTypeVersionsTable {
  type: string;
  n: number;
  schema: string;
  data_required: number;
  changes: string;
  created_at: number;
}

export interface ReplaysTable {
  id: ReplayId;
  correlation_id: string;
  /** JSON: what was asked for, by `project/service`. */
  versions: string;
  /** JSON: executions of the flow that could not be run again, each with the reason. */
  not_replayable: string;
  executions: number;
  created_at: number;
}

/** What scripts of a replay asked for; of the attempt that ended the execution. */
export interface CapturedEffectsTable {
  execution_id: ExecutionId;
  n: number;
  step: number;
  kind: EffectKind;
  content: string;
}

/** How many effects were asked for, those past the limit included. */
export interface CapturedCountsTable {
  execution_id: ExecutionId;
  count: number;
}

/** `condition` is JSON. */
export interface AlertRulesTable {
  id: AlertRuleId;
  name: string;
  project: string | null;
  description: string | null;
  severity: AlertSeverity;
  active: number;
  condition: string;
  revision: number;
  since: number;
  created_at: number;
}

/** What a rule knows of a subject: JSON; null before anything was seen. */
export interface AlertStatesTable {
  rule_id: AlertRuleId;
  subject: string;
  state: string | null;
  judged_to: number;
  look_at: number | null;
}

export interface AlertPositionsTable {
  topic: string;
  partition: number;
  next_offset: number;
}

/** `facts` is JSON; what is resolved has a time and a resolution. */
export interface AlertEpisodesTable {
  id: AlertId;
  rule_id: AlertRuleId;
  rule_name: string;
  kind: AlertKind;
  severity: AlertSeverity;
  description: string | null;
  subject: string;
  project: string | null;
  summary: string;
  facts: string;
  raised_at: number;
  resolved_at: number | null;
  resolution: EpisodeEnd["why"] | null;
  resolved_summary: string | null;
}
