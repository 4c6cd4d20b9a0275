import { z } from "zod";
import type { CloudEvent } from "../events/cloud-event.ts";
import { coversType } from "../events/mapping.ts";
import { platformEventTypes } from "../events/reserved-types.ts";
import type { LogRecord } from "../executions/log-record.ts";
import { matchesLine, type SearchedLine } from "../search/match-line.ts";
import { parseQuery } from "../search/parse-query.ts";
import { logFields } from "../search/query-fields.ts";
import type { QueryNode } from "../search/query-node.ts";
import { serviceRef } from "../services/names.ts";
import type { AlertKind, AlertRule, ConditionOf } from "./alert-rule.ts";
import { LogLines } from "./log-lines.ts";
import { searchedLineOf } from "./searched-line.ts";
import type { Sighting } from "./sighting.ts";

type RuleOf<Kind extends AlertKind> = AlertRule & { condition: ConditionOf<Kind> };

/** An execution that ended, as its lifecycle event tells; a replay is no run of anybody's. */
export interface EndedRun {
  executionId: string;
  project: string;
  service: string;
  status: "completed" | "failed";
  startedAt: number | undefined;
  finishedAt: number;
}

const endedTypes = {
  [platformEventTypes.executionCompleted]: "completed",
  [platformEventTypes.executionFailed]: "failed",
} as const satisfies Record<string, EndedRun["status"]>;

const endedData = z.object({
  executionId: z.string(),
  project: z.string(),
  service: z.string(),
  trigger: z.string(),
  startedAt: z.number().optional(),
});

/** Characters of a line that an alert shows. */
const shownChars = 300;

/** What the rules have to know of all that passes. */
export class RuleWatch {
  readonly #ofRuns: RuleOf<"failure_rate" | "duration">[];
  readonly #ofTypes: RuleOf<"silence">[];
  readonly #ofLines: { rule: RuleOf<"log_pattern">; query: QueryNode }[];
  readonly #lines = new LogLines();

  constructor(rules: readonly AlertRule[]) {
    const active = rules.filter((rule) => rule.active);
    this.#ofRuns = [...ofKind(active, "failure_rate"), ...ofKind(active, "duration")];
    this.#ofTypes = ofKind(active, "silence");
    this.#ofLines = ofKind(active, "log_pattern").map((rule) => ({
      rule,
      query: parseQuery(rule.condition.query, logFields),
    }));
  }

  get wantsEvents(): boolean {
    return this.#ofRuns.length + this.#ofTypes.length > 0;
  }

  get wantsLogs(): boolean {
    return this.#ofLines.length > 0;
  }

  /** `isOurs`: it came by the topic that only the platform writes to, where its lifecycle events are to be believed. */
  seeEvent(event: CloudEvent, at: number, isOurs: boolean): Sighting[] {
    const silent = this.#ofTypes.filter(({ condition }) => coversType(condition.type, event.type));
    const ended = isOurs && this.#ofRuns.length > 0 ? endedRunOf(event, at) : undefined;
    return [
      ...silent.filter(({ project }) => sees(project, event.fxproject)).map((rule) => seenEvent(rule, at)),
      ...(ended === undefined ? [] : this.seeRun(ended)),
    ];
  }

  seeRun(run: EndedRun): Sighting[] {
    const subject = serviceRef({ project: run.project, name: run.service });
    const { executionId, startedAt, finishedAt: at, status } = run;
    return this.#ofRuns.flatMap((rule): Sighting[] => {
      const { project, condition, id: ruleId, revision, since } = rule;
      if (at < since || (project !== undefined && project !== run.project)) return [];
      if (condition.service !== undefined && condition.service !== subject) return [];
      const sighting = { ruleId, revision, subject, at, key: executionId.slice(-12), executionId };
      if (condition.kind === "failure_rate") return [{ ...sighting, failed: status === "failed" }];
      if (status === "failed" || startedAt === undefined) return [];
      return [{ ...sighting, durationMs: Math.max(0, at - startedAt) }];
    });
  }

  seeLog(record: LogRecord): Sighting[] {
    const found: Sighting[] = [];
    for (const { text, key } of this.#lines.take(record))
      found.push(...this.seeLine(searchedLineOf(record, text), key, record.at));
    return found;
  }

  seeLine(line: SearchedLine, key: string, at: number): Sighting[] {
    return this.#ofLines.flatMap(({ rule: { id: ruleId, revision, project, since }, query }) => {
      if (at < since || (project !== undefined && project !== line.project) || !matchesLine(query, line)) return [];
      const text = line.text.slice(0, shownChars);
      return [{ ruleId, revision, subject: line.service, at, key, executionId: line.execution, text }];
    });
  }
}

/** Undefined of an event that tells of no end, or of the end of a replay. */
export function endedRunOf(event: CloudEvent, at: number): EndedRun | undefined {
  if (!Object.hasOwn(endedTypes, event.type)) return undefined;
  const parsed = endedData.safeParse(event.data);
  if (!parsed.success || parsed.data.trigger === "replay") return undefined;
  const { executionId, project, service, startedAt } = parsed.data;
  const time = Date.parse(event.time ?? "");
  const status = endedTypes[event.type as keyof typeof endedTypes];
  return { executionId, project, service, status, startedAt, finishedAt: Number.isNaN(time) ? at : time };
}

function seenEvent({ id: ruleId, revision, condition }: RuleOf<"silence">, at: number): Sighting {
  return { ruleId, revision, subject: condition.type, at, key: "" };
}

/** A project sees its own and shared events (rule D19). */
function sees(project: string | undefined, ofEvent: string | undefined): boolean {
  return project === undefined || ofEvent === undefined || project === ofEvent;
}

function ofKind<Kind extends AlertKind>(rules: readonly AlertRule[], kind: Kind): RuleOf<Kind>[] {
  return rules.filter((rule): rule is RuleOf<Kind> => rule.condition.kind === kind);
}
