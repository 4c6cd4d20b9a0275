import { metricGroup } from "../events/consumer-groups.ts";
import { topics } from "../events/topics.ts";
import { decodeMetricSample, type MetricSample } from "../metrics/metric-sample.ts";
import type { MetricStore } from "../ops-data/ops-data.ts";
import { SinkLoop, type SinkLoopParts } from "./sink-loop.ts";

/** Carries what processes measured of themselves from the backbone to the operational data. */
export class MetricSink extends SinkLoop<MetricSample> {
  constructor({ metrics, ...parts }: SinkLoopParts & { metrics: MetricStore }) {
    super(parts, {
      group: metricGroup,
      topics: [topics.metrics],
      noun: "a sample of metrics",
      batchSize: 500,
      read({ value }) {
        const item = decodeMetricSample(value);
        return item === undefined
          ? { kind: "unreadable", reason: "is not a sample of metrics" }
          : { kind: "item", item };
      },
      store: (samples) => metrics.record(samples),
    });
  }
}
