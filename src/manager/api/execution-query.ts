import { z } from "zod";
import type { ExecutionFilter } from "../../catalog/executions.ts";
import { executionStatuses, triggers } from "../../executions/execution.ts";
import type { EventKey } from "../../foundation/ids.ts";
import { timeQuery } from "./list-query.ts";
import { serviceQuery } from "./service-query.ts";

const status = z.enum(executionStatuses);

/** Filters of executions; `status` one, or several with commas between them or as an array. */
export const executionQuery = {
  project: z.string().optional(),
  service: serviceQuery.meta({ description: "`project/name`" }),
  status: z
    .preprocess((value) => (typeof value === "string" ? value.split(",") : value), z.array(status).min(1))
    .optional(),
  trigger: z.enum(triggers).optional(),
  eventkey: z.string().optional(),
  correlationid: z.string().optional(),
  from: timeQuery,
  to: timeQuery,
  retried: z
    .union([z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")], "must be true or false")
    .optional()
    .meta({ description: "Whether a person has retried it: what failed and was not retried is left to do." }),
};

const parsed = z.object(executionQuery);

export function executionFilterOf(query: z.output<typeof parsed>): ExecutionFilter {
  return {
    project: query.service?.project ?? query.project,
    service: query.service?.name,
    status: query.status,
    trigger: query.trigger,
    eventKey: query.eventkey as EventKey | undefined,
    correlationId: query.correlationid,
    from: query.from,
    to: query.to,
    retried: query.retried,
  };
}
