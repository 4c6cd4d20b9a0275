import type { CloudEvent } from "../../src/events/cloud-event.ts";
import type { Mapping, MappingContent } from "../../src/events/mapping.ts";
import type { Json } from "../../src/foundation/json.ts";
import type { RoutableLink } from "../../src/services/link.ts";

/** The filters that a workload uses, each with its meaning in JavaScript, told apart from the product's own evaluator. */
export const filters: Readonly<Record<string, (event: CloudEvent) => boolean>> = {
  "event.data.n > 0": (event) => numberOf(event) > 0,
  "event.data.n == 1": (event) => numberOf(event) === 1,
  'event.type == "a.one"': (event) => event.type === "a.one",
  // A key that no event has: no match, never an error.
  "event.data.missing.deeper == 1": () => false,
};

/** What the mappings of a workload do with data: keep them as they are, or take `n` alone. */
export const mappingShapes: readonly [
  Pick<MappingContent, "strategy" | "fields">,
  ...Pick<MappingContent, "strategy" | "fields">[],
] = [
  { strategy: "all", fields: [] },
  { strategy: "mapped", fields: [{ target: "data.n", from: "data.n" }] },
  { strategy: "mapped", fields: [{ target: "data.n", from: "data.n", required: true }] },
];

function nOf({ data }: CloudEvent): Json | undefined {
  return typeof data !== "object" || data === null || Array.isArray(data) ? undefined : data.n;
}

function numberOf(event: CloudEvent): number {
  const n = nOf(event);
  return typeof n === "number" ? n : Number.NaN;
}

/** Which of these links an event matches, by the plainest reading of the rules. */
export function referenceMatches(event: CloudEvent, links: readonly RoutableLink[]): RoutableLink[] {
  return links.filter((link) => {
    if (!link.active || !link.target.active || link.target.version === undefined) return false;
    if (event.fxproject !== undefined && event.fxproject !== link.project) return false;
    return isNamed(event, link.eventType) && passes(event, link.filter);
  });
}

/** Which of these mappings make something of an event. */
export function referenceMappings(event: CloudEvent, mappings: readonly Mapping[]): Mapping[] {
  return mappings.filter(({ active, project, fromType, filter, fields }) => {
    if (!active) return false;
    if (event.fxproject !== undefined && project !== undefined && event.fxproject !== project) return false;
    if (fields.some(({ required }) => required) && nOf(event) === undefined) return false;
    return isNamed(event, fromType) && passes(event, filter);
  });
}

/** The data of what it makes. */
export function referenceData(event: CloudEvent, { strategy }: Mapping): Json | undefined {
  if (strategy === "all") return event.data;
  const n = nOf(event);
  return n === undefined ? undefined : { n };
}

function isNamed({ type }: CloudEvent, pattern: string): boolean {
  if (!pattern.endsWith(".*")) return type === pattern;
  return type.startsWith(pattern.slice(0, -1)) && type.length > pattern.length - 1;
}

function passes(event: CloudEvent, filter: string | undefined): boolean {
  return filter === undefined || filters[filter]?.(event) === true;
}
