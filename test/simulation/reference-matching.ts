import type { CloudEvent } from "../../src/events/cloud-event.ts";
import type { RoutableLink } from "../../src/services/link.ts";

/** The filters that a workload uses, each with its meaning in JavaScript, told apart from the product's own evaluator. */
export const filters: Readonly<Record<string, (event: CloudEvent) => boolean>> = {
  "event.data.n > 0": (event) => numberOf(event) > 0,
  "event.data.n == 1": (event) => numberOf(event) === 1,
  'event.type == "a.one"': (event) => event.type === "a.one",
  // A key that no event has: no match, never an error.
  "event.data.missing.deeper == 1": () => false,
};

function numberOf(event: CloudEvent): number {
  const { data } = event;
  if (typeof data !== "object" || data === null || Array.isArray(data)) return Number.NaN;
  return typeof data.n === "number" ? data.n : Number.NaN;
}

/** Which of these links an event matches, by the plainest reading of the rules. */
export function referenceMatches(event: CloudEvent, links: readonly RoutableLink[]): RoutableLink[] {
  return links.filter((link) => {
    if (!link.active || !link.target.active || link.target.version === undefined) return false;
    if (event.fxproject !== undefined && event.fxproject !== link.project) return false;
    const named = link.eventType.endsWith(".*")
      ? event.type.startsWith(link.eventType.slice(0, -1)) && event.type.length > link.eventType.length - 1
      : event.type === link.eventType;
    if (!named) return false;
    return link.filter === undefined || filters[link.filter]?.(event) === true;
  });
}
