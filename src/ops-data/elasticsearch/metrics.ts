import { createHash } from "node:crypto";
import type { Clock } from "../../foundation/clock.ts";
import type { Labels, MetricKind } from "../../metrics/figure.ts";
import { labelsText, type MetricSample } from "../../metrics/metric-sample.ts";
import type { Series } from "../../metrics/series.ts";
import { type MetricName, type MetricQuery, type MetricStore, maxMetricSteps, tooManySteps } from "../ops-data.ts";
import { bulk, type Operation } from "./bulk.ts";
import type { Cluster } from "./cluster.ts";
import { metricDocument } from "./documents.ts";
import { indexAt } from "./indices.ts";
import { pruneDocuments } from "./prune.ts";
import { timeQuery } from "./query-dsl.ts";

const bucketsAtOnce = 5000;
const maxNames = 1000;

interface Step {
  key: { name: string; kind: MetricKind; labels: string; at: number };
  average: { value: number };
  highest: { value: number };
}

/** A document for each value; steps are added up by the engine. */
export class ElasticsearchMetrics implements MetricStore {
  readonly #cluster: Cluster;
  readonly #clock: Clock;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async record(samples: readonly MetricSample[]): Promise<void> {
    const operations = samples.flatMap(({ at, labels: common, values }): Operation[] => {
      const index = indexAt(this.#cluster.prefix, "metrics", at);
      return values.map(({ name, kind, labels, value }) => {
        const all = { ...common, ...labels };
        const text = labelsText(all);
        const id = `${at}-${createHash("sha256").update(`${name}${text}`).digest("base64url")}`;
        const document = metricDocument({ at, name, kind, value, labels: all, labelsText: text });
        return { kind: "create", index, id, document };
      });
    });
    if (operations.length > 0) await bulk(this.#cluster, this.#clock, operations);
  }

  async names({ from, to }: { from: number; to: number }): Promise<MetricName[]> {
    const { aggregations } = await this.#cluster.search("metrics", {
      size: 0,
      query: { bool: { filter: timeQuery(from, to) } },
      aggs: {
        names: {
          terms: { field: "fx.metric", size: maxNames, order: { _key: "asc" } },
          aggs: {
            kinds: { terms: { field: "fx.kind", size: 1 } },
            // Exact up to its threshold.
            series: { cardinality: { field: "fx.labels_text", precision_threshold: 40_000 } },
          },
        },
      },
    });
    const { buckets } = (aggregations?.names ?? { buckets: [] }) as {
      buckets: { key: string; kinds: { buckets: { key: MetricKind }[] }; series: { value: number } }[];
    };
    return buckets.map(({ key, kinds, series }) => ({
      name: key,
      kind: kinds.buckets[0]?.key ?? "gauge",
      series: series.value,
    }));
  }

  async series(query: MetricQuery): Promise<Series[]> {
    const found = new Map<string, Series & { steps: Series["steps"][number][] }>();
    let room = maxMetricSteps;
    for await (const { key, average, highest } of this.#steps(query)) {
      room -= 1;
      if (room < 0) throw tooManySteps();
      const { name, kind, labels, at } = key;
      const id = JSON.stringify([name, labels]);
      const series = found.get(id) ?? { name, kind, labels: JSON.parse(labels) as Labels, steps: [] };
      found.set(id, series);
      series.steps.push({ at, average: average.value, highest: highest.value });
    }
    return [...found.values()];
  }

  prune(before: number): Promise<number> {
    return pruneDocuments(this.#cluster, this.#clock, "metrics", before);
  }

  /** In order of names, labels and time. */
  async *#steps({ names, where, from, to, stepMs }: MetricQuery): AsyncGenerator<Step> {
    const labels = Object.entries(where).map(([name, value]) => ({ term: { "fx.labels": `${name}=${value}` } }));
    for (let after: object | undefined; ; ) {
      const sources = [
        { name: { terms: { field: "fx.metric" } } },
        { labels: { terms: { field: "fx.labels_text" } } },
        { kind: { terms: { field: "fx.kind" } } },
        { at: { date_histogram: { field: "@timestamp", fixed_interval: `${stepMs}ms` } } },
      ];
      const { aggregations } = await this.#cluster.search("metrics", {
        size: 0,
        query: { bool: { filter: [{ terms: { "fx.metric": names } }, ...labels, ...timeQuery(from, to)] } },
        aggs: {
          steps: {
            composite: { size: bucketsAtOnce, sources, ...(after && { after }) },
            aggs: { average: { avg: { field: "fx.value" } }, highest: { max: { field: "fx.value" } } },
          },
        },
      });
      const { buckets, after_key } = (aggregations?.steps ?? { buckets: [] }) as {
        buckets: Step[];
        after_key?: object;
      };
      yield* buckets;
      if (buckets.length < bucketsAtOnce) return;
      after = after_key;
    }
  }
}
