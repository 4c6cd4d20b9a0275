import { type LogLevelName, logLevels } from "../search/query-fields.ts";
import type { LogRecord } from "./ops-data.ts";

/** Of a record's lines: `none` of raw output. */
export function levelOf({ stream, level }: LogRecord): LogLevelName {
  return stream === "log" ? (logLevels.find((known) => known === level) ?? "info") : "none";
}
