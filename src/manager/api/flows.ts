import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import type { LedgerEntry } from "../../catalog/ledger.ts";
import type { Execution } from "../../executions/execution.ts";
import type { ApiParts } from "./api-parts.ts";
import { eventAnswer, eventAnswerOf } from "./event-answer.ts";
import { executionAnswer, executionAnswerOf } from "./execution-answer.ts";

/** Events and executions of one answer. */
const maxNodes = 10_000;
const pageSize = 1000;

interface TreeEvent {
  eventKey: string;
  executions: TreeExecution[];
  mapped: TreeEvent[];
}

interface TreeExecution {
  executionId: string;
  events: TreeEvent[];
}

const treeEvent: z.ZodType<TreeEvent> = z
  .object({
    eventKey: z.string(),
    get executions() {
      return z.array(treeExecution);
    },
    get mapped() {
      return z.array(treeEvent).meta({ description: "What mappings made of it." });
    },
  })
  .meta({ id: "FlowEvent" });
const treeExecution: z.ZodType<TreeExecution> = z
  .object({
    executionId: z.string(),
    get events() {
      return z.array(treeEvent);
    },
  })
  .meta({ id: "FlowExecution" });

const flowAnswer = z
  .object({
    correlationId: z.string(),
    events: z.array(eventAnswer).meta({ description: "In the order they were routed." }),
    executions: z.array(executionAnswer).meta({ description: "In the order they were made." }),
    tree: z
      .array(treeEvent)
      .meta({ description: "Under an event the executions it started, under those what they emitted." }),
    truncated: z.boolean().meta({ description: `The flow has more than ${maxNodes} events and executions.` }),
  })
  .meta({ id: "Flow" });

/** Everything that one first event caused. */
export function flowRoute(scope: FastifyInstance, { catalog }: Pick<ApiParts, "catalog">): void {
  scope.withTypeProvider<ZodTypeProvider>().get(
    "/flows",
    {
      config: { access: "administrator" },
      schema: {
        operationId: "getFlow",
        summary: "A flow: its events and executions with their times, and how they hang together",
        tags: ["events"],
        querystring: z.strictObject({ correlationid: z.string().min(1) }),
        response: { 200: flowAnswer },
      },
    },
    async ({ query: { correlationid } }) => {
      const found = await catalog.ledger.flow(correlationid, maxNodes + 1);
      const executions: Execution[] = [];
      let after: string | undefined;
      do {
        const page = await catalog.executions.list({ correlationId: correlationid }, { limit: pageSize, after });
        // What a replay ran is told by the replay: it is no part of the flow.
        executions.push(...page.items.filter(({ trigger }) => trigger !== "replay"));
        after = page.next;
      } while (after !== undefined && executions.length <= maxNodes);
      const kept = cut(found, executions.reverse());
      return {
        correlationId: correlationid,
        events: kept.entries.map(eventAnswerOf),
        executions: kept.executions.map(executionAnswerOf),
        tree: treeOf(kept.entries, kept.executions),
        truncated: after !== undefined || found.length + executions.length > maxNodes,
      };
    },
  );
}

/** The beginning of the flow, where all of it would be too much. */
function cut(entries: LedgerEntry[], executions: Execution[]) {
  if (entries.length + executions.length <= maxNodes) return { entries, executions };
  const half = maxNodes / 2;
  const events = Math.min(entries.length, Math.max(half, maxNodes - executions.length));
  return { entries: entries.slice(0, events), executions: executions.slice(0, maxNodes - events) };
}

/** An event whose emitter is not among the executions is a root; so is, for a run without its event, that event. */
export function treeOf(entries: readonly LedgerEntry[], executions: readonly Execution[]): TreeEvent[] {
  const ofExecution = new Map<string, TreeExecution>(executions.map(({ id }) => [id, { executionId: id, events: [] }]));
  const ofEvent = new Map<string, TreeEvent>(
    entries.map(({ key }) => [key, { eventKey: key, executions: [], mapped: [] }]),
  );
  const roots: TreeEvent[] = [];
  for (const { key, event } of entries) {
    const node = ofEvent.get(key) as TreeEvent;
    const parent = ofExecution.get(event.fxexecution ?? "")?.events ?? ofEvent.get(event.fxmappedfrom ?? "")?.mapped;
    (parent ?? roots).push(node);
  }
  for (const { id, eventKey } of executions) {
    let trigger = ofEvent.get(eventKey);
    if (trigger === undefined) {
      trigger = { eventKey, executions: [], mapped: [] };
      ofEvent.set(eventKey, trigger);
      roots.push(trigger);
    }
    trigger.executions.push(ofExecution.get(id) as TreeExecution);
  }
  return roots;
}
