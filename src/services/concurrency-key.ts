import type { CloudEvent } from "../events/cloud-event.ts";
import { compileFilter } from "./filter.ts";
import { serviceRef } from "./names.ts";

/** Keys are a service's own: two services that compute the same value do not wait for each other. */
export function scopedConcurrencyKey(
  service: { project: string; name: string },
  value: string | undefined,
): string | undefined {
  return value === undefined ? undefined : `${serviceRef(service)}:${value}`;
}

/** The key of a run that is started by name. No key when the manifest has none, or it cannot be computed for this event. */
export function concurrencyKeyFor(
  service: { project: string; name: string },
  expression: string | undefined,
  event: CloudEvent,
): string | undefined {
  return expression === undefined ? undefined : scopedConcurrencyKey(service, compileFilter(expression).text(event));
}
