import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { VersionId } from "../../foundation/ids.ts";
import { nameSchema } from "../../services/names.ts";
import type { ApiParts } from "./api-parts.ts";
import { type DeployListener, deployPackage } from "./deploy/deploy-package.ts";
import { readPackage } from "./deploy/read-package.ts";
import type { EventStreams, StreamedEvent } from "./event-stream.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { bytesAnswer } from "./open-api.ts";
import { HttpRefusal, problemOf } from "./problem-document.ts";
import { required } from "./required.ts";
import { versionAnswer, versionAnswerOf } from "./service-answer.ts";
import { unknownService } from "./unknown-service.ts";

const archiveTypes = ["application/gzip", "application/x-gzip", "application/x-tar+gzip", "application/octet-stream"];

const names = z.array(z.string());
const proposalAnswer = z.object({
  taken: names.meta({ description: "Set by this deploy." }),
  kept: names.meta({ description: "A person or a script changed or deleted it, which stays." }),
  gone: names.meta({ description: "Set by an earlier deploy, and no longer in the file." }),
});

const deployAnswer = z
  .object({
    project: z.string(),
    name: z.string(),
    version: z.string(),
    formerVersion: z.string().nullable().meta({
      description: "The version that was active before: the same where nothing changed, null where there was none.",
    }),
    warnings: z.array(z.string()),
    configuration: proposalAnswer.meta({ description: "Keys of config.json." }),
    secrets: proposalAnswer.meta({ description: "Names in secrets.json, which itself is discarded." }),
    dependencies: z
      .array(z.object({ file: z.string(), tool: z.string(), cached: z.boolean(), durationMs: z.int() }))
      .meta({
        description: "Packages that were installed for requirements.txt and package.json; cached: they were there.",
      }),
  })
  .meta({ id: "Deployed" });

/** With Accept: text/event-stream, what is sent before the end. */
const progressMedia = "text/event-stream";

export function versionRoutes(scope: FastifyInstance, parts: ApiParts & { streams: EventStreams }): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { bus, catalog, artifacts, settings, streams } = parts;
  // The archive is read as it arrives; its own limits apply.
  scope.addContentTypeParser(archiveTypes, (_request, payload, done) => done(null, payload));

  app.post(
    "/services/:project/:name/versions",
    {
      config: { access: "administrator" },
      bodyLimit: settings.limits.packageBytes * 2,
      schema: {
        operationId: "deployVersion",
        summary: "Deploy a directory, sent as a gzipped tar",
        description:
          "201 for a new version, 200 when this content was deployed before; it becomes the active version, also where a roll-back had made another one active. Nothing is kept of what is refused. 503 where an index of packages did not answer: the same deploy may work later. With Accept: text/event-stream the answer is a stream: an event `progress` with a line of text for each thing that happens while packages are installed, then `deployed` with this answer and its `created`, or `refused` with a problem document; what is being installed ends when its reader leaves, unless somebody else waits for it.",
        tags: ["services"],
        consumes: ["application/gzip"],
        params: z.object({ project: nameSchema, name: nameSchema }),
        body: z.unknown().meta({ type: "string", format: "binary" }),
        response: { 200: deployAnswer, 201: deployAnswer },
      },
    },
    async (request, reply) => {
      const { project, name } = request.params;
      const body = request.body as Readable | undefined;
      if (typeof body?.pipe !== "function") {
        throw new HttpRefusal(
          415,
          "invalid-input",
          `send the directory as a gzipped tar, content type ${archiveTypes[0]}`,
        );
      }
      const files = await readPackage(body, settings.limits);
      const deploy: Deploy = async (listener) => {
        const { version, created, former, ...answer } = await deployPackage(parts, { project, name }, files, listener);
        for (const channel of ["links", "outbox", "dispatch"] as const) bus.signal(channel);
        return { created, answer: { project, name, version: version.id, formerVersion: former ?? null, ...answer } };
      };
      if (request.headers.accept?.toLowerCase().includes(progressMedia)) {
        await streams.answer(reply, (write, left) => tellDeploy(deploy, write, left, request));
        return reply;
      }
      const { created, answer } = await deploy({ told() {} });
      return reply.code(created ? 201 : 200).send(answer);
    },
  );

  app.get(
    "/services/:project/:name/versions",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listVersions",
        summary: "Versions of a service, newest first",
        tags: ["services"],
        params: z.object({ project: z.string(), name: z.string() }),
        querystring: z.strictObject(pageQuery),
        response: { 200: listOf(versionAnswer) },
      },
    },
    async ({ params: { project, name }, query }) => {
      required(await catalog.services.get(project, name), unknownService(project, name));
      return pageAnswer(await catalog.services.versions(project, name, pageRequestOf(query)), versionAnswerOf);
    },
  );

  app.get(
    "/services/:project/:name/versions/:version/files/*",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getVersionFile",
        summary: "A file of a version",
        tags: ["services"],
        produces: ["application/octet-stream"],
        params: z.object({ project: z.string(), name: z.string(), version: z.string(), "*": z.string() }),
        response: { 200: bytesAnswer("The file as it was deployed") },
      },
    },
    async ({ params }, reply) => {
      const { project, name } = params;
      const version = await catalog.services.version(params.version as VersionId);
      const own = version?.project === project && version.name === name ? version : undefined;
      const known = required(own, `${project}/${name} has no version "${params.version}"`);
      const path = params["*"];
      const file = required(
        known.files.find((other) => other.path === path),
        `version ${params.version} has no file "${path}"`,
      );
      const content = await artifacts.get(file.hash);
      // What people deployed is shown as bytes, never as a page of ours.
      reply.header("content-disposition", "attachment").type("application/octet-stream");
      return reply.send(Buffer.from(content.buffer, content.byteOffset, content.length));
    },
  );
}

type Deploy = (listener: DeployListener) => Promise<{ created: boolean; answer: z.infer<typeof deployAnswer> }>;

/** The reader may leave meanwhile: what is being installed ends then, and any other deploy that has begun goes on to its end. */
async function tellDeploy(
  deploy: Deploy,
  write: (event: StreamedEvent) => Promise<void>,
  left: AbortSignal,
  request: FastifyRequest,
): Promise<void> {
  try {
    const { created, answer } = await deploy({
      told: (line) => void write({ event: "progress", data: line }),
      left,
    });
    await write({ event: "deployed", data: { created, ...answer } });
  } catch (error) {
    const document = problemOf(error, request);
    if (document === undefined) throw error;
    await write({ event: "refused", data: document });
  }
}
