import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import {
  type ConfigurationEntry,
  type ConfigurationValue,
  effectiveConfiguration,
} from "../../config-store/configuration-store.ts";
import { isPlatformError, PlatformError } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import { parseScope, type Scope, scopeText } from "../../services/scope.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageQuery, timeText } from "./list-query.ts";
import { HttpRefusal } from "./problem-document.ts";
import { required } from "./required.ts";
import { requireKey, requireScope, versionOfIfMatch } from "./scope-query.ts";

const entryAnswer = z
  .object({
    scope: z.string(),
    key: z.string(),
    value: z.unknown().meta({ description: "null where it is deleted." }),
    version: z.int(),
    deleted: z.boolean(),
    origin: z.enum(["manifest", "person", "script"]).meta({ description: "Who wrote it." }),
    storedAt: z.string(),
  })
  .meta({ id: "ConfigurationEntry" });

const flag = z.enum(["true", "false"]).default("false");
const params = z.object({
  "*": z.string().meta({ description: "platform, project/NAME or service/PROJECT/NAME; a key behind it." }),
});

export function configurationRoutes(scope: FastifyInstance, parts: ApiParts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { catalog, configStore } = parts;

  app.get(
    "/config/*",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getConfiguration",
        summary: "Configuration: the keys of a scope, or one key",
        description:
          "A scope answers a list, a key its value with the version as ETag. `history=true`: every version of a key, newest first. `effective=true`: what a service sees, each key with the scope it comes from.",
        tags: ["configuration"],
        params,
        querystring: z.strictObject({ ...pageQuery, effective: flag, history: flag }),
        response: { 200: z.union([entryAnswer, listOf(entryAnswer)]) },
      },
    },
    async ({ params, query }, reply) => {
      const { place, key } = await requirePlace(params["*"]);
      if (key === undefined) {
        const found = query.effective === "true" ? await effective(place) : await own(place);
        return pageOf(found, query);
      }
      if (query.history === "true") return history(place, key, query);
      const entry = await configStore.configuration.get(place, key);
      const value = required(entry?.deleted === false ? entry : undefined, unknownKey(place, key));
      return reply.header("etag", `"${value.version}"`).send(answerOf(place, key, value));
    },
  );

  app.put(
    "/config/*",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "putConfiguration",
        summary: "Set a key, or bring back one of its versions",
        description:
          'The body is any JSON value. With `restore=VERSION` and no body the value of that version is set again. `If-Match: "3"` sets only on version 3, "0" only where there is none; else 412.',
        tags: ["configuration"],
        params,
        querystring: z.strictObject({ restore: z.coerce.number().int().min(1).optional() }),
        body: z.unknown(),
        response: { 200: entryAnswer },
      },
    },
    async (request, reply) => {
      const { place, key } = await requirePlace(request.params["*"]);
      if (key === undefined)
        throw new PlatformError("invalid-input", "name a key behind the scope: one is set at a time");
      const { restore } = request.query;
      if (restore !== undefined && request.headers["content-type"] !== undefined)
        throw new PlatformError(
          "invalid-input",
          "restore= sets the value of a version and takes no body: leave out the one or the other",
        );
      const value = restore === undefined ? bodyOf(request) : await versionOf(place, key, restore);
      const entry = await put(place, key, value, request.headers["if-match"]);
      return reply.header("etag", `"${entry.version}"`).send(answerOf(place, key, entry));
    },
  );

  app.delete(
    "/config/*",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteConfiguration",
        summary: "Delete a key; its history stays, and a deploy does not bring it back",
        tags: ["configuration"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { place, key } = await requirePlace(request.params["*"]);
      if (key === undefined)
        throw new PlatformError("invalid-input", "name a key behind the scope: one is deleted at a time");
      await put(place, key, undefined, request.headers["if-match"]);
      return reply.code(204).send();
    },
  );

  async function requirePlace(path: string): Promise<{ place: Scope; key: string | undefined }> {
    const names = path.replace(/\/$/, "").split("/");
    if (names[0]?.includes(":") && parseScope(names[0]) === undefined)
      throw new PlatformError(
        "invalid-input",
        `in an address a scope is written with slashes: platform/KEY, project/NAME/KEY or service/PROJECT/NAME/KEY; found ${JSON.stringify(path)}`,
      );
    const length = { platform: 1, project: 2, service: 3 }[names[0] ?? ""] ?? 1;
    const place = await requireScope(catalog, names.slice(0, length).join("/"));
    const rest = names.slice(length);
    return { place, key: rest.length === 0 ? undefined : requireKey(rest.join("/")) };
  }

  async function put(place: Scope, key: string, value: Json | undefined, ifMatch: string | undefined) {
    const expectedVersion = versionOfIfMatch(ifMatch);
    try {
      return await configStore.configuration.put(place, key, { value, origin: "person", expectedVersion });
    } catch (error) {
      if (isPlatformError(error, "conflict")) throw new HttpRefusal(412, "conflict", error.message);
      throw error;
    }
  }

  async function versionOf(place: Scope, key: string, version: number): Promise<Json> {
    const [entry] = await configStore.configuration.history(place, key, { limit: 1, before: version + 1 });
    const found = entry?.version === version && !entry.deleted ? entry : undefined;
    return required(found, `${scopeText(place)} has no version ${version} of ${JSON.stringify(key)} with a value`)
      .value;
  }

  async function own(place: Scope) {
    return [...(await configStore.configuration.values(place))].map(([key, value]) => answerOf(place, key, value));
  }

  async function effective(place: Scope) {
    if (place.kind !== "service") throw new PlatformError("invalid-input", "effective=true is for services only");
    const values = [...(await effectiveConfiguration(configStore.configuration, place))];
    return values.map(([key, value]) => answerOf(value.scope, key, value)).sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async function history(place: Scope, key: string, { limit, after }: { limit: number; after?: string | undefined }) {
    const before = after === undefined ? undefined : Number(after);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new PlatformError("invalid-input", "after must be the `next` of a page");
    const entries = await configStore.configuration.history(place, key, { limit: limit + 1, before });
    if (entries.length === 0 && after === undefined) throw new PlatformError("not-found", unknownKey(place, key));
    const items = entries.slice(0, limit).map((entry) => answerOf(place, key, entry));
    return { items, next: entries.length > limit ? String(items.at(-1)?.version) : null };
  }
}

/** A request without a body has null as its body, which could be a value; but it has no content type. */
function bodyOf({ body, headers }: { body: unknown; headers: Record<string, unknown> }): Json {
  if (headers["content-type"] !== undefined) return body as Json;
  throw new PlatformError("invalid-input", "send the value as JSON, or name a version with ?restore=");
}

function pageOf(all: z.output<typeof entryAnswer>[], { limit, after }: { limit: number; after?: string | undefined }) {
  const rest = after === undefined ? all : all.filter(({ key }) => key > after);
  const items = rest.slice(0, limit);
  return { items, next: rest.length > limit ? (items.at(-1)?.key ?? null) : null };
}

function answerOf(
  scope: Scope,
  key: string,
  entry: ConfigurationEntry | ConfigurationValue,
): z.output<typeof entryAnswer> {
  const deleted = "deleted" in entry && entry.deleted;
  const value = "value" in entry ? entry.value : null;
  const { version, origin, storedAt } = entry;
  return { scope: scopeText(scope), key, value, version, deleted, origin, storedAt: timeText(storedAt) };
}

function unknownKey(scope: Scope, key: string): string {
  return `${scopeText(scope)} has no configuration ${JSON.stringify(key)}`;
}
