import type { CloudEvent } from "./cloud-event.ts";

/** What decides the partition: `partitionkey` where given (CloudEvents partitioning extension), else the flow. */
export function partitionKeyOf(event: CloudEvent): string {
  return event.partitionkey ?? event.correlationid ?? event.id;
}
