import { decodeRecord } from "../events/bus-binding.ts";
import { historyGroup } from "../events/consumer-groups.ts";
import { eventKeyOf } from "../events/event-key.ts";
import { topics } from "../events/topics.ts";
import type { History, StoredEvent } from "../ops-data/ops-data.ts";
import { SinkLoop, type SinkLoopParts } from "./sink-loop.ts";

export interface HistorySinkParts extends SinkLoopParts {
  history: History;
  /** Events stored at once. */
  batchSize?: number;
}

/**
 * Makes events searchable, and from the lifecycle events the history of executions and their sums. What is
 * not an event is passed over: the router sets it aside.
 */
export class HistorySink extends SinkLoop<StoredEvent> {
  constructor({ history, batchSize = 500, ...parts }: HistorySinkParts) {
    super(parts, {
      group: historyGroup,
      topics: [topics.events, topics.platform],
      noun: "an event",
      batchSize,
      read(record) {
        const decoded = decodeRecord(record);
        if (!decoded.ok) return { kind: "passed-over" };
        const { event } = decoded;
        return { kind: "item", item: { key: eventKeyOf(event), event, at: record.at } };
      },
      store: (events) => history.record(events),
    });
  }
}
