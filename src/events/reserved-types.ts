/**
 * Types under `fx.` are the platform's own; nobody outside may send them (rule D3). Nor `FX.` or `Fx.`:
 * people and filters that read them would take them for the platform's.
 */
export function isReservedType(type: string): boolean {
  const lower = type.toLowerCase();
  return lower === "fx" || lower.startsWith("fx.");
}

/** Attributes that only the platform may set. An outsider's event that carries one is refused. */
export const reservedAttributes = ["fxexecution", "fxmapping", "fxmappedfrom", "fxrootflow", "fxlifecycle"] as const;

/** The platform's event types. All travel on the topic `fx.platform`; all can be linked. */
export const platformEventTypes = {
  runRequested: "fx.service.run_requested",
  scheduleFired: "fx.schedule.fired",
  retryDue: "fx.retry.due",
  executionStarted: "fx.execution.started",
  executionCompleted: "fx.execution.completed",
  executionFailed: "fx.execution.failed",
  executionSkipped: "fx.execution.skipped",
  executionCancelled: "fx.execution.cancelled",
  stepCompleted: "fx.execution.step_completed",
  serviceDeployed: "fx.service.deployed",
  webhookIncoming: "fx.webhook.incoming",
  fileUploaded: "fx.file.uploaded",
  eventTypeDrifted: "fx.event_type.drifted",
  eventRejected: "fx.event.rejected",
  alertRaised: "fx.alert.raised",
  alertResolved: "fx.alert.resolved",
} as const;

export type PlatformEventType = (typeof platformEventTypes)[keyof typeof platformEventTypes];

const fromOutside: ReadonlySet<string> = new Set([platformEventTypes.webhookIncoming, platformEventTypes.fileUploaded]);

/**
 * Types that the platform gives to what came from outside through one of its own adapters. As every
 * event from outside they have a ledger row, whether a link wants them or not (rule D15).
 */
export function tellsOfOutside(type: string): boolean {
  return fromOutside.has(type);
}

/** Events that tell what became of a run. Runs started by one of them do not start others (rule D14). */
export function isLifecycleType(type: string): boolean {
  return type.startsWith("fx.execution.");
}

/** Events that tell of alerts, and patterns that take them. */
export function isAlertType(type: string): boolean {
  return type.startsWith("fx.alert.") || type === "fx.*" || type === "fx.alert";
}
