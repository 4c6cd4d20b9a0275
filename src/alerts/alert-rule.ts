import { z } from "zod";
import { isAlertType } from "../events/reserved-types.ts";
import { isPlatformError, type Problem } from "../foundation/errors.ts";
import type { AlertRuleId } from "../foundation/ids.ts";
import { parseQuery } from "../search/parse-query.ts";
import { logFields } from "../search/query-fields.ts";
import { splitTimeRange } from "../search/time-range.ts";
import { nameSchema, parseServiceRef, serviceRef } from "../services/names.ts";

/** Watches what happens, and raises an alert while its condition holds. It is data: it changes while events flow. */
export interface AlertRule extends AlertRuleContent {
  id: AlertRuleId;
  /** Grows with each change of what it watches: what was seen for an older one does not count. */
  revision: number;
  /** From when it watches; milliseconds since the epoch. */
  since: number;
  createdAt: number;
}

export interface AlertRuleContent {
  /** Unique. */
  name: string;
  /** Services, events and lines of this project alone, and its alerts are the project's; undefined: of all (rule D19). */
  project: string | undefined;
  description: string | undefined;
  severity: AlertSeverity;
  active: boolean;
  condition: AlertCondition;
}

export const alertSeverities = ["info", "warning", "critical"] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

const daySeconds = 86_400;
const seconds = (description: string, most = 7 * daySeconds) =>
  z.number().min(1).max(most).describe(`${description}, in seconds.`);
const service = z
  .string()
  .refine((text) => parseServiceRef(text) !== undefined, "must be a service, such as default/hello")
  .optional()
  .describe("`project/name`; absent: each service by itself.");

export const conditionSchema = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("failure_rate"),
      service,
      window: seconds("How far back runs count").default(300),
      percent: z.number().gt(0).max(100).default(50).describe("Fires when so many in a hundred runs failed, or more."),
      minimum: z.int().min(1).max(100_000).default(5).describe("Ended runs without which it does not fire."),
    })
    .describe("Runs of a service that fail. Skipped and cancelled ones do not count."),
  z
    .strictObject({
      kind: z.literal("lateness"),
      service,
      grace: seconds("How late a schedule's run may begin").default(60),
    })
    .describe("A schedule whose time has come without a run that began, or was missed."),
  z
    .strictObject({
      kind: z.literal("silence"),
      type: z
        .string()
        .regex(/^[^\s*]+(\.\*)?$/, 'must be an event type, exact or with a trailing ".*"')
        .max(1024)
        .refine((type) => !isAlertType(type), "must not be a type of alerts: they would end their own silence")
        .describe('Exact, or with a trailing ".*".'),
      for: seconds("How long it may be silent", 31 * daySeconds),
    })
    .describe("No event of a type."),
  z
    .strictObject({
      kind: z.literal("duration"),
      service,
      deviations: z.number().min(1).max(100).default(4).describe("How far from the usual, in standard deviations."),
      direction: z.enum(["slower", "faster", "either"]).default("slower"),
      runs: z.int().min(1).max(100).default(3).describe("So many runs in a row."),
      minimum: z.int().min(5).max(10_000).default(20).describe("Runs without which nothing is usual yet."),
    })
    .describe("Completed runs of a service that take much longer than is usual at this hour of the week."),
  z
    .strictObject({
      kind: z.literal("log_pattern"),
      query: z
        .string()
        .min(1)
        .superRefine((query, context) => {
          const problem = queryProblem(query);
          if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
        })
        .describe("What a line matches, as `fx logs` searches."),
      count: z.int().min(1).max(1_000_000).default(1).describe("So many lines."),
      window: seconds("Within this time").default(300),
    })
    .describe("Lines of output or logging that match a search."),
]);
export type AlertCondition = z.output<typeof conditionSchema>;
export type AlertKind = AlertCondition["kind"];
export type ConditionOf<Kind extends AlertKind> = Extract<AlertCondition, { kind: Kind }>;

/** The parts of a rule that can be changed. */
export const alertRuleParts = {
  name: nameSchema,
  description: z.string().min(1).max(1000).nullable(),
  severity: z.enum(alertSeverities),
  active: z.boolean(),
  condition: conditionSchema,
};

/** What is wrong with a rule whose parts are each right. */
export function alertRuleProblems({ project, condition }: Pick<AlertRuleContent, "project" | "condition">): Problem[] {
  if (!("service" in condition) || condition.service === undefined || project === undefined) return [];
  if (parseServiceRef(condition.service)?.project === project) return [];
  const message = `${condition.service} is of another project than the rule, which sees those of ${project} only`;
  return [{ path: "condition.service", message }];
}

/** The condition with the whole name of its service: a bare one belongs to the project `default`, as everywhere. */
export function wholeCondition(condition: AlertCondition): AlertCondition {
  if (!("service" in condition) || condition.service === undefined) return condition;
  const ref = parseServiceRef(condition.service);
  return ref === undefined ? condition : { ...condition, service: serviceRef(ref) };
}

function queryProblem(query: string): string | undefined {
  try {
    const { range } = splitTimeRange(parseQuery(query, logFields));
    if (Number.isFinite(range.from) || Number.isFinite(range.to))
      return '"at:" has no place here: the window is the time';
    return undefined;
  } catch (error) {
    if (isPlatformError(error)) return error.message;
    throw error;
  }
}
