import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Catalog } from "../../catalog/catalog.ts";
import type { Execution } from "../../executions/execution.ts";
import { isPlatformError } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";
import type { ApiParts } from "./api-parts.ts";
import { executionFilterOf, executionQuery } from "./execution-query.ts";
import { requireUnresolved } from "./retries-of.ts";

/** Executions that one call looks at. */
const maxExecutions = 10_000;
const pageSize = 500;

const bulkAnswer = z
  .object({
    matched: z.int(),
    done: z.int(),
    refused: z.int().meta({ description: "Whose state did not allow it, or whose retry has completed or goes on." }),
    more: z.boolean().meta({ description: `More than ${maxExecutions} match: call again.` }),
  })
  .meta({ id: "BulkResult" });

/** One action on all executions of a filter. */
export function bulkRoute(
  scope: FastifyInstance,
  { catalog, bus, ids }: Pick<ApiParts, "catalog" | "bus" | "ids">,
): void {
  scope.withTypeProvider<ZodTypeProvider>().post(
    "/executions/bulk",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "changeExecutions",
        summary: "Retry, cancel or skip all executions that a filter finds",
        description: "The filter must name something. `confirm: false` only counts.",
        tags: ["executions"],
        body: z.strictObject({
          filter: z
            .strictObject(executionQuery)
            .refine((filter) => Object.keys(filter).length > 0, "must name something: it would find every execution"),
          action: z.enum(["retry", "cancel", "skip"]),
          confirm: z.boolean().default(true),
        }),
        response: { 200: bulkAnswer },
      },
    },
    async ({ body: { filter, action, confirm } }) => {
      const found: Execution[] = [];
      let after: string | undefined;
      // All are found before any is changed: a change must not move the pages.
      do {
        const page = await catalog.executions.list(executionFilterOf(filter), { limit: pageSize, after });
        found.push(...page.items);
        after = page.next;
      } while (after !== undefined && found.length < maxExecutions);
      let done = 0;
      let refused = 0;
      for (const execution of confirm ? found : []) {
        if (await applies(catalog, action, execution, () => ids.next() as ExecutionId)) done += 1;
        else refused += 1;
      }
      if (done > 0) for (const channel of ["dispatch", "cancel", "outbox"] as const) bus.signal(channel);
      return { matched: found.length, done, refused, more: after !== undefined };
    },
  );
}

async function applies(
  { executions }: Catalog,
  action: "retry" | "cancel" | "skip",
  execution: Execution,
  newId: () => ExecutionId,
): Promise<boolean> {
  const { id } = execution;
  try {
    if (action === "retry") {
      await requireUnresolved(executions, execution);
      await executions.retry(id, { newId: newId(), version: "same" });
    } else await executions[action](id);
    return true;
  } catch (error) {
    // It ended, or went, between being found and being changed.
    if (isPlatformError(error, "conflict") || isPlatformError(error, "not-found")) return false;
    throw error;
  }
}
