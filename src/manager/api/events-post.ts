import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { readHttpEvents } from "../../events/http-binding.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { eventBody } from "./event-answer.ts";
import type { AcceptedEvent, EventIntake } from "./event-intake.ts";
import { HttpRefusal } from "./problem-document.ts";

const acceptedAnswer = z
  .object({
    accepted: z.array(
      z.object({
        key: z.string().meta({ description: "Opaque, URL-safe function of (source, id)." }),
        id: z.string(),
        source: z.string(),
        duplicate: z.boolean().meta({ description: "A hint: the ledger decides." }),
        differs: z.boolean().optional().meta({ description: "The same (source, id) was said with other data." }),
      }),
    ),
  })
  .meta({ id: "Accepted" });

const empty = Buffer.alloc(0);

/** `POST /events`: the hot path. The body is parsed once, by the binding; nothing is answered before it is durable. */
export function eventsPostRoute(
  app: FastifyInstance,
  intake: EventIntake,
  limits: { batchEvents: number; bodyBytes: number },
): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: limits.bodyBytes }, (_request, body, done) =>
    done(null, body),
  );
  app.post<{ Body: Buffer | undefined }>(
    "/events",
    {
      config: { access: "administrator" },
      bodyLimit: limits.bodyBytes,
      schema: {
        operationId: "sendEvents",
        summary: "Send CloudEvents 1.0: one (structured, or binary with ce- headers) or many (batched)",
        description:
          "Answers once all are durable. All must be valid, else 400 names every one that is not. After a 5xx any of them may have been accepted; sending again is safe.",
        tags: ["events"],
        consumes: ["application/cloudevents+json", "application/cloudevents-batch+json"],
        body: z.union([eventBody, z.array(eventBody)]),
        response: { 202: acceptedAnswer },
      },
      // The HTTP binding judges the body: bytes in three modes are no JSON document.
      validatorCompiler: () => (value: unknown) => ({ value }),
    },
    async (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : empty;
      refuseEncoded(request.headers["content-encoding"]);
      const reading = readHttpEvents({ headers: request.headers, body, maxEvents: limits.batchEvents });
      if (!reading.ok) {
        if (reading.refusal === "unsupported-media-type") throw new HttpRefusal(415, "invalid-input", reading.message);
        throw new PlatformError("invalid-input", reading.message, { problems: reading.problems });
      }
      const accepted = await intake.accept(reading.events);
      reply.code(202).header("content-type", "application/json; charset=utf-8");
      return answerOf(accepted);
    },
  );
}

/** Written by hand: with a batch of a thousand it is a part of the answer's cost that can be seen. */
function answerOf(accepted: readonly AcceptedEvent[]): string {
  let text = "";
  for (const { key, id, source, duplicate, differs } of accepted) {
    const more = differs ? ',"differs":true' : "";
    text += `${text === "" ? "" : ","}{"key":"${key}","id":${JSON.stringify(id)},"source":${JSON.stringify(source)},"duplicate":${duplicate}${more}}`;
  }
  return `{"accepted":[${text}]}`;
}

function refuseEncoded(encoding: string | undefined): void {
  if (encoding === undefined || encoding === "identity") return;
  throw new HttpRefusal(415, "invalid-input", `content encoding ${encoding} is not read here: send the event as it is`);
}
