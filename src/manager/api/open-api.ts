import { STATUS_CODES } from "node:http";
import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import type { FastifyInstance, RouteOptions } from "fastify";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import { problemDocument } from "./problem-document.ts";

/** The OpenAPI 3.1 document is generated from the routes; this is its frame. */
export function openApiOptions(productVersion: string): FastifyDynamicSwaggerOptions {
  return {
    transform: (route) => openToAnyone(route, bodyOptional(route, nameWildcard(jsonSchemaTransform(route)))),
    transformObject: (document) => describeAnswers(jsonSchemaTransformObject(document)),
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "StreamZero FX",
        version: productVersion,
        description: [
          "Large applications written as small services connected by events.",
          "",
          "Every call needs the header `Authorization: Bearer <token>`. Lists answer `{items, next}`: `after` takes the",
          "previous page's `next`, `limit` is at most 1,000. Errors are problem documents (RFC 9457) with a `code` and,",
          "where several things are wrong, one entry in `problems` for each. Times are RFC 3339.",
        ].join("\n"),
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
      tags: [
        { name: "events", description: "CloudEvents in, and what became of them" },
        { name: "services", description: "Services and their versions" },
        { name: "configuration", description: "Configuration, secrets and state of services" },
        { name: "links", description: "Which events start which services" },
        { name: "mappings", description: "Which events become events of another type" },
        { name: "executions", description: "Runs of services" },
        { name: "schedules", description: "What starts at its time, and runs that wait for theirs" },
        { name: "alerts", description: "What is watched, and what was found" },
        { name: "replays", description: "Flows run again on recorded events, with nothing sent by context" },
        { name: "projects", description: "What services and events belong to" },
        { name: "webhooks", description: "Addresses that outside programs post to" },
        { name: "operations", description: "Is it well, and does it add up" },
      ],
    },
  };
}

const refusal = {
  description: "A problem document: what is wrong, where, and what would be right",
  content: { "application/problem+json": { schema: problemDocument } },
};

/** Every route of this scope can refuse; saying so once is enough. */
export function describeRefusals(scope: FastifyInstance): void {
  scope.addHook("onRoute", (route) => {
    if (route.schema === undefined || route.schema.hide) return;
    const response = route.schema.response as Record<string, unknown> | undefined;
    route.schema = { ...route.schema, response: { ...response, "4xx": refusal, "5xx": refusal } };
  });
}

/** An answer of bytes, as they were stored; the schema of bytes is empty in OpenAPI 3.1. */
export function bytesAnswer(description: string) {
  return { description, content: { "application/octet-stream": { schema: z.unknown() } } };
}

interface Transformed {
  // biome-ignore lint/suspicious/noExplicitAny: JSON schemas on their way into the document.
  schema: any;
  url: string;
}

/** The router calls the rest of a path `*`; people call it the path. */
function nameWildcard({ schema, url }: Transformed): Transformed {
  const rest = schema?.params?.properties?.["*"];
  if (rest === undefined || !url.endsWith("/*")) return { schema, url };
  const { "*": _, ...properties } = schema.params.properties;
  const required = schema.params.required?.map((name: string) => (name === "*" ? "path" : name));
  const params = { ...schema.params, properties: { ...properties, path: rest }, required };
  return { schema: { ...schema, params }, url: url.replace(/\*$/, ":path") };
}

/** What needs no token says so: the document asks for one everywhere else. */
function openToAnyone({ route }: { route: RouteOptions }, { schema, url }: Transformed): Transformed {
  return { schema: route.config?.access === "anyone" ? { ...schema, security: [] } : schema, url };
}

const optionalBody = "x-optional-body";

/** The generator requires every body that is described; a route whose schema takes none at all says so. */
function bodyOptional(
  { schema }: { schema: RouteOptions["schema"] },
  { schema: described, url }: Transformed,
): Transformed {
  const { body } = (schema ?? {}) as { body?: z.ZodType };
  const optional = body instanceof z.ZodType && body.safeParse(undefined).success;
  return { schema: optional ? { ...described, [optionalBody]: true } : described, url };
}

/** An answer that its route does not describe is described by its status. */
function describeAnswers<Document>(document: Document): Document {
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> };
  for (const method of Object.values(paths).flatMap((methods) => Object.values(methods))) {
    for (const [status, answer] of Object.entries(method.responses ?? {})) {
      if (answer.description === "Default Response") answer.description = STATUS_CODES[status] ?? status;
    }
    if (method.requestBody && method[optionalBody]) method.requestBody.required = false;
    delete method[optionalBody];
  }
  return document;
}

interface Operation {
  responses?: Record<string, { description?: string }>;
  requestBody?: { required?: boolean };
  [optionalBody]?: true;
}
