import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ArtifactStore } from "../../artifact-store/artifact-store.ts";
import type { VersionId } from "../../foundation/ids.ts";
import { type ParametersForm, parametersFile, parametersFormSchema } from "../../services/parameters-form.ts";
import type { ServiceVersion } from "../../services/service.ts";
import type { ApiParts } from "./api-parts.ts";
import { required } from "./required.ts";
import { unknownService } from "./unknown-service.ts";

const formAnswer = z
  .object({
    version: z.string(),
    form: z
      .looseObject({ fields: z.array(z.looseObject({})) })
      .nullable()
      .meta({ description: "null: it has none." }),
  })
  .meta({ id: "ParametersForm" });

/** The form of a run by hand, for whoever draws one. */
export function parametersRoute(scope: FastifyInstance, { catalog, artifacts }: ApiParts): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/services/:project/:name/parameters",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getParameters",
        summary: "The form of a service's parameters (parameters.json)",
        tags: ["services"],
        params: z.object({ project: z.string(), name: z.string() }),
        querystring: z.strictObject({
          version: z.string().min(1).default("active").meta({ description: '"active", or a version\'s id.' }),
        }),
        response: { 200: formAnswer },
      },
    },
    async ({ params: { project, name }, query }) => {
      const service = required(await catalog.services.get(project, name), unknownService(project, name));
      const id = query.version === "active" ? service.activeVersion : (query.version as VersionId);
      const version = id === undefined ? undefined : await catalog.services.version(id);
      const own = version?.project === project && version.name === name ? version : undefined;
      const found = required(own, `${project}/${name} has no version "${query.version}"`);
      return { version: found.id, form: (await formOf(artifacts, found)) ?? null };
    },
  );
}

/** Undefined where the version has no form. It was checked when it was deployed. */
export async function formOf(
  artifacts: Pick<ArtifactStore, "get">,
  version: Pick<ServiceVersion, "files">,
): Promise<ParametersForm | undefined> {
  const file = version.files.find(({ path }) => path === parametersFile);
  if (file === undefined) return undefined;
  return parametersFormSchema.parse(JSON.parse(Buffer.from(await artifacts.get(file.hash)).toString()));
}
