import type { LinkId, VersionId } from "../src/foundation/ids.ts";
import type { RoutableLink } from "../src/services/link.ts";
import { LinkIndex } from "../src/services/link-index.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved } from "./support/rounds.ts";
import { sampleEvent } from "./support/sample-event.ts";

const linkCount = 10_000;
const typeCount = 1_000;
const measureMs = 1_000;

/** How fast an event finds its links. Ten links a type; where the mixture says so, some carry a filter or a wildcard. */
export const matching: Bench = {
  name: "matching",
  title: "Matching events to links",
  async run({ rounds, note }) {
    const measured = await interleaved(
      [
        { name: "exact types", measure: async () => rate(links({ filtered: 0, wildcards: 0 })) },
        { name: "1 in 10 links with a filter", measure: async () => rate(links({ filtered: 0.1, wildcards: 0 })) },
        { name: "also 100 wildcards", measure: async () => rate(links({ filtered: 0.1, wildcards: 100 })) },
      ],
      rounds,
      note,
    );
    return {
      title: `${matching.title}: ${linkCount} links over ${typeCount} types, one core`,
      columns: ["links", "events/s", "matches/s", "aim events/s"],
      rows: measured.map(({ name, median }) => [name, median.events ?? 0, median.matches ?? 0, 100_000]),
      remarks: ["Each event matches about ten links. Aim: 100,000 events/s a core."],
    };
  },
};

export function links({ filtered, wildcards }: { filtered: number; wildcards: number }): RoutableLink[] {
  return Array.from({ length: linkCount }, (_, index) => ({
    id: `link-${index}` as LinkId,
    project: "default",
    service: `service-${index}`,
    version: "active" as const,
    eventType: index < wildcards ? `bench.group${index % 10}.*` : `bench.group${index % 10}.type${index % typeCount}`,
    filter: index % 100 < filtered * 100 ? "event.data.measured.celsius > 20.0" : undefined,
    active: true,
    origin: "manifest" as const,
    createdAt: 0,
    target: { active: true, version: `version-${index}` as VersionId, priority: 5, concurrencyKey: undefined },
  }));
}

/** The types that the links name. */
export function typeName(index: number): string {
  return `bench.group${index % 10}.type${index % typeCount}`;
}

function rate(routable: RoutableLink[]): { events: number; matches: number } {
  const index = new LinkIndex(1, routable);
  const events = Array.from({ length: typeCount }, (_, type) => sampleEvent(typeName(type)));
  let matches = 0;
  let count = 0;
  const began = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < measureMs) {
    for (const event of events) matches += index.match(event).matches.length;
    count += events.length;
    elapsedMs = performance.now() - began;
  }
  return { events: (count / elapsedMs) * 1000, matches: (matches / elapsedMs) * 1000 };
}
