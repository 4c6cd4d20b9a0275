import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { wholeCondition } from "../../alerts/alert-rule.ts";
import type { AlertRuleId } from "../../foundation/ids.ts";
import {
  alertRuleAnswer,
  alertRuleAnswerOf,
  alertRuleChange,
  alertRuleContentOf,
  alertRuleInput,
} from "./alert-rule-answer.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf } from "./list-query.ts";
import { required } from "./required.ts";

const params = z.object({ id: z.string().min(1) });

/** What raises alerts. A change counts for what comes after it. */
export function alertRuleRoutes(scope: FastifyInstance, { catalog, bus }: Pick<ApiParts, "catalog" | "bus">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/alerts/rules",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listAlertRules",
        summary: "Rules of alerts, by name",
        tags: ["alerts"],
        querystring: z.strictObject({ project: z.string().optional(), ...pageQuery }),
        response: { 200: listOf(alertRuleAnswer) },
      },
    },
    async ({ query }) =>
      pageAnswer(await catalog.alerts.rules.list({ project: query.project }, pageRequestOf(query)), alertRuleAnswerOf),
  );

  app.post(
    "/alerts/rules",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "createAlertRule",
        summary: "Watch for something, from now on",
        tags: ["alerts"],
        body: alertRuleInput,
        response: { 201: alertRuleAnswer },
      },
    },
    async ({ body }, reply) =>
      reply.code(201).send(alertRuleAnswerOf(await catalog.alerts.rules.create(alertRuleContentOf(body)))),
  );

  app.get(
    "/alerts/rules/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getAlertRule",
        summary: "One rule",
        tags: ["alerts"],
        params,
        response: { 200: alertRuleAnswer },
      },
    },
    async ({ params: { id } }) =>
      alertRuleAnswerOf(required(await catalog.alerts.rules.get(id as AlertRuleId), `there is no alert rule ${id}`)),
  );

  app.put(
    "/alerts/rules/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "replaceAlertRule",
        summary: "Put another rule in the place of one",
        description: "Where it watches for something else, it begins anew, and its open alerts are resolved.",
        tags: ["alerts"],
        params,
        body: alertRuleInput,
        response: { 200: alertRuleAnswer },
      },
    },
    async ({ params: { id }, body }) => {
      const { project = null, description = null, ...rest } = alertRuleContentOf(body);
      return change(id, { ...rest, project, description });
    },
  );

  app.patch(
    "/alerts/rules/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "updateAlertRule",
        summary: "Change a rule; a condition is given whole",
        description: "Where it watches for something else, it begins anew, and its open alerts are resolved.",
        tags: ["alerts"],
        params,
        body: alertRuleChange,
        response: { 200: alertRuleAnswer },
      },
    },
    async ({ params: { id }, body: { condition, ...rest } }) =>
      change(id, condition === undefined ? rest : { ...rest, condition: wholeCondition(condition) }),
  );

  app.delete(
    "/alerts/rules/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "deleteAlertRule",
        summary: "Remove a rule; its open alerts are resolved, and all stay in the list",
        tags: ["alerts"],
        params,
        response: { 204: z.undefined() },
      },
    },
    async ({ params: { id } }, reply) => {
      await catalog.alerts.rules.delete(id as AlertRuleId);
      bus.signal("outbox");
      return reply.code(204).send();
    },
  );

  async function change(id: string, to: Parameters<typeof catalog.alerts.rules.update>[1]) {
    const rule = await catalog.alerts.rules.update(id as AlertRuleId, to);
    bus.signal("outbox");
    return alertRuleAnswerOf(rule);
  }
}
