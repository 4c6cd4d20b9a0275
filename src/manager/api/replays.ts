import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maxAttributeLength } from "../../events/cloud-event.ts";
import { derivedEventId } from "../../events/event-key.ts";
import type { ReplayId } from "../../foundation/ids.ts";
import { compareReplay } from "../replays/compare-replay.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { replayAnswer, replayAnswerOf, replayDetail, replayDetailOf } from "./replay-answer.ts";
import { required } from "./required.ts";

const params = z.object({ id: z.string().min(1) });
const body = z.strictObject({
  correlationid: z.string().min(1).meta({ description: "The flow." }),
  versions: z
    .record(z.string(), z.string().min(1))
    .default({})
    .meta({ description: 'By project/service: "active", or a version\'s id. Others run the version they ran.' }),
});

/** Flows run again on recorded inputs, with nothing done but the running. */
export function replayRoutes(
  scope: FastifyInstance,
  { catalog, bus, ids }: Pick<ApiParts, "catalog" | "bus" | "ids">,
): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.post(
    "/flows/replay",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "replayFlow",
        summary:
          "Run a flow's services again on their recorded events, with chosen versions; nothing they send by context goes out",
        description:
          "What their scripts send, put and store by context, and what .sql scripts change, is not done. What they do by themselves is, requests to other systems too, with the secrets of today. With an Idempotency-Key the same request again answers the same replay, and starts nothing (rule D17).",
        tags: ["replays"],
        headers: z.object({ "idempotency-key": z.string().min(1).max(maxAttributeLength).optional() }),
        body,
        response: { 202: replayAnswer },
      },
    },
    async ({ headers, body: { correlationid, versions } }, reply) => {
      const key = headers["idempotency-key"];
      const id = (key === undefined ? ids.next() : derivedEventId("replay", key)) as ReplayId;
      const { replay, created } = await catalog.replays.create({ id, correlationId: correlationid, versions });
      if (created) bus.signal("dispatch");
      return reply.code(202).send(replayAnswerOf(replay));
    },
  );

  app.get(
    "/replays",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listReplays",
        summary: "Replays, newest first",
        tags: ["replays"],
        querystring: z.strictObject({ correlationid: z.string().min(1).optional(), ...pageQuery }),
        response: { 200: listOf(replayAnswer) },
      },
    },
    async ({ query }) =>
      pageAnswer(
        await catalog.replays.list({ correlationId: query.correlationid }, pageRequestOf(query)),
        replayAnswerOf,
      ),
  );

  app.get(
    "/replays/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getReplay",
        summary: "A replay: each execution beside its original, with what differs in output and emitted events",
        tags: ["replays"],
        params,
        response: { 200: replayDetail },
      },
    },
    async ({ params: { id } }) => {
      const replay = required(await catalog.replays.get(id as ReplayId), `there is no replay ${id}`);
      return replayDetailOf(replay, await compareReplay(catalog, replay));
    },
  );

  app.delete(
    "/replays/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteReplay",
        summary: "Delete a replay that has ended, with its executions",
        tags: ["replays"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.replays.delete(id as ReplayId);
      return reply.code(204).send();
    },
  );
}
