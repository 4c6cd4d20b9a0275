import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Webhook } from "../../catalog/webhooks.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { JsonObject } from "../../foundation/json.ts";
import { randomToken } from "../../foundation/random.ts";
import { nameSchema } from "../../services/names.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeText } from "./list-query.ts";
import type { RecentEvents } from "./recent-events.ts";
import { required } from "./required.ts";
import { acceptWebhook } from "./webhook-intake.ts";

const webhookAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    project: z.string().nullable().meta({ description: "Whose services see its events; null: all." }),
    active: z.boolean(),
    createdAt: z.string(),
    lastUsedAt: z.string().nullable().meta({ description: "To the minute." }),
  })
  .meta({ id: "Webhook" });

const newWebhookAnswer = webhookAnswer
  .extend({
    path: z.string().meta({ description: "What to post to. Its token is told this once, and kept nowhere." }),
    token: z
      .string()
      .meta({ description: "The same by itself, for a bucket: it calls /hooks/s3 and has it in a header." }),
  })
  .meta({ id: "NewWebhook" });

const params = z.object({ id: z.string().min(1) });

/** Making webhooks, and what they are called by. */
export function webhookRoutes(scope: FastifyInstance, parts: ApiParts): void {
  const { catalog, random } = parts;
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const config = { access: "administrator" } as const;

  app.get(
    "/webhooks",
    {
      config,
      schema: {
        operationId: "listWebhooks",
        summary: "Webhooks",
        tags: ["webhooks"],
        querystring: z.strictObject(pageQuery),
        response: { 200: listOf(webhookAnswer) },
      },
    },
    async ({ query }) => pageAnswer(await catalog.webhooks.list(pageRequestOf(query)), webhookAnswerOf),
  );

  app.post(
    "/webhooks",
    {
      config,
      schema: {
        operationId: "createWebhook",
        summary: "Make a webhook: an address that turns each call into the event fx.webhook.incoming",
        tags: ["webhooks"],
        body: z.strictObject({ name: nameSchema, project: nameSchema.optional() }),
        response: { 201: newWebhookAnswer },
      },
    },
    async ({ body: { name, project } }, reply) => {
      const token = randomToken(random);
      const webhook = await catalog.webhooks.create({ name, project, tokenHash: sha256(token) });
      return reply.code(201).send({ ...webhookAnswerOf(webhook), path: pathOf(token), token });
    },
  );

  app.patch(
    "/webhooks/:id",
    {
      config,
      schema: {
        operationId: "updateWebhook",
        summary: "Switch a webhook on or off",
        tags: ["webhooks"],
        params,
        body: z.strictObject({ active: z.boolean() }),
        response: { 200: webhookAnswer },
      },
    },
    async ({ params: { id }, body }) => webhookAnswerOf(await catalog.webhooks.update(id, body)),
  );

  app.post(
    "/webhooks/:id/rotate",
    {
      config,
      schema: {
        operationId: "rotateWebhook",
        summary: "Give a webhook a new address; the old one ends at once",
        tags: ["webhooks"],
        params,
        response: { 200: newWebhookAnswer },
      },
    },
    async ({ params: { id } }) => {
      required(await catalog.webhooks.get(id), `there is no webhook ${id}`);
      const token = randomToken(random);
      const webhook = await catalog.webhooks.update(id, { tokenHash: sha256(token) });
      return { ...webhookAnswerOf(webhook), path: pathOf(token), token };
    },
  );

  app.delete(
    "/webhooks/:id",
    {
      config,
      schema: {
        operationId: "deleteWebhook",
        summary: "Delete a webhook",
        tags: ["webhooks"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.webhooks.delete(id);
      return reply.code(204).send();
    },
  );
}

/** `POST /hooks/{token}`: outside programs call it. The token is what lets them in. */
export function hookRoute(scope: FastifyInstance, parts: ApiParts & { recent: RecentEvents }): void {
  const { bodyBytes } = parts.settings.limits;
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: bodyBytes }, (_request, body, done) =>
    done(null, body),
  );
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/hooks/:token",
    {
      config: { access: "anyone" },
      bodyLimit: bodyBytes,
      schema: {
        operationId: "callWebhook",
        summary: "Call a webhook",
        description:
          "Any body: JSON becomes `data.body`, text `data.text`, anything else `data.base64`. Answers once the event is durable. A call that carries the same Idempotency-Key, webhook-id or X-GitHub-Delivery again is the same event, and is refused with 409 where its body or query differs.",
        tags: ["webhooks"],
        params: z.object({ token: z.string().min(1).max(200) }),
        response: {
          202: z.object({
            key: z.string().meta({ description: "Of the event." }),
            duplicate: z.boolean().meta({ description: "The delivery came before. A hint: the ledger decides." }),
          }),
        },
      },
    },
    async (request, reply) => {
      const { token } = request.params;
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const query = { ...(request.query as JsonObject) };
      return reply.code(202).send(await acceptWebhook(parts, { token, headers: request.headers, query, body }));
    },
  );
}

function pathOf(token: string): string {
  return `/hooks/${token}`;
}

function webhookAnswerOf({
  id,
  name,
  project,
  active,
  createdAt,
  lastUsedAt,
}: Webhook): z.output<typeof webhookAnswer> {
  return {
    id,
    name,
    project: project ?? null,
    active,
    createdAt: timeText(createdAt),
    lastUsedAt: lastUsedAt === undefined ? null : timeText(lastUsedAt),
  };
}
