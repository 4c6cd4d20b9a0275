import type { Catalog } from "../../catalog/catalog.ts";
import type { Execution } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { ExecutionId } from "../../foundation/ids.ts";

type Executions = Pick<Catalog["executions"], "list">;

const pageSize = 500;

/** What people made of an execution by retrying it, and then its retries; oldest first. */
export async function retriesOf(executions: Executions, { id, eventKey }: Execution): Promise<Execution[]> {
  const ofEvent: Execution[] = [];
  let after: string | undefined;
  do {
    const page = await executions.list({ eventKey }, { limit: pageSize, after });
    ofEvent.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  const found: Execution[] = [];
  const known = new Set<ExecutionId>([id]);
  for (const other of ofEvent.reverse()) {
    if (other.trigger === "replay" || other.retryOf === undefined || !known.has(other.retryOf)) continue;
    known.add(other.id);
    found.push(other);
  }
  return found;
}

/**
 * Throws `conflict` where a retry of it has done its work already, or still may: whoever retries all that failed would do it twice. That is no
 * rule of the catalog but a question to a person, who may answer it.
 */
export async function requireUnresolved(executions: Executions, execution: Execution): Promise<void> {
  const resolving = (await retriesOf(executions, execution)).find(({ status }) => isResolving.has(status));
  if (resolving === undefined) return;
  throw new PlatformError(
    "conflict",
    `execution ${execution.id} was retried as ${resolving.id}, which is ${resolving.status}: its work would be done again. Ask for that with "again": true (fx retry --again)`,
  );
}

const isResolving: ReadonlySet<Execution["status"]> = new Set(["pending", "in_progress", "completed"]);
