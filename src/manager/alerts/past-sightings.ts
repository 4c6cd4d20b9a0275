import type { AlertRule } from "../../alerts/alert-rule.ts";
import { RuleWatch } from "../../alerts/rule-watch.ts";
import type { Sighting } from "../../alerts/sighting.ts";
import type { ExecutionStore } from "../../catalog/executions.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import type { Execution } from "../../executions/execution.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Found, LogLine, Search, SearchRequest } from "../../ops-data/ops-data.ts";
import { parseQuery } from "../../search/parse-query.ts";
import { logFields } from "../../search/query-fields.ts";
import { allOf, type QueryNode } from "../../search/query-node.ts";
import { serviceRef } from "../../services/names.ts";

export interface Past {
  executions: Pick<ExecutionStore, "list">;
  search: Pick<Search, "lines" | "events">;
}

export interface PastSightings {
  sightings: Sighting[];
  /** Everything since this moment is in them; milliseconds since the epoch. */
  from: number;
}

const pageSize = 1000;
/** Runs, events or lines looked at for one trial. */
const maxLooks = 10_000;
const timeLimitMs = 10_000;

/** What a rule would have seen of [from, to), as far as it is stored. Throws `invalid-input` for a kind that cannot be told from it. */
export async function pastSightings(past: Past, rule: AlertRule, from: number, to: number): Promise<PastSightings> {
  const { condition, project } = rule;
  const watch = new RuleWatch([rule]);
  const span = { from, to, timeLimitMs };
  switch (condition.kind) {
    case "failure_rate":
    case "duration":
      return pastRuns(past, watch, { project, service: condition.service, from, to });
    case "silence": {
      const { items, from: reached } = await searched(
        (page) => past.search.events(page),
        typeQuery(condition.type),
        span,
      );
      const seen = items.flatMap(({ type, project: fxproject, at }) =>
        watch.seeEvent({ type, ...(fxproject === undefined ? {} : { fxproject }) } as CloudEvent, at, false),
      );
      return { sightings: seen, from: reached };
    }
    case "log_pattern": {
      const own: QueryNode[] =
        project === undefined ? [] : [{ kind: "field", field: "project", value: project, prefix: false }];
      const query = allOf([parseQuery(condition.query, logFields), ...own]);
      const { items, from: reached } = await searched((page) => past.search.lines(page), query, span);
      return { sightings: items.flatMap((line) => seeLine(watch, line)), from: reached };
    }
    case "lateness":
      throw new PlatformError(
        "invalid-input",
        "lateness is judged by what the catalog knows of a schedule now: how late it was once is not kept",
      );
  }
}

async function pastRuns(
  { executions }: Past,
  watch: RuleWatch,
  span: { project: string | undefined; service: string | undefined; from: number; to: number },
): Promise<PastSightings> {
  const filter = { ...span, status: ["completed", "failed"] as const };
  const sightings: Sighting[] = [];
  let after: string | undefined;
  for (let looks = 0; looks < maxLooks; looks += pageSize) {
    const { items, next } = await executions.list(filter, { limit: pageSize, after });
    sightings.push(...items.flatMap((execution) => seeRun(watch, execution)));
    after = next;
    if (after === undefined) return { sightings, from: span.from };
    if (looks + pageSize >= maxLooks) return { sightings, from: items.at(-1)?.createdAt ?? span.from };
  }
  return { sightings, from: span.from };
}

function seeRun(watch: RuleWatch, execution: Execution): Sighting[] {
  const { id: executionId, project, service, status, trigger } = execution;
  if ((status !== "completed" && status !== "failed") || trigger === "replay") return [];
  const { startedAt, finishedAt } = execution;
  return watch.seeRun({ executionId, project, service, status, startedAt, finishedAt });
}

function seeLine(watch: RuleWatch, line: LogLine): Sighting[] {
  const { id, at, executionId: execution, project, service: name, attempt, step, script, stream, level, text } = line;
  // The search has looked at the flow, which is not part of what it answers.
  const seen = { text, level, service: serviceRef({ project, name }), project, execution, flow: undefined };
  return watch.seeLine({ ...seen, script, stream, attempt, step }, id, at);
}

/** Walks back page by page, until everything is there or enough. */
async function searched<Item extends { id: string; at: number }>(
  search: (request: SearchRequest) => Promise<Found<Item>>,
  query: QueryNode,
  span: { from: number; to: number; timeLimitMs: number },
): Promise<{ items: Item[]; from: number }> {
  const items: Item[] = [];
  let after: string | undefined;
  for (;;) {
    const found = await search({ query, ...span, limit: pageSize, after });
    items.push(...found.items);
    if (!found.complete) return { items, from: Math.max(span.from, found.searchedTo) };
    if (found.items.length < pageSize) return { items, from: span.from };
    after = found.items.at(-1)?.id;
    if (items.length >= maxLooks) return { items, from: items.at(-1)?.at ?? span.from };
  }
}

function typeQuery(type: string): QueryNode {
  const prefix = type.endsWith(".*");
  return { kind: "field", field: "type", value: prefix ? type.slice(0, -1) : type, prefix };
}
