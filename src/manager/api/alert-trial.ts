import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type AlertRule, conditionSchema } from "../../alerts/alert-rule.ts";
import type { AlertRuleId } from "../../foundation/ids.ts";
import { nameSchema } from "../../services/names.ts";
import { pastSightings } from "../alerts/past-sightings.ts";
import { tryRule } from "../alerts/try-rule.ts";
import { alertRuleContentOf } from "./alert-rule-answer.ts";
import type { ApiParts } from "./api-parts.ts";
import { timeText } from "./list-query.ts";

const hourMs = 3_600_000;
/** What is usual is learned from so much before, as a rule that had been there would have learned it. */
const learningMs = 28 * 24 * hourMs;

const trialAnswer = z
  .object({
    alerts: z.array(
      z.object({ subject: z.string(), summary: z.string(), raisedAt: z.string(), resolvedAt: z.string().nullable() }),
    ),
    seen: z.int().meta({ description: "Runs, events or lines that were judged." }),
    from: z.string().meta({ description: "From when on all was looked at." }),
    complete: z.boolean().meta({ description: "False: there was more than is looked at; see `from`." }),
  })
  .meta({ id: "AlertTrial" });

/** What a rule would have raised; nothing is made or sent. */
export function alertTrialRoute(
  scope: FastifyInstance,
  { catalog, opsData, clock }: Pick<ApiParts, "catalog" | "opsData" | "clock">,
): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.post(
    "/alerts/try",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "tryAlertRule",
        summary: "What a rule would have raised in the last hours; nothing is sent",
        tags: ["alerts"],
        body: z.strictObject({
          condition: conditionSchema,
          project: nameSchema.nullable().optional(),
          hours: z
            .int()
            .min(1)
            .max(24 * 31)
            .default(24),
        }),
        response: { 200: trialAnswer },
      },
    },
    async ({ body: { condition, project, hours } }) => {
      const to = clock.now();
      const wanted = to - hours * hourMs;
      const since = condition.kind === "duration" ? wanted - learningMs : wanted;
      const content = alertRuleContentOf({ name: "tried", project, severity: "info", active: true, condition });
      const rule: AlertRule = { ...content, id: "tried" as AlertRuleId, revision: 1, since, createdAt: since };
      const past = { executions: catalog.executions, search: opsData.search };
      const { sightings, from } = await pastSightings(past, rule, since, to);
      // What is before the beginning is not known to be silence.
      const known = tryRule({ ...rule, since: from }, sightings, to);
      const alerts = known.filter(({ raisedAt }) => raisedAt >= wanted);
      return {
        alerts: alerts.map(({ subject, summary, raisedAt, resolvedAt }) => {
          return { subject, summary, raisedAt: timeText(raisedAt), resolvedAt: timeText(resolvedAt) };
        }),
        seen: sightings.length,
        from: timeText(Math.max(from, wanted)),
        complete: from <= wanted,
      };
    },
  );
}
