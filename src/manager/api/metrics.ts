import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { metricKinds } from "../../metrics/figure.ts";
import { combinations, combineSeries, type Series } from "../../metrics/series.ts";
import type { ApiParts } from "./api-parts.ts";
import { timeQuery, timeText } from "./list-query.ts";
import { boundedSpan } from "./search-query.ts";

const hourMs = 3_600_000;
const maxSteps = 1500;
const maxNames = 50;

const span = {
  from: timeQuery.meta({ description: "From this time on; absent: an hour before `to`." }),
  to: timeQuery.meta({ description: "Before this time; absent: now." }),
};

const words = z.preprocess(
  (value) => (typeof value === "string" ? value.split(",").filter((word) => word !== "") : value),
  z.array(z.string()),
);

const labels = z.record(z.string(), z.string());

const namesAnswer = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(metricKinds),
      series: z.int().meta({ description: "How many sets of labels it has." }),
    }),
  ),
});

const seriesAnswer = z.object({
  from: z.string(),
  to: z.string(),
  stepMs: z.int(),
  items: z
    .array(
      z.object({
        name: z.string(),
        kind: z.enum(metricKinds).meta({ description: "Of a counter the values are its growth a second." }),
        labels: labels.meta({ description: "Those of `by`." }),
        points: z.array(z.object({ at: z.string(), value: z.number() })),
      }),
    )
    .meta({ description: "In order of names. A step without a measurement has no point." }),
});

const seriesQuery = z.strictObject({
  ...span,
  name: words
    .pipe(z.array(z.string()).min(1).max(maxNames))
    .meta({ description: `Metrics, with commas between them; at most ${maxNames}.` }),
  by: words.default([]).meta({ description: "Labels that series are told apart by, such as `process,host`." }),
  where: words
    .pipe(z.array(z.string().regex(/^[^=]+=/, "must be such as service=shop/price")))
    .default([])
    .meta({ description: "Labels that a series must have: `service=shop/price`; several with commas." }),
  how: z.enum(combinations).default("sum").meta({ description: "How series that are not told apart become one." }),
  stepMs: z.coerce
    .number()
    .int()
    .min(1000)
    .optional()
    .meta({ description: `Absent: about 60 steps, of a minute or more. There are at most ${maxSteps}.` }),
});

/** What processes measured of themselves, through time. What they measure now is at `/metrics` of each. */
export function metricRoutes(scope: FastifyInstance, { opsData, clock }: Pick<ApiParts, "opsData" | "clock">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const spanOf = ({ from, to }: { from?: number | undefined; to?: number | undefined }) =>
    boundedSpan({ from: from ?? Number.NEGATIVE_INFINITY, to: to ?? Number.POSITIVE_INFINITY }, clock.now(), hourMs);
  app.get(
    "/metrics",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listMetrics",
        summary: "What processes measured of themselves",
        tags: ["operations"],
        querystring: z.strictObject(span),
        response: { 200: namesAnswer },
      },
    },
    async ({ query }) => ({ items: await opsData.metrics.names(spanOf(query)) }),
  );
  app.get(
    "/metrics/series",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getMetricSeries",
        summary: "Metrics through time",
        tags: ["operations"],
        querystring: seriesQuery,
        response: { 200: seriesAnswer },
      },
    },
    async ({ query: { name: names, by, where, how, stepMs: wanted, ...limits } }) => {
      const { from, to } = spanOf(limits);
      const stepMs = stepOf(to - from, wanted);
      const series = await opsData.metrics.series({ names, where: pairsOf(where), from, to, stepMs });
      const items = [...Map.groupBy(series, ({ name }) => name)].flatMap(([name, own]) => {
        const { kind } = own[0] as Series;
        return combineSeries(own, { by, how, stepMs }).map(({ labels, points }) => ({
          name,
          kind,
          labels: { ...labels },
          points: points.map(({ at, value }) => ({ at: timeText(at), value })),
        }));
      });
      return { from: timeText(from), to: timeText(to), stepMs, items };
    },
  );
}

/** Whole seconds; longer than was asked for where there would be more than `maxSteps`. */
function stepOf(spanMs: number, wanted: number | undefined): number {
  const least = Math.ceil(spanMs / maxSteps / 1000) * 1000;
  const usual = Math.max(60, Math.round(spanMs / 60 / 1000)) * 1000;
  return Math.max(least, wanted ?? usual);
}

function pairsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)] as const),
  );
}
