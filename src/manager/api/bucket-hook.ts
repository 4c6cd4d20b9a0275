import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { readBucketNotification } from "../../events/bucket-notification.ts";
import { encodeRecord } from "../../events/bus-binding.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import { objectUploadedEvent } from "../../events/outside-events.ts";
import { topics } from "../../events/topics.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ApiParts } from "./api-parts.ts";
import { noteUse, usableWebhook } from "./webhook-intake.ts";

/** `POST /hooks/s3`: buckets tell of what was put into them. Which webhook it is, the token in the header says (rule S6). */
export function bucketHookRoute(scope: FastifyInstance, parts: ApiParts): void {
  const { bus, catalog, clock, settings } = parts;
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/hooks/s3",
    {
      config: { access: "anyone" },
      bodyLimit: settings.limits.bodyBytes,
      schema: {
        operationId: "notifyOfObjects",
        summary: "Tell of objects that were put into a bucket",
        description:
          "Takes notifications as S3 and servers like it send them, and events of EventBridge. Each object that was put becomes the event fx.file.uploaded; what else is told is passed over. Answers once the events are durable. What is told again is the same event. The token of a webhook comes in the header `Authorization`, as `Bearer` or as the password of `Basic`.",
        tags: ["webhooks"],
        body: z.unknown().meta({ description: "A notification of S3, or an event of EventBridge." }),
        response: {
          202: z.object({
            keys: z.array(z.string()).meta({ description: "Of the events, in the order of the records." }),
            passedOver: z.int().meta({ description: "Records that tell of something other than an object put." }),
          }),
        },
      },
    },
    async ({ headers, body }, reply) => {
      const webhook = await usableWebhook(catalog.webhooks, tokenIn(headers.authorization));
      if (webhook === undefined)
        throw new PlatformError(
          "unauthenticated",
          "the token is no webhook's: it was rotated, switched off or deleted",
        );
      const { put, passedOver } = readBucketNotification(body);
      const events = put.map((object) => objectUploadedEvent(webhook, object));
      if (events.length > 0) await bus.publish(events.map((event) => encodeRecord(topics.platform, event)));
      await noteUse(catalog.webhooks, webhook, clock.now());
      return reply.code(202).send({ keys: events.map(eventKeyOf), passedOver });
    },
  );
}

/** RFC 6750, and RFC 7617 for senders that know names and passwords only: then the name is theirs to choose. */
function tokenIn(authorization = ""): string {
  const [, scheme = "", credentials = ""] = /^(bearer|basic) +(\S+)$/i.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === "bearer") return credentials;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, "base64").toString()) ?? [];
  if (password !== undefined) return password;
  throw new PlatformError(
    "unauthenticated",
    "a webhook's token is needed: send the header `Authorization: Bearer <token>`, or the token as the password of `Basic`",
  );
}
