import { logGroup } from "../events/consumer-groups.ts";
import { topics } from "../events/topics.ts";
import { decodeLogRecord } from "../executions/log-codec.ts";
import type { LogRecord } from "../executions/log-record.ts";
import type { RunLogs } from "../ops-data/ops-data.ts";
import { SinkLoop, type SinkLoopParts } from "./sink-loop.ts";

export interface LogSinkParts extends SinkLoopParts {
  opsData: Pick<RunLogs, "append">;
  /** Records stored at once. */
  batchSize?: number;
}

/** Carries output and logs from the backbone to the operational data, which stores a record once however often it is given. */
export class LogSink extends SinkLoop<LogRecord> {
  constructor({ opsData, batchSize = 500, ...parts }: LogSinkParts) {
    super(parts, {
      group: logGroup,
      topics: [topics.logs],
      noun: "a log record",
      batchSize,
      read({ value }) {
        const item = decodeLogRecord(value);
        return item === undefined ? { kind: "unreadable", reason: "is not a log record" } : { kind: "item", item };
      },
      store: (records) => opsData.append(records),
    });
  }
}
