import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { isPlatformError } from "../../foundation/errors.ts";
import type { VersionId } from "../../foundation/ids.ts";
import { serviceScope } from "../../services/scope.ts";
import type { Service } from "../../services/service.ts";
import type { ApiParts } from "./api-parts.ts";
import { linkAnswerOf } from "./link-answer.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { required } from "./required.ts";
import { serviceAnswer, serviceAnswerOf, serviceDetail, versionAnswerOf } from "./service-answer.ts";
import { deleteState } from "./state.ts";
import { unknownService } from "./unknown-service.ts";

/** Links and versions shown with a service. */
const shownLinks = 1000;
const shownVersions = 100;

const deletedAnswer = z
  .object({
    project: z.string(),
    name: z.string(),
    versions: z.int(),
    links: z.int(),
    jobs: z.int().meta({ description: "Runs that its scripts asked for later." }),
    configuration: z.int().meta({ description: "Values of its own configuration." }),
    secrets: z.int().meta({ description: "Secrets of its own." }),
    state: z.int().meta({ description: "Keys of its state." }),
    cancelled: z.int().meta({ description: "Executions that ran or waited." }),
  })
  .meta({ id: "DeletedService", description: "How much went with it." });

const params = z.object({ project: z.string(), name: z.string() });

export function serviceRoutes(scope: FastifyInstance, parts: ApiParts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { catalog, bus, configStore, vault } = parts;

  /** A crash may leave values behind a service that is gone: asking again then deletes those. */
  async function deleteWithValues(project: string, name: string, force: boolean) {
    const owner = { project, service: name };
    const place = serviceScope(owner);
    let unknown: unknown;
    const gone = await catalog.services.delete(project, name, { onlyEnded: !force }).catch((error: unknown) => {
      if (!isPlatformError(error, "not-found")) throw error;
      unknown = error;
      return { versions: 0, links: 0, jobs: 0, pending: 0, running: 0 };
    });
    const secrets = (await vault.list(place)).length;
    const configuration = (await configStore.configuration.values(place)).size;
    const state = await deleteState(parts, owner);
    if (unknown !== undefined && secrets + configuration + state === 0) throw unknown;
    await vault.deleteScope(place);
    await configStore.configuration.deleteScope(place);
    const { pending, running, ...rows } = gone;
    return { project, name, ...rows, configuration, secrets, state, cancelled: pending + running };
  }

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
      // Another version may let more runs happen at once.
      for (const channel of ["links", "dispatch"] as const) bus.signal(channel);
      return detail(service);
    },
  );

  app.delete(
    "/services/:project/:name",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteService",
        summary:
          "Delete a service with its versions, links, configuration, secrets and state; history stays until retention takes it",
        description:
          "409 while executions of it run or wait, naming how many. With force=true they are cancelled, and tell as their reason that their service was deleted.",
        tags: ["services"],
        params,
        querystring: z.strictObject({
          force: z.enum(["true", "false"]).default("false").meta({ description: "Cancel what runs and waits." }),
        }),
        response: { 200: deletedAnswer },
      },
    },
    async ({ params: { project, name }, query: { force } }) => {
      const deleted = await deleteWithValues(project, name, force === "true");
      for (const channel of ["links", "cancel", "outbox"] as const) bus.signal(channel);
      return deleted;
    },
  );
}
