import { expect, test } from "vitest";
import type { Json } from "../../../src/foundation/json.ts";
import { indexPattern } from "../../../src/ops-data/elasticsearch/indices.ts";
import type { StoredEvent } from "../../../src/ops-data/ops-data.ts";
import { type PanelAggregation, panels } from "../../../src/platform/kibana/panels.ts";
import { sharedEnvironment } from "../../support/engines.ts";
import { freshPrefix, openOpsData } from "../../support/search-server.ts";

interface Bucket {
  key: string | number;
  doc_count: number;
  own?: { buckets: Bucket[] };
  measured?: { values: Record<string, number> };
}

/** What a panel's aggregations ask the server for: buckets in buckets, and in the innermost what is measured. */
function asked(aggregations: readonly PanelAggregation[]): Record<string, object> {
  const [first, ...rest] = aggregations.filter(({ schema }) => schema !== "metric");
  const measured = aggregations.find(({ type }) => type === "percentiles");
  if (first === undefined) {
    const { field, percents } = measured?.params ?? {};
    return measured === undefined ? {} : { measured: { percentiles: { field, percents } } };
  }
  const { field, size } = first.params;
  const own = first.type === "terms" ? { terms: { field, size } } : { date_histogram: { field, fixed_interval: "1h" } };
  return { own: { ...own, aggs: asked([...rest, ...(measured ? [measured] : [])]) } };
}

const finished = (n: number, status: string): StoredEvent => ({
  key: `end-${n}`,
  at: 1_700_000_000_000 + n,
  event: {
    specversion: "1.0",
    id: `end-${n}`,
    source: "/shop",
    type: `fx.execution.${status}`,
    time: new Date(1_700_000_000_000 + n).toISOString(),
    data: {
      executionId: `e-${n}`,
      project: "shop",
      service: "orders",
      version: "v-1",
      status,
      attempt: 1,
      trigger: "event",
      createdAt: 1_700_000_000_000 - 500,
      startedAt: 1_700_000_000_000 - 400,
    },
  },
});

test.each(["opensearch", "elasticsearch"])(
  "every panel of the dashboard has something to show on %s",
  async (engine) => {
    const prefix = freshPrefix();
    const opsData = await openOpsData(engine, prefix);
    await opsData.history.record([finished(1, "completed"), finished(2, "completed"), finished(3, "failed")]);
    const {
      FX_OPS_DATA_URL: url,
      FX_OPS_DATA_USER: user = "",
      FX_OPS_DATA_PASSWORD: password = "",
    } = sharedEnvironment(engine);
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
    const bucketsOf = async (name: string): Promise<Bucket[]> => {
      const panel = panels.find((each) => each.name === name);
      if (panel === undefined) throw new Error(`there is no panel ${name}`);
      const response = await fetch(`${url}/${indexPattern(`${prefix}-`, panel.kind)}/_search`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(user !== "" && { authorization }) },
        body: JSON.stringify({ size: 0, aggs: asked(panel.state.aggs) }),
      });
      const answer = (await response.json()) as { aggregations: { own: { buckets: Bucket[] } } } & Json;
      return answer.aggregations.own.buckets;
    };
    const [hour] = await bucketsOf("executions-by-status");
    expect(hour?.own?.buckets.map(({ key, doc_count: count }) => [key, count])).toEqual([
      ["completed", 2],
      ["failed", 1],
    ]);
    const [durations] = await bucketsOf("durations");
    expect(durations?.measured?.values["50.0"]).toBeGreaterThan(400);
    const [types] = await bucketsOf("events-by-type");
    expect(types?.own?.buckets.map(({ key }) => key).sort()).toEqual(["fx.execution.completed", "fx.execution.failed"]);
  },
);
