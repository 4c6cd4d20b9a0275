import type { IndexKind } from "../../ops-data/elasticsearch/indices.ts";

/** An aggregation as Kibana and OpenSearch Dashboards keep it. */
export interface PanelAggregation {
  id: string;
  enabled: true;
  type: "count" | "max" | "percentiles" | "date_histogram" | "terms";
  schema: "metric" | "segment" | "group" | "bucket";
  params: Record<string, unknown>;
}

export interface Panel {
  name: string;
  /** What its documents are. */
  kind: IndexKind;
  /** In KQL; empty: all. */
  query: string;
  state: { title: string; type: string; aggs: PanelAggregation[]; params: Record<string, unknown> };
  /** Of a table of documents, which has no aggregations. */
  columns?: string[];
}

const count: PanelAggregation = { id: "1", enabled: true, type: "count", schema: "metric", params: {} };
const overTime: PanelAggregation = {
  id: "2",
  enabled: true,
  type: "date_histogram",
  schema: "segment",
  params: { field: "@timestamp", interval: "auto", min_doc_count: 1, useNormalizedInterval: true },
};

/** What the dashboard shows, in its order. */
export const panels: readonly Panel[] = [
  {
    name: "executions-by-status",
    kind: "executions",
    query: "",
    state: chart("Executions by status", "histogram", "count", [count, overTime, by("fx.status")]),
  },
  {
    name: "durations",
    kind: "executions",
    query: "fx.duration_ms: *",
    state: chart("Durations in milliseconds: median and 95 %", "line", "durations", [
      {
        id: "1",
        enabled: true,
        type: "percentiles",
        schema: "metric",
        params: { field: "fx.duration_ms", percents: [50, 95], customLabel: "duration (ms)" },
      },
      overTime,
    ]),
  },
  {
    name: "logs",
    kind: "lines",
    query: "",
    state: { title: "Output and logs", type: "search", aggs: [], params: {} },
    columns: ["log.level", "fx.service", "fx.stream", "message", "fx.execution"],
  },
  {
    name: "events-by-type",
    kind: "events",
    query: "",
    state: chart("Events by type", "histogram", "count", [count, overTime, by("event.action")]),
  },
  {
    name: "waiting",
    kind: "metrics",
    query: 'fx.metric: "fx_bus_lag_events" or fx.metric: "fx_executions_unfinished"',
    state: chart("Events not routed, executions not ended: the most of any moment", "line", "count", [
      highest("fx.value"),
      overTime,
      by("fx.labels_text"),
    ]),
  },
  {
    name: "memory",
    kind: "metrics",
    query: 'fx.metric: "process_resident_memory_bytes"',
    state: chart("Memory of each process, in bytes", "line", "bytes", [
      highest("fx.value"),
      overTime,
      by("process.entity_id"),
    ]),
  },
];

function highest(field: string): PanelAggregation {
  return { id: "1", enabled: true, type: "max", schema: "metric", params: { field } };
}

function by(field: string): PanelAggregation {
  const params = { field, size: 10, order: "desc", orderBy: "1", otherBucket: true, otherBucketLabel: "others" };
  return { id: "3", enabled: true, type: "terms", schema: "group", params };
}

/** Values over time; bars stand on one another. */
function chart(title: string, type: "histogram" | "line", label: string, aggs: PanelAggregation[]): Panel["state"] {
  const isBar = type === "histogram";
  const axis = { show: true, style: {}, labels: { show: true, truncate: 100 }, title: {} };
  const params = {
    type,
    grid: { categoryLines: false },
    categoryAxes: [{ ...axis, id: "CategoryAxis-1", type: "category", position: "bottom", scale: { type: "linear" } }],
    valueAxes: [
      {
        ...axis,
        id: "ValueAxis-1",
        name: "LeftAxis-1",
        type: "value",
        position: "left",
        scale: { type: "linear", mode: "normal" },
        title: { text: label },
      },
    ],
    seriesParams: [
      {
        show: true,
        type,
        mode: isBar ? "stacked" : "normal",
        data: { id: "1", label },
        valueAxis: "ValueAxis-1",
        drawLinesBetweenPoints: true,
        showCircles: true,
      },
    ],
    addTooltip: true,
    addLegend: true,
    legendPosition: "right",
    times: [],
    addTimeMarker: false,
  };
  return { title, type, aggs, params };
}
