import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { LineCounts } from "../../ops-data/ops-data.ts";
import { logFields, logLevels } from "../../search/query-fields.ts";
import { serviceRef } from "../../services/service-ref.ts";
import type { ApiParts } from "./api-parts.ts";
import { timeText } from "./list-query.ts";
import { boundedSpan, searchedAnswer, searchedOf, searchOf, searchQuery, searchTimeLimitMs } from "./search-query.ts";

const hourMs = 3_600_000;
const levelCounts = z.partialRecord(z.enum(logLevels), z.int());
const facet = z
  .array(z.object({ value: z.string(), count: z.int() }))
  .meta({ description: "The most frequent first." });
const facetLimit = 20;

type Parts = Pick<ApiParts, "opsData" | "clock"> & { closing: AbortSignal };

export function logCountRoutes(scope: FastifyInstance, { opsData, clock, closing }: Parts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/logs/histogram",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "countLogs",
        summary: "How many lines match, over time and by level",
        description:
          "Buckets begin at whole multiples of their width, which is chosen so that there are about `buckets`.",
        tags: ["operations"],
        querystring: z.strictObject({ ...searchQuery, buckets: z.coerce.number().int().min(1).max(500).default(60) }),
        response: {
          200: z.object({
            bucketMs: z.int(),
            total: z.int(),
            items: z
              .array(z.object({ at: z.string(), count: z.int(), levels: levelCounts }))
              .meta({ description: "In the order of time; empty ones are left out." }),
            ...searchedAnswer,
          }),
        },
      },
    },
    async ({ query }) => {
      const search = searchOf(query, logFields);
      const span = boundedSpan(search, clock.now(), hourMs);
      const bucketMs = bucketFor((span.to - span.from) / query.buckets);
      const request = { ...search, ...span, bucketMs, timeLimitMs: searchTimeLimitMs, signal: closing };
      const found = await opsData.search.countLines(request);
      const buckets = new Map<number, Map<string, number>>();
      for (const { bucketAt, level, count } of found.counts) {
        const levels = buckets.get(bucketAt) ?? new Map();
        buckets.set(bucketAt, levels.set(level, (levels.get(level) ?? 0) + count));
      }
      const items = [...buckets]
        .sort(([left], [right]) => left - right)
        .map(([at, levels]) => ({ at: timeText(at), count: sumOf(levels), levels: Object.fromEntries(levels) }));
      const total = items.reduce((sum, { count }) => sum + count, 0);
      return { bucketMs, total, items, ...searchedOf(found) };
    },
  );
  app.get(
    "/logs/facets",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getLogFacets",
        summary: "Which services, scripts, streams and levels wrote the lines that match",
        tags: ["operations"],
        querystring: z.strictObject(searchQuery),
        response: {
          200: z.object({
            total: z.int(),
            services: facet,
            scripts: facet,
            streams: facet,
            levels: facet,
            ...searchedAnswer,
          }),
        },
      },
    },
    async ({ query }) => {
      const search = searchOf(query, logFields);
      const span = boundedSpan(search, clock.now(), 24 * hourMs);
      const bucketMs = span.to - span.from;
      const request = { ...search, ...span, bucketMs, timeLimitMs: searchTimeLimitMs, signal: closing };
      const found = await opsData.search.countLines(request);
      const of = (value: (own: LineCounts["counts"][number]) => string) => facetOf(found.counts, value);
      return {
        total: found.counts.reduce((sum, { count }) => sum + count, 0),
        services: of(({ project, service }) => serviceRef({ project, name: service })),
        scripts: of(({ script }) => script),
        streams: of(({ stream }) => stream),
        levels: of(({ level }) => level),
        ...searchedOf(found),
      };
    },
  );
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const widths = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * secondMs),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minuteMs),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * hourMs),
];

/** The least width that people can read and that is no smaller. */
function bucketFor(leastMs: number): number {
  return widths.find((width) => width >= leastMs) ?? Math.ceil(leastMs / (24 * hourMs)) * 24 * hourMs;
}

function sumOf(counts: Map<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function facetOf(counts: LineCounts["counts"], named: (own: LineCounts["counts"][number]) => string) {
  const sums = new Map<string, number>();
  for (const own of counts) sums.set(named(own), (sums.get(named(own)) ?? 0) + own.count);
  return [...sums]
    .map(([value, count]) => ({ value, count }))
    .sort((left, right) => right.count - left.count)
    .slice(0, facetLimit);
}
