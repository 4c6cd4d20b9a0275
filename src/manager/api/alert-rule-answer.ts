import { z } from "zod";
import {
  type AlertRule,
  type AlertRuleContent,
  alertRuleParts,
  alertRuleProblems,
  alertSeverities,
  conditionSchema,
  wholeCondition,
} from "../../alerts/alert-rule.ts";
import { PlatformError } from "../../foundation/errors.ts";
import { nameSchema } from "../../services/names.ts";
import { timeText } from "./list-query.ts";

const project = nameSchema.nullable().optional().meta({
  description: "Its services, events and lines alone, and the alerts are the project's; absent: of all projects.",
});

/** A rule as people propose it. */
export const alertRuleInput = z.strictObject({
  ...alertRuleParts,
  project,
  description: alertRuleParts.description.optional(),
  severity: alertRuleParts.severity.default("warning"),
  active: alertRuleParts.active.default(true),
});

export const alertRuleChange = z
  .strictObject({ ...alertRuleParts, project })
  .partial()
  .refine((change) => Object.keys(change).length > 0, "must name something to change");

export const alertRuleAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    project: z.string().nullable().meta({ description: "null: of all projects." }),
    description: z.string().nullable(),
    severity: z.enum(alertSeverities),
    active: z.boolean(),
    condition: conditionSchema,
    since: z.string().meta({ description: "From when it watches: it begins anew when what it watches is changed." }),
    createdAt: z.string(),
  })
  .meta({ id: "AlertRule" });

/** Throws `invalid-input` that names everything wrong with it. */
export function alertRuleContentOf(input: z.output<typeof alertRuleInput>): AlertRuleContent {
  const { project, description, condition } = input;
  const content = {
    ...input,
    project: project ?? undefined,
    description: description ?? undefined,
    condition: wholeCondition(condition),
  };
  const problems = alertRuleProblems(content);
  if (problems.length === 0) return content;
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new PlatformError("invalid-input", `the rule is not sound: ${text}`, { problems });
}

export function alertRuleAnswerOf(rule: AlertRule): z.output<typeof alertRuleAnswer> {
  const { id, name, project, description, severity, active, condition, since, createdAt } = rule;
  return {
    id,
    name,
    project: project ?? null,
    description: description ?? null,
    severity,
    active,
    condition,
    since: timeText(since),
    createdAt: timeText(createdAt),
  };
}
