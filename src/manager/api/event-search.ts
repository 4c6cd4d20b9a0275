import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventFields } from "../../search/query-fields.ts";
import type { ApiParts } from "./api-parts.ts";
import { pageQuery, timeText } from "./list-query.ts";
import { foundAnswer, foundOf, searchOf, searchQuery, searchTimeLimitMs } from "./search-query.ts";

const eventHitAnswer = z
  .object({
    id: z.string(),
    at: z.string().meta({ description: "When it was accepted." }),
    key: z.string(),
    eventId: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string().nullable(),
    project: z.string().nullable(),
    correlationId: z.string().nullable(),
    excerpt: z.string().meta({ description: "Beginning of its data, as JSON." }),
  })
  .meta({ id: "EventHit" });

type Parts = Pick<ApiParts, "opsData"> & { closing: AbortSignal };

export function eventSearchRoute(scope: FastifyInstance, { opsData, closing }: Parts): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/events/search",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "searchEvents",
        summary: "Events whose data or attributes match, newest first; the platform's own among them",
        tags: ["events"],
        querystring: z.strictObject({ ...searchQuery, ...pageQuery }),
        response: { 200: foundAnswer(eventHitAnswer) },
      },
    },
    async ({ query }) => {
      const { limit, after } = query;
      const search = searchOf(query, eventFields);
      const request = { ...search, limit, after, timeLimitMs: searchTimeLimitMs, signal: closing };
      return foundOf(await opsData.search.events(request), limit, ({ at, ...hit }) => ({
        ...hit,
        at: timeText(at),
        subject: hit.subject ?? null,
        project: hit.project ?? null,
        correlationId: hit.correlationId ?? null,
      }));
    },
  );
}
