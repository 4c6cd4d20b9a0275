import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Project } from "../../catalog/projects.ts";
import { nameSchema } from "../../services/names.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeText } from "./list-query.ts";

const projectAnswer = z
  .object({ name: z.string(), description: z.string(), createdAt: z.string() })
  .meta({ id: "Project" });

export function projectRoutes(scope: FastifyInstance, { catalog, configStore, vault }: ApiParts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/projects",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listProjects",
        summary: "Projects",
        tags: ["projects"],
        querystring: z.strictObject(pageQuery),
        response: { 200: listOf(projectAnswer) },
      },
    },
    async ({ query }) => pageAnswer(await catalog.projects.list(pageRequestOf(query)), projectAnswerOf),
  );

  app.post(
    "/projects",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "createProject",
        summary: "Make a project",
        tags: ["projects"],
        body: z.strictObject({ name: nameSchema, description: z.string().max(2000).default("") }),
        response: { 201: projectAnswer },
      },
    },
    async ({ body }, reply) => reply.code(201).send(projectAnswerOf(await catalog.projects.create(body))),
  );

  app.delete(
    "/projects/:project",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteProject",
        summary: "Delete a project that has no services",
        tags: ["projects"],
        params: z.object({ project: nameSchema }),
        response: { 204: z.undefined() },
      },
    },
    async ({ params }, reply) => {
      const { project } = params;
      await catalog.projects.delete(project);
      await vault.deleteScope({ kind: "project", project });
      await configStore.configuration.deleteScope({ kind: "project", project });
      return reply.code(204).send();
    },
  );
}

function projectAnswerOf({ name, description, createdAt }: Project): z.output<typeof projectAnswer> {
  return { name, description, createdAt: timeText(createdAt) };
}
