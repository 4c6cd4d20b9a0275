import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Job } from "../../catalog/jobs.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeText } from "./list-query.ts";
import { serviceQuery } from "./service-query.ts";

const jobAnswer = z
  .object({
    id: z.string(),
    project: z.string(),
    service: z.string(),
    at: z.string(),
    executionId: z.string().meta({ description: "The execution that asked for it." }),
    correlationId: z.string(),
    createdAt: z.string(),
  })
  .meta({ id: "Job" });

/** Runs that scripts asked for later, with `context.scheduler.retry`. */
export function jobRoutes(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/schedules/jobs",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listJobs",
        summary: "Runs that scripts asked for later and that have not begun, earliest first",
        tags: ["schedules"],
        querystring: z.strictObject({ project: z.string().optional(), service: serviceQuery, ...pageQuery }),
        response: { 200: listOf(jobAnswer) },
      },
    },
    async ({ query }) => {
      const filter = { project: query.service?.project ?? query.project, service: query.service?.name };
      return pageAnswer(await catalog.jobs.list(filter, pageRequestOf(query)), jobAnswerOf);
    },
  );

  app.delete(
    "/schedules/jobs/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "cancelJob",
        summary: "Cancel a run that a script asked for later",
        tags: ["schedules"],
        params: z.object({ id: z.string().min(1) }),
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.jobs.cancel(id);
      return reply.code(204).send();
    },
  );
}

function jobAnswerOf(job: Job): z.output<typeof jobAnswer> {
  const { id, project, service, executionId, correlationId } = job;
  return { id, project, service, at: timeText(job.at), executionId, correlationId, createdAt: timeText(job.createdAt) };
}
