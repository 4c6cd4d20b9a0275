import type { Clock } from "../../foundation/clock.ts";
import type { ContentsPage, ExecutionEnd, OpsContents, StoredEvent, Writer } from "../ops-data.ts";
import { lifecycleOfEnd } from "../past-row.ts";
import { bulk, type Operation } from "./bulk.ts";
import type { Cluster } from "./cluster.ts";
import { type EventDocument, type ExecutionDocument, endOf, executionDocument, storedEventOf } from "./documents.ts";
import { type IndexKind, indexAt } from "./indices.ts";

interface WriterBucket {
  key: { execution: string };
  flow: { buckets: { key: string }[] };
}

/** Everything in the cluster that is this installation's, page by page. */
export class ElasticsearchContents implements OpsContents {
  readonly #cluster: Cluster;
  readonly #clock: Clock;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async writers({ after, limit }: ContentsPage): Promise<Writer[]> {
    const { aggregations } = await this.#cluster.search("records", {
      size: 0,
      aggs: {
        writers: {
          composite: {
            size: limit,
            sources: [{ execution: { terms: { field: "fx.execution" } } }],
            ...(after !== undefined && { after: { execution: after } }),
          },
          aggs: { flow: { terms: { field: "trace.id", size: 1 } } },
        },
      },
    });
    const { buckets = [] } = (aggregations?.writers ?? {}) as { buckets?: WriterBucket[] };
    return buckets.map(({ key, flow }) => ({ executionId: key.execution, correlationId: flow.buckets[0]?.key }));
  }

  async events(page: ContentsPage): Promise<StoredEvent[]> {
    return (await this.#documents<EventDocument>("events", "fx.key", page)).map(storedEventOf);
  }

  async ends(page: ContentsPage): Promise<ExecutionEnd[]> {
    return (await this.#documents<ExecutionDocument>("executions", "fx.execution", page)).map(endOf);
  }

  async takeEnds(ends: readonly ExecutionEnd[]): Promise<void> {
    const operations = ends.map((end): Operation => {
      const index = indexAt(this.#cluster.prefix, "executions", end.finishedAt);
      return { kind: "create", index, id: end.executionId, document: executionDocument(lifecycleOfEnd(end)) };
    });
    await bulk(this.#cluster, this.#clock, operations);
  }

  async #documents<Source>(kind: IndexKind, field: string, { after, limit }: ContentsPage): Promise<Source[]> {
    const { hits } = await this.#cluster.search<Source>(kind, {
      size: limit,
      track_total_hits: false,
      sort: [{ [field]: "asc" }],
      _source: { excludes: ["fx.words"] },
      ...(after !== undefined && { search_after: [after] }),
    });
    return hits.hits.map(({ _source }) => _source);
  }
}
