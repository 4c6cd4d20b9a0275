import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { eventTypePattern } from "../../events/event-type-pattern.ts";
import type { LinkId, VersionId } from "../../foundation/ids.ts";
import { defaultProject, nameSchema } from "../../services/names.ts";
import type { ApiParts } from "./api-parts.ts";
import { filterExpression } from "./filter-expression.ts";
import { linkAnswer, linkAnswerOf } from "./link-answer.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { required } from "./required.ts";
import { serviceQuery } from "./service-query.ts";

const version = z.string().min(1).meta({ description: '"active", or a version\'s id.' });
const params = z.object({ id: z.string().min(1) });

/** Links of people and manifests. A change counts for the next event that is routed (rule D2). */
export function linkRoutes(scope: FastifyInstance, { catalog, bus }: Pick<ApiParts, "catalog" | "bus">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/links",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listLinks",
        summary: "Links",
        tags: ["links"],
        querystring: z.strictObject({
          project: z.string().optional(),
          service: serviceQuery,
          eventType: z.string().optional(),
          ...pageQuery,
        }),
        response: { 200: listOf(linkAnswer) },
      },
    },
    async ({ query }) => {
      const filter = {
        project: query.service?.project ?? query.project,
        service: query.service?.name,
        eventType: query.eventType,
      };
      return pageAnswer(await catalog.links.list(filter, pageRequestOf(query)), linkAnswerOf);
    },
  );

  app.post(
    "/links",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "createLink",
        summary: "Link an event type to a service; the same content again answers the link there is",
        tags: ["links"],
        body: z.strictObject({
          project: nameSchema.default(defaultProject),
          service: nameSchema,
          version: version.default("active"),
          eventType: eventTypePattern,
          filter: filterExpression.nullable().optional(),
          active: z.boolean().default(true),
        }),
        response: { 200: linkAnswer, 201: linkAnswer },
      },
    },
    async ({ body }, reply) => {
      const { link, created } = await catalog.links.create({
        ...body,
        version: body.version as "active" | VersionId,
        filter: body.filter ?? undefined,
      });
      bus.signal("links");
      return reply.code(created ? 201 : 200).send(linkAnswerOf(link));
    },
  );

  app.get(
    "/links/:id",
    {
      config: { access: "administrator" },
      schema: { operationId: "getLink", summary: "One link", tags: ["links"], params, response: { 200: linkAnswer } },
    },
    async ({ params: { id } }) =>
      linkAnswerOf(required(await catalog.links.get(id as LinkId), `no link has the id "${id}"`)),
  );

  app.patch(
    "/links/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "updateLink",
        summary: "Change a link; it is a person's from then on",
        tags: ["links"],
        params,
        body: z
          .strictObject({
            version: version.optional(),
            eventType: eventTypePattern.optional(),
            filter: filterExpression.nullable().optional().meta({ description: "null: none." }),
            active: z.boolean().optional(),
          })
          .refine((change) => Object.keys(change).length > 0, "must name something to change"),
        response: { 200: linkAnswer },
      },
    },
    async ({ params: { id }, body }) => {
      const link = await catalog.links.update(id as LinkId, {
        ...body,
        version: body.version as "active" | VersionId | undefined,
      });
      bus.signal("links");
      return linkAnswerOf(link);
    },
  );

  app.delete(
    "/links/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteLink",
        summary: "Remove a link; no redeploy revives it",
        tags: ["links"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.links.delete(id as LinkId);
      bus.signal("links");
      return reply.code(204).send();
    },
  );
}
