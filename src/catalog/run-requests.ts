import type { CloudEvent } from "../events/cloud-event.ts";
import type { Trigger } from "../executions/execution.ts";
import type { EventKey, ExecutionId, VersionId } from "../foundation/ids.ts";

/** Runs that the platform starts by name: by a person, or by a schedule. */
export interface RunRequestStore {
  /**
   * In one transaction: stores the event's body, the execution, and the event in the outbox, from
   * where it reaches `fx.platform` and its ledger entry. The same event key again answers the
   * execution there is, `created` false (rules D17, D18).
   */
  request(run: RunRequest): Promise<{ executionId: ExecutionId; created: boolean }>;
}

export interface RunRequest {
  id: ExecutionId;
  key: EventKey;
  event: CloudEvent;
  trigger: Extract<Trigger, "manual" | "schedule">;
  project: string;
  service: string;
  version: VersionId;
  priority: number;
  concurrencyKey: string | undefined;
}
