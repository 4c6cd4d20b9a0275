import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { executionStatuses, triggers } from "../../executions/execution.ts";
import { type DurationStats, statsKeys } from "../../ops-data/ops-data.ts";
import type { ApiParts } from "./api-parts.ts";
import { timeQuery, timeText } from "./list-query.ts";
import { boundedSpan } from "./search-query.ts";
import { serviceQuery } from "./service-query.ts";

const dayMs = 86_400_000;
const trigger = z.enum(triggers);

const span = {
  from: timeQuery.meta({ description: "Ended from this minute on; absent: a week before `to`." }),
  to: timeQuery.meta({ description: "Ended before this minute; absent: now." }),
  project: z.string().optional(),
};

const durations = z
  .object({
    avgMs: z.number().nullable(),
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    maxMs: z.number().nullable(),
  })
  .meta({ description: "Quantiles to within 2.5 %; null where nothing was started.", id: "DurationStats" });

const statsAnswer = z.object({
  from: z.string(),
  to: z.string(),
  items: z
    .array(
      z.object({
        status: z.enum(executionStatuses).optional(),
        trigger: trigger.optional(),
        project: z.string().optional(),
        service: z.string().optional(),
        at: z.string().optional().meta({ description: "Begin of the day or hour (UTC)." }),
        count: z.int(),
        duration: durations,
        queue: durations,
      }),
    )
    .meta({ description: "By time, then the most frequent first." }),
});

const slowestAnswer = z.object({
  items: z.array(
    z.object({
      executionId: z.string(),
      project: z.string(),
      service: z.string(),
      version: z.string(),
      trigger,
      status: z.enum(executionStatuses),
      correlationId: z.string(),
      attempt: z.int(),
      createdAt: z.string(),
      startedAt: z.string(),
      finishedAt: z.string(),
      durationMs: z.number(),
    }),
  ),
});

export function statsRoutes(scope: FastifyInstance, { opsData, clock }: Pick<ApiParts, "opsData" | "clock">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const spanOf = ({ from, to }: { from?: number | undefined; to?: number | undefined }) =>
    boundedSpan({ from: from ?? Number.NEGATIVE_INFINITY, to: to ?? Number.POSITIVE_INFINITY }, clock.now(), 7 * dayMs);
  app.get(
    "/stats/executions",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getExecutionStats",
        summary: "How many executions ended, how long they ran and how long they waited",
        description: "`by` takes status, trigger, service, project and day or hour, with commas between them.",
        tags: ["operations"],
        querystring: z.strictObject({
          ...span,
          service: serviceQuery.meta({ description: "`project/name`" }),
          by: z
            .preprocess(
              (value) => (typeof value === "string" ? value.split(",").filter((key) => key !== "") : value),
              z.array(z.enum(statsKeys)),
            )
            .default([]),
        }),
        response: { 200: statsAnswer },
      },
    },
    async ({ query: { by, project, service, ...limits } }) => {
      const { from, to } = spanOf(limits);
      const rows = await opsData.history.executionStats({
        from,
        to,
        by,
        project: service?.project ?? project,
        service: service?.name,
      });
      const items = rows.map(({ at, duration, queue, ...row }) => ({
        ...row,
        ...(at === undefined ? {} : { at: timeText(at) }),
        duration: durationsOf(duration),
        queue: durationsOf(queue),
      }));
      return { from: timeText(from), to: timeText(to), items };
    },
  );
  app.get(
    "/stats/executions/slowest",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getSlowestExecutions",
        summary: "The executions that took the longest",
        tags: ["operations"],
        querystring: z.strictObject({ ...span, limit: z.coerce.number().int().min(1).max(100).default(10) }),
        response: { 200: slowestAnswer },
      },
    },
    async ({ query: { limit, project, ...limits } }) => {
      const found = await opsData.history.slowest({ ...spanOf(limits), project, limit });
      return {
        items: found.map(({ createdAt, startedAt, finishedAt, ...execution }) => ({
          ...execution,
          createdAt: timeText(createdAt),
          startedAt: timeText(startedAt),
          finishedAt: timeText(finishedAt),
          durationMs: finishedAt - startedAt,
        })),
      };
    },
  );
}

function durationsOf({ avgMs, p50Ms, p95Ms, maxMs }: DurationStats) {
  return { avgMs: avgMs ?? null, p50Ms: p50Ms ?? null, p95Ms: p95Ms ?? null, maxMs: maxMs ?? null };
}
