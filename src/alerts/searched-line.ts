import type { LogRecord } from "../executions/log-record.ts";
import type { SearchedLine } from "../search/match-line.ts";
import { logLevels } from "../search/query-fields.ts";
import { serviceRef } from "../services/names.ts";

/** A line of a record, as operational data would store it. */
export function searchedLineOf(record: LogRecord, text: string): SearchedLine {
  const { project, service, executionId, correlationId, script, stream, attempt, step, level } = record;
  return {
    text,
    level: stream === "log" ? (logLevels.find((known) => known === level) ?? "info") : "none",
    service: serviceRef({ project, name: service }),
    project,
    execution: executionId,
    flow: correlationId,
    script,
    stream,
    attempt,
    step,
  };
}
