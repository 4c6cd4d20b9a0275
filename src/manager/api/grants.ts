import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { grantedScopes } from "../../services/service.ts";
import type { ApiParts } from "./api-parts.ts";
import { required } from "./required.ts";
import { unknownService } from "./unknown-service.ts";

const params = z.object({ project: z.string(), name: z.string() });
const grants = z
  .object({
    secrets: z.array(z.enum(grantedScopes)).meta({
      description: "Scopes whose secrets its scripts may set. Those of its own scope they always may.",
    }),
  })
  .meta({ id: "Grants" });

/** What a person allows the scripts of a service beyond their own scope. */
export function grantRoutes(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/services/:project/:name/grants",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getGrants",
        summary: "Grants of a service",
        tags: ["services"],
        params,
        response: { 200: grants },
      },
    },
    async ({ params: { project, name } }) => {
      const service = required(await catalog.services.get(project, name), unknownService(project, name));
      return { secrets: [...service.grants] };
    },
  );

  app.put(
    "/services/:project/:name/grants",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "putGrants",
        summary: "Replace the grants of a service",
        tags: ["services"],
        params,
        body: z.strictObject(grants.shape),
        response: { 200: grants },
      },
    },
    async ({ params: { project, name }, body }) => {
      const service = await catalog.services.grant(project, name, body.secrets);
      return { secrets: [...service.grants] };
    },
  );
}
