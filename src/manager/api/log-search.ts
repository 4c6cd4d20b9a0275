import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { sleep } from "../../foundation/clock.ts";
import type { LogLine } from "../../ops-data/ops-data.ts";
import { logFields, logLevels } from "../../search/query-fields.ts";
import type { ApiParts } from "./api-parts.ts";
import { type EventStreams, type StreamedEvent, wantsEventStream } from "./event-stream.ts";
import { pageQuery, timeText } from "./list-query.ts";
import { foundAnswer, foundOf, searchOf, searchQuery, searchTimeLimitMs } from "./search-query.ts";

const tailPollMs = 250;
/** Lines of runs on other executors may be stored later than younger ones; the tail looks back so far. */
const tailWindowMs = 10_000;
const tailLimit = 1000;
/** An export reads pages of this size, each as quickly as its reader takes the one before. */
const exportPage = 1000;

const logLineAnswer = z
  .object({
    id: z.string(),
    at: z.string(),
    project: z.string(),
    service: z.string(),
    executionId: z.string(),
    attempt: z.int(),
    step: z.int(),
    script: z.string(),
    stream: z.enum(["stdout", "stderr", "log"]),
    level: z.enum(logLevels).meta({ description: "`none`: raw output." }),
    text: z.string(),
  })
  .meta({ id: "LogLine" });

type Parts = Pick<ApiParts, "opsData" | "clock"> & { streams: EventStreams; closing: AbortSignal };
type Search = ReturnType<typeof searchOf>;

export function logSearchRoutes(scope: FastifyInstance, parts: Parts): void {
  const { opsData, streams, closing } = parts;
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.get(
    "/logs",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "searchLogs",
        summary: "Lines of output and logging that match, newest first; with Accept: text/event-stream, new ones live",
        tags: ["operations"],
        querystring: z.strictObject({ ...searchQuery, ...pageQuery }),
        response: { 200: foundAnswer(logLineAnswer) },
      },
    },
    async (request, reply) => {
      const { limit, after } = request.query;
      const search = searchOf(request.query, logFields);
      if (wantsEventStream(request)) {
        await streams.answer(reply, (write, stopped) => tail(parts, search, write, stopped));
        return reply;
      }
      const found = await opsData.search.lines({
        ...search,
        limit,
        after,
        timeLimitMs: searchTimeLimitMs,
        signal: closing,
      });
      return foundOf(found, limit, lineAnswerOf);
    },
  );
  app.get(
    "/logs/export",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "exportLogs",
        summary: "All lines that match, newest first, one JSON document a line",
        tags: ["operations"],
        querystring: z.strictObject(searchQuery),
        response: {
          200: { description: "Lines as in a search", content: { "application/x-ndjson": { schema: z.unknown() } } },
        },
      },
    },
    async (request, reply) => {
      const search = searchOf(request.query, logFields);
      const stopped = new AbortController();
      reply.raw.once("close", () => stopped.abort());
      return reply.type("application/x-ndjson").send(Readable.from(exported(parts, search, stopped.signal)));
    },
  );
}

async function* exported({ opsData, closing }: Parts, search: Search, signal: AbortSignal): AsyncGenerator<string> {
  let { to } = search;
  let after: string | undefined;
  while (!signal.aborted && !closing.aborted) {
    const request = { ...search, to, after, limit: exportPage, timeLimitMs: searchTimeLimitMs, signal };
    const { items, complete, searchedTo } = await opsData.search.lines(request);
    if (items.length > 0) yield items.map((line) => `${JSON.stringify(lineAnswerOf(line))}\n`).join("");
    if (complete && items.length < exportPage) return;
    after = items.at(-1)?.id ?? after;
    if (!complete) to = searchedTo + 1;
  }
}

/** Each line that is stored from now on, once, in the order of their times. */
async function tail(
  { opsData, clock }: Parts,
  search: Search,
  write: (event: StreamedEvent) => Promise<void>,
  stopped: AbortSignal,
): Promise<void> {
  const seen = new Map<string, number>();
  const began = clock.now();
  while (!stopped.aborted) {
    const from = Math.max(search.from, began, clock.now() - tailWindowMs);
    const fresh: LogLine[] = [];
    let after: string | undefined;
    do {
      const request = { ...search, from, after, limit: tailLimit, timeLimitMs: searchTimeLimitMs, signal: stopped };
      const { items } = await opsData.search.lines(request);
      const unseen = items.filter(({ id }) => !seen.has(id));
      fresh.push(...unseen);
      // A page of which nothing is new is followed by pages that were read before.
      after = unseen.length > 0 && items.length === tailLimit ? items.at(-1)?.id : undefined;
    } while (after !== undefined && !stopped.aborted);
    for (const line of fresh.reverse()) {
      seen.set(line.id, line.at);
      await write({ id: line.id, data: lineAnswerOf(line) });
    }
    for (const [id, at] of seen) if (at < from) seen.delete(id);
    await sleep(clock, tailPollMs, stopped);
  }
}

function lineAnswerOf({ at, ...line }: LogLine): z.output<typeof logLineAnswer> {
  return { ...line, at: timeText(at) };
}
