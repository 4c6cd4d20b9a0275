import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { MappingChange } from "../../catalog/mappings.ts";
import type { MappingId } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { mappingAnswer, mappingAnswerOf } from "./mapping-answer.ts";
import { mappingContentOf, mappingInput, mappingParts, requireSound } from "./mapping-input.ts";
import { required } from "./required.ts";

const params = z.object({ id: z.string().min(1) });

/** What makes events of one type into events of another. A change counts for the next event that is routed (rule D2). */
export function mappingRoutes(scope: FastifyInstance, { catalog, bus }: Pick<ApiParts, "catalog" | "bus">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const find = async (id: string) =>
    required(await catalog.mappings.get(id as MappingId), `no mapping has the id "${id}"`);

  app.get(
    "/mappings",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listMappings",
        summary: "Mappings",
        tags: ["mappings"],
        querystring: z.strictObject({
          project: z.string().optional(),
          fromType: z.string().optional(),
          toType: z.string().optional(),
          ...pageQuery,
        }),
        response: { 200: listOf(mappingAnswer) },
      },
    },
    async ({ query }) => {
      const { project, fromType, toType } = query;
      const page = await catalog.mappings.list({ project, fromType, toType }, pageRequestOf(query));
      return pageAnswer(page, mappingAnswerOf);
    },
  );

  app.post(
    "/mappings",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "createMapping",
        summary: "Make events of one type from events of another, from now on",
        description: "The same project, types and filter again change the mapping there is.",
        tags: ["mappings"],
        body: mappingInput,
        response: { 200: mappingAnswer, 201: mappingAnswer },
      },
    },
    async ({ body }, reply) => {
      const { mapping, created } = await catalog.mappings.create(mappingContentOf(body));
      bus.signal("links");
      return reply.code(created ? 201 : 200).send(mappingAnswerOf(mapping));
    },
  );

  app.get(
    "/mappings/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getMapping",
        summary: "One mapping",
        tags: ["mappings"],
        params,
        response: { 200: mappingAnswer },
      },
    },
    async ({ params: { id } }) => mappingAnswerOf(await find(id)),
  );

  app.patch(
    "/mappings/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "updateMapping",
        summary: "Change a mapping",
        tags: ["mappings"],
        params,
        body: z
          .strictObject(mappingParts)
          .partial()
          .refine((change) => Object.keys(change).length > 0, "must name something to change"),
        response: { 200: mappingAnswer },
      },
    },
    async ({ params: { id }, body }) => {
      const { name: _name, filter, ...rest } = body;
      const former = await find(id);
      requireSound({
        ...former,
        ...rest,
        filter: filter === undefined ? former.filter : (filter ?? undefined),
      } as typeof former);
      const mapping = await catalog.mappings.update(id as MappingId, body as MappingChange);
      bus.signal("links");
      return mappingAnswerOf(mapping);
    },
  );

  app.delete(
    "/mappings/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteMapping",
        summary: "Remove a mapping; what it made stays",
        tags: ["mappings"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.mappings.delete(id as MappingId);
      bus.signal("links");
      return reply.code(204).send();
    },
  );
}
