import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type LedgerFilter, ledgerOutcomes } from "../../catalog/ledger.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { EventKey } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { eventAnswer, eventAnswerOf } from "./event-answer.ts";
import { type EventStreams, wantsEventStream } from "./event-stream.ts";
import { type FindEventParts, findEvent } from "./find-event.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeQuery } from "./list-query.ts";
import { waitForSignal } from "./wait-for-signal.ts";

const maxWaitMs = 60_000;
const tailPageSize = 200;
const tailPollMs = 1000;
/** Where routers may be in other processes, which do not tell. */
const untoldTailPollMs = 250;

const eventQuery = z.strictObject({
  type: z.string().optional(),
  source: z.string().optional(),
  id: z.string().optional(),
  correlationid: z.string().optional(),
  project: z.string().optional(),
  outcome: z.enum(ledgerOutcomes).optional(),
  from: timeQuery,
  to: timeQuery,
  ...pageQuery,
});

/** What the ledger says of events. */
export function eventRoutes(
  scope: FastifyInstance,
  parts: Pick<ApiParts, "bus" | "catalog" | "clock"> & {
    recent: FindEventParts["recent"];
    streams: EventStreams;
    closing: AbortSignal;
  },
): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  const { catalog, streams } = parts;

  app.get(
    "/events",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listEvents",
        summary: "Routed events, newest first; or, with Accept: text/event-stream, as they are routed",
        description: "A stream begins now, or after the event that the header Last-Event-ID names.",
        tags: ["events"],
        querystring: eventQuery,
        response: { 200: listOf(eventAnswer) },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const { type, source, id, project, outcome, from, to } = query;
      const filter = { type, source, id, correlationId: query.correlationid, project, outcome, from, to };
      if (!wantsEventStream(request))
        return pageAnswer(await catalog.ledger.list(filter, pageRequestOf(query)), eventAnswerOf);
      const start = await tailStart(parts, request.headers["last-event-id"]);
      await streams.answer(reply, (write, stopped) => tail(parts, filter, start, write, stopped));
      return reply;
    },
  );

  app.get(
    "/events/:key",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getEvent",
        summary: "One event and what became of it",
        tags: ["events"],
        params: z.object({ key: z.string().min(1) }),
        querystring: z.strictObject({
          wait: z.coerce
            .number()
            .int()
            .min(0)
            .max(maxWaitMs)
            .default(0)
            .meta({
              description: `Milliseconds to wait until it is routed, at most ${maxWaitMs}.`,
            }),
        }),
        response: { 200: eventAnswer },
      },
    },
    async (request) => {
      const { key } = request.params;
      const stopped = AbortSignal.any([request.signal, parts.closing]);
      const found = await findEvent(parts, key as EventKey, Math.min(request.query.wait, maxWaitMs), stopped);
      if (found === undefined) throw new PlatformError("not-found", `no event has the key "${key}"`);
      return found;
    },
  );
}

type TailParts = Pick<ApiParts, "bus" | "catalog" | "clock">;

async function tailStart({ catalog }: TailParts, lastEventId: string | string[] | undefined): Promise<number> {
  if (lastEventId === undefined) return catalog.ledger.latestSeq();
  const seq = Number(lastEventId);
  if (Number.isSafeInteger(seq) && seq >= 0) return seq;
  throw new PlatformError(
    "invalid-input",
    `Last-Event-ID must be the id of an event of this stream; found "${lastEventId}"`,
  );
}

async function tail(
  parts: TailParts,
  filter: LedgerFilter,
  start: number,
  write: (event: { id: string; data: unknown }) => Promise<void>,
  stopped: AbortSignal,
): Promise<void> {
  const { ledger, news } = parts.catalog;
  const pollMs = news === undefined ? tailPollMs : untoldTailPollMs;
  let seq = start;
  while (!stopped.aborted) {
    // Read first: what is decided meanwhile is left to the next round.
    const latest = await ledger.latestSeq();
    const entries = latest > seq ? await ledger.since(seq, filter, tailPageSize) : [];
    for (const entry of entries) await write({ id: String(entry.seq), data: eventAnswerOf(entry) });
    const full = entries.length === tailPageSize;
    seq = Math.max(seq, entries.at(-1)?.seq ?? 0, full ? 0 : latest);
    if (!full) await waitForSignal(parts, "routed", pollMs, stopped);
  }
}
