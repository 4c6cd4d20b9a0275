import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { isReservedType } from "../../events/reserved-types.ts";
import type { Execution } from "../../executions/execution.ts";
import { lanes } from "../../executions/lanes.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { eventAnswerOf } from "./event-answer.ts";
import { executionAnswer, executionAnswerOf, executionDetail, stepAnswerOf, waitAnswerOf } from "./execution-answer.ts";
import { executionFilterOf, executionQuery } from "./execution-query.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import type { RecentEvents } from "./recent-events.ts";
import { required } from "./required.ts";
import { requireUnresolved, retriesOf } from "./retries-of.ts";

/** Events of a flow that are looked through for those that one execution emitted. */
const maxFlowEvents = 10_000;

const params = z.object({ id: z.string().min(1) });

export function executionRoutes(
  scope: FastifyInstance,
  { catalog, bus, ids, recent }: Pick<ApiParts, "catalog" | "bus" | "ids"> & { recent: RecentEvents },
): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/executions",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listExecutions",
        summary: "Executions, newest first",
        tags: ["executions"],
        querystring: z.strictObject({ ...executionQuery, ...pageQuery }),
        response: { 200: listOf(executionAnswer) },
      },
    },
    async ({ query }) =>
      pageAnswer(await catalog.executions.list(executionFilterOf(query), pageRequestOf(query)), executionAnswerOf),
  );

  app.get(
    "/executions/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getExecution",
        summary: "One execution with its steps, its trigger and the events it emitted",
        tags: ["executions"],
        params,
        response: { 200: executionDetail },
      },
    },
    async ({ params: { id } }) => {
      const execution = required(await catalog.executions.get(id as ExecutionId), unknown(id));
      const [retries, steps, wait, trigger, flow] = await Promise.all([
        retriesOf(catalog.executions, execution),
        catalog.executions.steps(execution.id),
        catalog.executions.waitsFor(execution.id),
        catalog.ledger.get(execution.eventKey),
        catalog.ledger.flow(execution.correlationId, maxFlowEvents),
      ]);
      const emitted = flow.filter(({ event }) => event.fxexecution === id && !isReservedType(event.type));
      return {
        ...executionAnswerOf(execution),
        steps: steps.map(stepAnswerOf),
        waitsFor: waitAnswerOf(wait),
        retries: retries.map(({ id, status }) => ({ id, status })),
        event: (trigger?.event ?? recentEvent(execution)) as z.input<typeof executionDetail>["event"],
        emitted: emitted.map(eventAnswerOf),
      };
    },
  );

  /** The trigger of a run that was just asked for is not in the ledger yet. */
  function recentEvent({ eventKey }: Execution): CloudEvent | null {
    const body = recent.get(eventKey)?.body;
    return body === undefined ? null : (JSON.parse(Buffer.from(body).toString()) as CloudEvent);
  }

  app.patch(
    "/executions/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "moveExecution",
        summary: "Move a pending execution to another lane, once",
        description: "It takes that lane's priority nearest to its own: moved to `high`, 5 becomes 3.",
        tags: ["executions"],
        params,
        body: z.strictObject({ lane: z.enum(lanes) }),
        response: { 200: executionAnswer },
      },
    },
    async ({ params: { id }, body: { lane } }) => {
      const execution = await catalog.executions.move(id as ExecutionId, lane);
      bus.signal("dispatch");
      return executionAnswerOf(execution);
    },
  );

  app.post(
    "/executions/:id/retry",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "retryExecution",
        summary: "Run again for the same event, as a new execution",
        tags: ["executions"],
        params,
        body: z
          .strictObject({
            version: z.string().min(1).default("same").meta({ description: '"same", "active", or a version\'s id.' }),
            again: z
              .boolean()
              .default(false)
              .meta({ description: "Also where an earlier retry of it has completed, or has not ended yet." }),
          })
          .nullish(),
        response: { 201: executionAnswer },
      },
    },
    async ({ params: { id }, body }, reply) => {
      const original = body?.again ? undefined : await catalog.executions.get(id as ExecutionId);
      if (original) await requireUnresolved(catalog.executions, original);
      const options = { newId: ids.next() as ExecutionId, version: body?.version ?? "same" };
      const execution = await catalog.executions.retry(id as ExecutionId, options);
      for (const channel of ["outbox", "dispatch"] as const) bus.signal(channel);
      return reply.code(201).send(executionAnswerOf(execution));
    },
  );

  app.post(
    "/executions/:id/cancel",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "cancelExecution",
        summary: "Cancel: at once while it is pending, else its scripts are stopped",
        tags: ["executions"],
        params,
        response: { 200: executionAnswer },
      },
    },
    async ({ params: { id } }) => {
      const execution = await catalog.executions.cancel(id as ExecutionId);
      // The next of a concurrency key may be due.
      for (const channel of ["cancel", "outbox", "dispatch"] as const) bus.signal(channel);
      return executionAnswerOf(execution);
    },
  );

  app.post(
    "/executions/:id/skip",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "skipExecution",
        summary: "Skip a pending execution: it never runs",
        tags: ["executions"],
        params,
        response: { 200: executionAnswer },
      },
    },
    async ({ params: { id } }) => {
      const execution = await catalog.executions.skip(id as ExecutionId);
      for (const channel of ["outbox", "dispatch"] as const) bus.signal(channel);
      return executionAnswerOf(execution);
    },
  );
}

export function unknown(id: string): string {
  return `no execution has the id "${id}"`;
}
