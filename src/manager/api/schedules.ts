import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { maxAttributeLength } from "../../events/cloud-event.ts";
import { eventKeyOf } from "../../events/event-key.ts";
import { scheduleRunEvent } from "../../events/platform-events.ts";
import type { ExecutionId, VersionId } from "../../foundation/ids.ts";
import { concurrencyKeyFor } from "../../services/concurrency-key.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { required } from "./required.ts";
import { requireStartable, runAnswer } from "./runs.ts";
import { scheduleAnswer, scheduleAnswerOf, scheduleDetail, scheduleDetailOf } from "./schedule-answer.ts";
import { unknownService } from "./unknown-service.ts";

const params = z.object({ project: z.string(), service: z.string() });
/** Misses shown with one schedule. */
const shownMisses = 100;

const timesQuery = (fallback: number) =>
  z.coerce.number().int().min(1).max(1000).default(fallback).meta({ description: "How many of the next times." });

/** What runs by the clock. */
export function scheduleRoutes(scope: FastifyInstance, parts: ApiParts): void {
  const { catalog, bus, clock, ids } = parts;
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/schedules",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listSchedules",
        summary: "Schedules, with their next and their missed times",
        tags: ["schedules"],
        querystring: z.strictObject({ project: z.string().optional(), times: timesQuery(3), ...pageQuery }),
        response: { 200: listOf(scheduleAnswer) },
      },
    },
    async ({ query }) => {
      const page = await catalog.schedules.list({ project: query.project }, pageRequestOf(query));
      return pageAnswer(page, (schedule) => scheduleAnswerOf(schedule, clock.now(), query.times));
    },
  );

  app.get(
    "/schedules/:project/:service",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getSchedule",
        summary: "One schedule: more of its next times, and when it was missed",
        tags: ["schedules"],
        params,
        querystring: z.strictObject({ times: timesQuery(20) }),
        response: { 200: scheduleDetail },
      },
    },
    async ({ params: { project, service }, query }) => detail(project, service, query.times),
  );

  app.patch(
    "/schedules/:project/:service",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "updateSchedule",
        summary: "Pause or resume a schedule; a redeploy leaves that alone, and what comes meanwhile is not made up",
        tags: ["schedules"],
        params,
        body: z.strictObject({ paused: z.boolean() }),
        response: { 200: scheduleDetail },
      },
    },
    async ({ params: { project, service }, body }) => {
      await catalog.schedules.pause(project, service, body.paused);
      bus.signal("schedules");
      return detail(project, service, 20);
    },
  );

  app.post(
    "/schedules/:project/:service/run",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "runSchedule",
        summary: "Run a scheduled service now, as its schedule would; its next time stays",
        description: "With an Idempotency-Key the same request again answers the same run (rule D17).",
        tags: ["schedules"],
        params,
        headers: z.object({ "idempotency-key": z.string().min(1).max(maxAttributeLength).optional() }),
        response: { 202: runAnswer },
      },
    },
    async ({ params: { project, service: name }, headers }, reply) => {
      const schedule = await requireSchedule(project, name);
      const [service, version] = await Promise.all([
        catalog.services.get(project, name),
        catalog.services.version(schedule.version as VersionId),
      ]);
      requireStartable(
        required(service, unknownService(project, name)),
        required(version, unknownService(project, name)),
      );
      const { cron, timezone, priority, concurrencyKey } = schedule;
      const id = headers["idempotency-key"] ?? ids.next();
      const event = scheduleRunEvent({ project, service: name, cron, timezone, id, now: clock.now() });
      const key = eventKeyOf(event);
      const { executionId, created } = await catalog.runRequests.request({
        id: ids.next() as ExecutionId,
        key,
        event,
        trigger: "manual",
        project,
        service: name,
        version: schedule.version as VersionId,
        priority,
        concurrencyKey: concurrencyKeyFor({ project, name }, concurrencyKey, event),
      });
      if (created) for (const channel of ["dispatch", "outbox"] as const) bus.signal(channel);
      return reply.code(202).send({ eventKey: key, executionId });
    },
  );

  async function requireSchedule(project: string, service: string) {
    return required(
      await catalog.schedules.get(project, service),
      `${project}/${service} has no schedule: its manifest names none with "schedule"`,
    );
  }

  async function detail(project: string, service: string, times: number) {
    const schedule = await requireSchedule(project, service);
    const misses = await catalog.schedules.misses(project, service, shownMisses);
    return scheduleDetailOf(schedule, misses, clock.now(), times);
  }
}
