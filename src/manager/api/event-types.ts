import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { EventType, EventTypeSummary, EventTypeVersion } from "../../catalog/event-types.ts";
import { coversType } from "../../events/mapping.ts";
import { exampleOf } from "../../events/schema/example-of.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeText } from "./list-query.ts";
import { required } from "./required.ts";

const summary = {
  type: z.string(),
  firstSeen: z.string(),
  lastSeen: z.string(),
  count: z.int().meta({ description: "Approximate: after a crash some events are counted again." }),
  version: z.int().meta({ description: "The newest version of its schema." }),
};
const summaryAnswer = z.object(summary).meta({ id: "EventTypeSummary" });

const change = z.object({
  path: z.string().meta({ description: "Such as `data.items[].price`; `{}` is any name of a map." }),
  what: z.enum(["field", "required", "type", "format", "enum"]),
  before: z.unknown(),
  after: z.unknown(),
});
const versionSummary = z.object({ n: z.int(), createdAt: z.string(), changes: z.array(change) });
const dataSchema = {
  schema: z.unknown().meta({ description: "JSON Schema (draft 2020-12) of the events' data." }),
  dataRequired: z.boolean().meta({ description: "All events of the type had data." }),
};
const versionAnswer = versionSummary.extend(dataSchema).meta({ id: "EventTypeVersion" });

const typeAnswer = z
  .object({
    ...summary,
    ...dataSchema,
    settled: z.boolean().meta({ description: "Enough was seen for a change to be drift." }),
    example: z
      .unknown()
      .optional()
      .meta({ description: "Data made from the schema; absent where no event of the type had JSON data." }),
    producers: z.array(
      z.object({ source: z.string(), project: z.string().nullable(), count: z.int(), lastSeen: z.string() }),
    ),
    consumers: z.array(
      z.object({ project: z.string(), service: z.string(), linkId: z.string(), eventType: z.string() }),
    ),
    becomes: z
      .array(
        z.object({ project: z.string().nullable(), fromType: z.string(), toType: z.string(), mappingId: z.string() }),
      )
      .meta({ description: "Types that active mappings make of it; `fromType` may be a wildcard that takes it." }),
    versions: z.array(versionSummary),
  })
  .meta({ id: "EventType" });

/** Links and mappings of one type that an answer names at most, for each way of writing the type. */
const maxConsumers = 1000;

const params = z.object({ type: z.string().min(1) });

/** What the platform has learned of the types of events. */
export function eventTypeRoutes(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/event-types",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listEventTypes",
        summary: "Types of events that were seen, by name",
        tags: ["events"],
        querystring: z.strictObject({
          prefix: z.string().min(1).optional().meta({ description: "Beginning of the name, such as `order.`." }),
          q: z.string().min(1).optional().meta({ description: "Part of the name, in upper or lower case." }),
          ...pageQuery,
        }),
        response: { 200: listOf(summaryAnswer) },
      },
    },
    async ({ query }) =>
      pageAnswer(
        await catalog.eventTypes.list({ prefix: query.prefix, contains: query.q }, pageRequestOf(query)),
        summaryOf,
      ),
  );

  app.get(
    "/event-types/:type",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getEventType",
        summary: "One type: its schema, who sends it, what it starts, and how it changed",
        tags: ["events"],
        params,
        response: { 200: typeAnswer },
      },
    },
    async ({ params: { type } }) => {
      const found = required(await catalog.eventTypes.get(type), notSeen(type));
      const limit = maxConsumers;
      const patterns = patternsOf(type);
      const links = await Promise.all(patterns.map((eventType) => catalog.links.list({ eventType }, { limit })));
      const mappings = await Promise.all(patterns.map((fromType) => catalog.mappings.list({ fromType }, { limit })));
      return {
        ...typeAnswerOf(found, await catalog.eventTypes.versions(type)),
        consumers: links
          .flatMap(({ items }) => items)
          .filter((link) => link.active)
          .map(({ id, project, service, eventType }) => ({ project, service, linkId: id, eventType })),
        becomes: mappings
          .flatMap(({ items }) => items)
          .filter((mapping) => mapping.active)
          .map(({ id, project = null, fromType, toType }) => ({ project, fromType, toType, mappingId: id })),
      };
    },
  );

  app.get(
    "/event-types/:type/versions/:n",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getEventTypeVersion",
        summary: "One version of a type's schema",
        tags: ["events"],
        params: params.extend({ n: z.coerce.number().int().min(1) }),
        response: { 200: versionAnswer },
      },
    },
    async ({ params: { type, n } }) => {
      const version = required(
        await catalog.eventTypes.version(type, n),
        `no version ${n} of the type "${type}" is kept`,
      );
      const { schema, dataRequired } = version;
      return { ...versionSummaryOf(version), schema, dataRequired };
    },
  );

  app.delete(
    "/event-types/:type",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "forgetEventType",
        summary: "Forget what was learned of a type; its next event begins anew",
        tags: ["events"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { type } }, reply) => {
      await catalog.eventTypes.forget(type);
      return reply.code(204).send();
    },
  );
}

function notSeen(type: string): string {
  return `no event of the type "${type}" was seen; it is learned about a second after its first event`;
}

/** All that a link or a mapping may write to mean this type. */
function patternsOf(type: string): string[] {
  const parts = type.split(".");
  const wildcards = parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join(".")}.*`);
  return [type, ...wildcards.filter((pattern) => coversType(pattern, type))];
}

function summaryOf({ type, firstSeen, lastSeen, count, version }: EventTypeSummary): z.output<typeof summaryAnswer> {
  return { type, firstSeen: timeText(firstSeen), lastSeen: timeText(lastSeen), count, version };
}

function versionSummaryOf({ n, createdAt, changes }: EventTypeVersion): z.output<typeof versionSummary> {
  return { n, createdAt: timeText(createdAt), changes };
}

function typeAnswerOf(
  found: EventType,
  versions: readonly EventTypeVersion[],
): Omit<z.output<typeof typeAnswer>, "consumers" | "becomes"> {
  const { schema, dataRequired, settled, producers } = found;
  return {
    ...summaryOf(found),
    schema,
    dataRequired,
    settled,
    example: exampleOf(schema),
    producers: producers.map(({ source, project = null, count, lastSeen }) => {
      return { source, project, count, lastSeen: timeText(lastSeen) };
    }),
    versions: versions.map(versionSummaryOf),
  };
}
