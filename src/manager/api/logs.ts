import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maxPageSize } from "../../catalog/paging.ts";
import { isTerminal } from "../../executions/execution.ts";
import { sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { LogQuery, LogRecord } from "../../ops-data/ops-data.ts";
import type { ApiParts } from "./api-parts.ts";
import { outputStored } from "./caught-up.ts";
import { type EventStreams, type StreamedEvent, wantsEventStream } from "./event-stream.ts";
import { unknown } from "./executions.ts";
import { listOf, pageQuery, timeText } from "./list-query.ts";
import { required } from "./required.ts";

const livePollMs = 100;

const logAnswer = z
  .object({
    attempt: z.int(),
    step: z.int(),
    script: z.string(),
    seq: z.int(),
    at: z.string(),
    stream: z.enum(["stdout", "stderr", "log"]),
    level: z.string().nullable(),
    text: z.string().meta({ description: "What is not UTF-8 is replaced; the step's output has the bytes." }),
  })
  .meta({ id: "LogRecord" });

type Parts = Pick<ApiParts, "catalog" | "opsData" | "clock"> & { streams: EventStreams; closing: AbortSignal };

export function logRoutes(scope: FastifyInstance, parts: Parts): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/executions/:id/logs",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getLogs",
        summary: "Output and log lines in order; with Accept: text/event-stream, live while it runs",
        description: "A stream begins with the first record, or after Last-Event-ID, and ends with the event `end`.",
        tags: ["executions"],
        params: z.object({ id: z.string().min(1) }),
        querystring: z.strictObject({ ...pageQuery, limit: pageQuery.limit.default(maxPageSize) }),
        response: { 200: listOf(logAnswer) },
      },
    },
    async (request, reply) => {
      const { catalog, opsData, closing, streams } = parts;
      const { id } = request.params;
      const execution = required(await catalog.executions.get(id as ExecutionId), unknown(id));
      if (wantsEventStream(request)) {
        const start = placeFrom(request.headers["last-event-id"]?.toString() ?? request.query.after);
        await streams.answer(reply, (write, stopped) => follow(parts, id as ExecutionId, start, write, stopped));
        return reply;
      }
      const after = placeFrom(request.query.after);
      await outputStored(parts, execution, await catalog.executions.steps(execution.id), closing);
      const { limit } = request.query;
      const records = await opsData.logs({ executionId: id, after, limit });
      const last = records.at(-1);
      return { items: records.map(logAnswerOf), next: last && records.length === limit ? placeOf(last) : null };
    },
  );
}

/** Every record once, in order, until the execution has ended and all of it was written. */
async function follow(
  parts: Parts,
  id: ExecutionId,
  start: LogQuery["after"],
  write: (event: StreamedEvent) => Promise<void>,
  stopped: AbortSignal,
): Promise<void> {
  const { catalog, opsData, clock } = parts;
  let after = start;
  while (!stopped.aborted) {
    // Asked before the records are read: what an ended run wrote is then among them.
    const execution = await catalog.executions.get(id);
    const ended = execution === undefined || isTerminal(execution.status);
    if (execution && ended) await outputStored(parts, execution, await catalog.executions.steps(id), stopped);
    let records: LogRecord[];
    do {
      records = await opsData.logs({ executionId: id, after, limit: maxPageSize });
      for (const record of records) await write({ id: placeOf(record), data: logAnswerOf(record) });
      const last = records.at(-1);
      if (last) after = { attempt: last.attempt, seq: last.seq };
    } while (records.length === maxPageSize && !stopped.aborted);
    if (ended) {
      await write({ event: "end", data: { status: execution?.status ?? null } });
      return;
    }
    await sleep(clock, livePollMs, stopped);
  }
}

function logAnswerOf(record: LogRecord): z.output<typeof logAnswer> {
  const { attempt, step, script, seq, at, stream, level, bytes } = record;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
  return { attempt, step, script, seq, at: timeText(at), stream, level: level ?? null, text };
}

function placeOf({ attempt, seq }: LogRecord): string {
  return `${attempt}-${seq}`;
}

function placeFrom(text: string | undefined): LogQuery["after"] {
  if (text === undefined) return undefined;
  const [, attempt, seq] = /^(\d{1,9})-(\d{1,15})$/.exec(text) ?? [];
  if (seq !== undefined) return { attempt: Number(attempt), seq: Number(seq) };
  throw new PlatformError("invalid-input", `"after" must be the "next" of a page of logs; found "${text}"`);
}
