import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { SecretFacts } from "../../config-store/secret-store.ts";
import { secretWarning } from "../../config-store/vault.ts";
import type { Json } from "../../foundation/json.ts";
import { type Scope, scopeText } from "../../services/scope.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageQuery, timeText } from "./list-query.ts";
import { requireKey, requireScope } from "./scope-query.ts";

const facts = {
  scope: z.string(),
  name: z.string(),
  version: z.int(),
  origin: z.enum(["manifest", "person", "script"]).meta({ description: "Who wrote it." }),
  storedAt: z.string(),
};
const secretAnswer = z.object(facts).meta({ id: "Secret" });
const setAnswer = z.object({ ...facts, warnings: z.array(z.string()) }).meta({ id: "SecretSet" });

const scopeParameter = z.string().meta({ description: "platform, project:NAME or service:PROJECT/NAME." });
const place = { scope: scopeParameter, name: z.string() };

/** Names and times of secrets. No answer of the API ever holds a value. */
export function secretRoutes(scope: FastifyInstance, { catalog, vault }: ApiParts): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/secrets",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listSecrets",
        summary: "Names of the secrets of a scope; never their values",
        tags: ["configuration"],
        querystring: z.strictObject({ scope: scopeParameter, ...pageQuery }),
        response: { 200: listOf(secretAnswer) },
      },
    },
    async ({ query }) => {
      const at = await requireScope(catalog, query.scope);
      const { after, limit } = query;
      const all = (await vault.list(at)).filter(({ name }) => after === undefined || name > after);
      const items = all.slice(0, limit).map((secret) => answerOf(at, secret));
      return { items, next: all.length > limit ? (items.at(-1)?.name ?? null) : null };
    },
  );

  app.put(
    "/secrets",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "setSecret",
        summary: "Set a secret",
        tags: ["configuration"],
        querystring: z.strictObject(place),
        body: z.strictObject({
          value: z.unknown().meta({ description: "A string, or another JSON value but null; its type is kept." }),
        }),
        response: { 200: setAnswer },
      },
    },
    async ({ query, body }) => {
      const at = await requireScope(catalog, query.scope);
      const value = (body.value ?? null) as Json;
      const secret = await vault.put(at, requireKey(query.name), { value, origin: "person" });
      const warning = secretWarning(query.name, value);
      return { ...answerOf(at, secret), warnings: warning === undefined ? [] : [warning] };
    },
  );

  app.delete(
    "/secrets",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteSecret",
        summary: "Delete a secret; a deploy does not bring it back",
        tags: ["configuration"],
        querystring: z.strictObject(place),
        response: { 204: z.undefined() },
      },
    },
    async ({ query }, reply) => {
      const at = await requireScope(catalog, query.scope);
      await vault.put(at, requireKey(query.name), { value: undefined, origin: "person" });
      return reply.code(204).send();
    },
  );
}

function answerOf(scope: Scope, { name, version, origin, storedAt }: SecretFacts): z.output<typeof secretAnswer> {
  return { scope: scopeText(scope), name, version, origin, storedAt: timeText(storedAt) };
}
