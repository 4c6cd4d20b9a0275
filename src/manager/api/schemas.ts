import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type EditorSchemaName, editorSchema, editorSchemaNames } from "../../services/editor-schemas.ts";

const fileNames = editorSchemaNames.map((name) => `${name}.json` as const);

/** JSON Schemas of the files of a service, for editors; they say nothing of what is deployed. */
export function schemaRoute(scope: FastifyInstance): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/schemas/:name",
    {
      config: { access: "anyone" },
      schema: {
        operationId: "getSchema",
        summary: "JSON Schema of manifest.json, parameters.json or config.json",
        description: "The name goes with or without its `.json`.",
        tags: ["services"],
        params: z.object({ name: z.enum([...editorSchemaNames, ...fileNames]) }),
        response: { 200: z.looseObject({}) },
      },
    },
    async ({ params: { name } }, reply) =>
      reply.type("application/schema+json").send(editorSchema(name.replace(/\.json$/, "") as EditorSchemaName)),
  );
}
