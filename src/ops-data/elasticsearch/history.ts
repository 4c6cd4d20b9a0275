import { isTerminal } from "../../executions/execution.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { History, PastExecution, StatsQuery, StatsRow, StoredEvent } from "../ops-data.ts";
import { lifecycleOf } from "../past-row.ts";
import { bulk, type Operation } from "./bulk.ts";
import type { Cluster } from "./cluster.ts";
import { type ExecutionDocument, eventDocument, executionDocument, pastExecutionOf } from "./documents.ts";
import { executionStats } from "./execution-stats.ts";
import { indexAt } from "./indices.ts";
import { pruneDocuments } from "./prune.ts";
import { timeQuery } from "./query-dsl.ts";

const keysAtOnce = 1000;

/** Events, and of each execution that ended one document. */
export class ElasticsearchHistory implements History {
  readonly #cluster: Cluster;
  readonly #clock: Clock;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  /** Where it throws, some may be stored: given again they change nothing. */
  async record(events: readonly StoredEvent[]): Promise<void> {
    const { prefix } = this.#cluster;
    const elsewhere = await this.#storedElsewhere(events);
    const operations = events.flatMap((stored): Operation[] => {
      const { key, at } = stored;
      const index = indexAt(prefix, "events", Math.floor(at));
      const isKnown = elsewhere.get(key) !== undefined && elsewhere.get(key) !== index;
      const event = { kind: "create", index, id: key, document: eventDocument(stored) } as const;
      return [...(isKnown ? [] : [event]), ...executionOf(stored, prefix)];
    });
    await bulk(this.#cluster, this.#clock, operations);
  }

  executionStats(query: StatsQuery): Promise<StatsRow[]> {
    return executionStats(this.#cluster, query);
  }

  async slowest({ from, to, project, limit }: Parameters<History["slowest"]>[0]): Promise<PastExecution[]> {
    const { hits } = await this.#cluster.search<ExecutionDocument>("executions", {
      size: limit,
      query: {
        bool: {
          filter: [
            { exists: { field: "fx.duration_ms" } },
            ...timeQuery(from, to),
            ...(project === undefined ? [] : [{ term: { "fx.project": project } }]),
          ],
        },
      },
      sort: [{ "fx.duration_ms": "desc" }],
    });
    return hits.hits.map(({ _source }) => pastExecutionOf(_source));
  }

  async prune(before: number): Promise<number> {
    const events = await pruneDocuments(this.#cluster, this.#clock, "events", before);
    return events + (await pruneDocuments(this.#cluster, this.#clock, "executions", before));
  }

  /** An event that is sent again on another day has another index, where its key is new. */
  async #storedElsewhere(events: readonly StoredEvent[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const keys = [...new Set(events.map(({ key }) => key))];
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      const values = keys.slice(at, at + keysAtOnce);
      const { hits } = await this.#cluster.search("events", {
        size: values.length,
        query: { ids: { values } },
        _source: false,
        track_total_hits: false,
      });
      for (const { _id, _index } of hits.hits) found.set(_id, _index);
    }
    return found;
  }
}

/** The event of an end tells all of an execution, and there is one: whatever else comes, and in whatever order, adds nothing. */
function executionOf(stored: StoredEvent, prefix: string): Operation[] {
  const told = lifecycleOf(stored);
  if (told === undefined || !isTerminal(told.data.status)) return [];
  const index = indexAt(prefix, "executions", told.time);
  return [{ kind: "create", index, id: told.data.executionId, document: executionDocument(told) }];
}
