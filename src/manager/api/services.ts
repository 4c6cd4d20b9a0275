import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { VersionId } from "../../foundation/ids.ts";
import type { Service } from "../../services/service.ts";
import type { ApiParts } from "./api-parts.ts";
import { linkAnswerOf } from "./link-answer.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { required } from "./required.ts";
import { serviceAnswer, serviceAnswerOf, serviceDetail, versionAnswerOf } from "./service-answer.ts";

/** Links and versions shown with a service. */
const shownLinks = 1000;
const shownVersions = 100;

const params = z.object({ project: z.string(), name: z.string() });

export function serviceRoutes(scope: FastifyInstance, { catalog, bus }: Pick<ApiParts, "catalog" | "bus">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/services",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listServices",
        summary: "Services",
        tags: ["services"],
        querystring: z.strictObject({ project: z.string().optional(), ...pageQuery }),
        response: { 200: listOf(serviceAnswer) },
      },
    },
    async ({ query }) =>
      pageAnswer(await catalog.services.list({ project: query.project }, pageRequestOf(query)), serviceAnswerOf),
  );

  app.get(
    "/services/:project/:name",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getService",
        summary: "One service: manifest, versions, links, files",
        tags: ["services"],
        params,
        response: { 200: serviceDetail },
      },
    },
    async ({ params: { project, name } }) =>
      detail(required(await catalog.services.get(project, name), unknownService(project, name))),
  );

  async function detail(service: Service) {
    const { project, name, activeVersion } = service;
    const [active, versions, links] = await Promise.all([
      activeVersion === undefined ? undefined : catalog.services.version(activeVersion),
      catalog.services.versions(project, name, { limit: shownVersions }),
      catalog.links.list({ project, service: name }, { limit: shownLinks }),
    ]);
    return {
      ...serviceAnswerOf(service),
      manifest: active?.manifest ?? null,
      scripts: active?.scripts ?? [],
      files: active?.files ?? [],
      versions: versions.items.map(versionAnswerOf),
      links: links.items.map(linkAnswerOf),
    };
  }

  app.patch(
    "/services/:project/:name",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "updateService",
        summary: "Roll back or forward, switch on or off, change the priority",
        tags: ["services"],
        params,
        body: z
          .strictObject({
            activeVersion: z.string().min(1).optional(),
            active: z.boolean().optional(),
            priority: z.int().min(1).max(10).optional().meta({ description: "1 (highest) to 10 (lowest)." }),
          })
          .refine((change) => Object.keys(change).length > 0, "must name something to change"),
        response: { 200: serviceDetail },
      },
    },
    async ({ params: { project, name }, body }) => {
      const change = { ...body, activeVersion: body.activeVersion as VersionId | undefined };
      const service = await catalog.services.update(project, name, change);
      bus.signal("links");
      return detail(service);
    },
  );

  app.delete(
    "/services/:project/:name",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteService",
        summary: "Delete a service with its versions and links; history stays until retention takes it",
        tags: ["services"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { project, name } }, reply) => {
      await catalog.services.delete(project, name);
      for (const channel of ["links", "cancel", "outbox"] as const) bus.signal(channel);
      return reply.code(204).send();
    },
  );
}

export function unknownService(project: string, name: string): string {
  return `there is no service ${project}/${name}`;
}
