import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { type AlertEpisode, episodeEnds } from "../../alerts/alert-episode.ts";
import { type AlertKind, alertSeverities, conditionSchema } from "../../alerts/alert-rule.ts";
import type { AlertId, AlertRuleId } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { listOf, pageAnswer, pageQuery, pageRequestOf, timeText } from "./list-query.ts";
import { required } from "./required.ts";

const kinds = conditionSchema.options.map(({ shape }) => shape.kind.value) as [AlertKind, ...AlertKind[]];

const alertAnswer = z
  .object({
    id: z.string(),
    ruleId: z.string(),
    rule: z.string().meta({ description: "The rule's name, as it was." }),
    kind: z.enum(kinds),
    severity: z.enum(alertSeverities),
    description: z.string().nullable(),
    subject: z.string().meta({ description: "What it is about: a service, or an event type." }),
    project: z.string().nullable().meta({ description: "Whose services see its events; null: those of all." }),
    summary: z.string(),
    facts: z.record(z.string(), z.unknown()),
    raisedAt: z.string(),
    resolvedAt: z.string().nullable().meta({ description: "null: it is open." }),
    resolution: z.enum(episodeEnds).nullable(),
    resolvedSummary: z.string().nullable(),
  })
  .meta({ id: "Alert" });

/** Alerts that were raised. */
export function alertRoutes(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/alerts",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "listAlerts",
        summary: "Alerts, the newest first",
        tags: ["alerts"],
        querystring: z.strictObject({
          open: z
            .enum(["true", "false"])
            .transform((text) => text === "true")
            .optional()
            .meta({ description: "`true`: that are not resolved; `false`: that are." }),
          project: z.string().optional().meta({ description: "That this project sees." }),
          ruleId: z.string().optional(),
          ...pageQuery,
        }),
        response: { 200: listOf(alertAnswer) },
      },
    },
    async ({ query }) => {
      const { open, project, ruleId } = query;
      const filter = { open, project, ruleId: ruleId as AlertRuleId | undefined };
      return pageAnswer(await catalog.alerts.episodes(filter, pageRequestOf(query)), alertAnswerOf);
    },
  );

  app.get(
    "/alerts/:id",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getAlert",
        summary: "One alert",
        tags: ["alerts"],
        params: z.object({ id: z.string().min(1) }),
        response: { 200: alertAnswer },
      },
    },
    async ({ params: { id } }) =>
      alertAnswerOf(required(await catalog.alerts.episode(id as AlertId), `there is no alert ${id}`)),
  );
}

function alertAnswerOf(episode: AlertEpisode): z.output<typeof alertAnswer> {
  const { id, ruleId, ruleName, kind, severity, description, subject, project, summary, facts, raisedAt, end } =
    episode;
  return {
    id,
    ruleId,
    rule: ruleName,
    kind,
    severity,
    description: description ?? null,
    subject,
    project: project ?? null,
    summary,
    facts,
    raisedAt: timeText(raisedAt),
    resolvedAt: timeText(end?.at),
    resolution: end?.why ?? null,
    resolvedSummary: end?.summary ?? null,
  };
}
